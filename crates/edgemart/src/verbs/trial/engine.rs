//! The container engine of this machine, and images in it.

use std::io::Read as _;
use std::path::Path;

use edge::runner::{Engine, EngineError, StandError, is_archive};

use crate::verbs::failure::{Exit, Failure, tell};

/// Bytes that tell an archive from another file.
const BEGINNING_BYTES: usize = 512;

/// The engine that is named, or the first of the usual ones that answers; what earlier runs left in it is removed.
pub(crate) async fn open(address: Option<&str>) -> Result<Engine, Failure> {
    let engine = find(address).await?;
    tell(&format!("{} at {}", engine.name, engine.socket().display()));
    let swept = engine.sweep().await.map_err(refused)?;
    if swept.any() {
        tell(&format!(
            "Removed what an earlier run left: {} containers, {} networks.",
            swept.containers, swept.networks
        ));
    }
    Ok(engine)
}

async fn find(address: Option<&str>) -> Result<Engine, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let addresses = match address {
        Some(address) => vec![address.to_owned()],
        None => Engine::usual_addresses(
            variable("DOCKER_HOST").as_deref(),
            variable("XDG_RUNTIME_DIR").as_deref(),
        ),
    };
    let mut last = None;
    for address in addresses {
        match Engine::open(&address).await {
            Ok(engine) => return Ok(engine),
            Err(problem) => last = Some(problem),
        }
    }
    Err(last.map_or_else(
        || {
            Failure::new(Exit::Network, "there is no container engine here")
                .why("neither Docker's socket nor Podman's was found")
                .fix("start Docker, or `podman system service --time=0 unix:///run/podman/podman.sock`; or start the module as a program: edgemart try -- PROGRAM")
        },
        refused,
    ))
}

/// Loads an archive, or has the engine pull what it does not have; gives the name it has there.
pub(crate) async fn fetch(engine: &Engine, image: &str) -> Result<String, Failure> {
    let path = Path::new(image);
    if path.is_file() {
        if !archive(path) {
            return Err(Failure::new(Exit::Invalid, format!("{image} is no archive of an image"))
                .fix("write one with `docker save`, `podman save`, or `skopeo copy … docker-archive:FILE`"));
        }
        tell(&format!("Loading {image}."));
        return engine.load_image(path).await.map_err(refused);
    }
    if engine.image(image).await.map_err(refused)?.is_none() {
        tell(&format!("Pulling {image}."));
        engine.pull_image(image, None).await.map_err(refused)?;
    }
    Ok(image.to_owned())
}

fn archive(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| {
        file.take(BEGINNING_BYTES as u64)
            .read_to_end(&mut beginning)
    });
    read.is_ok() && is_archive(&beginning)
}

pub(crate) fn refused(problem: EngineError) -> Failure {
    let exit = match problem {
        EngineError::Unreachable { .. } | EngineError::Broken { .. } => Exit::Network,
        EngineError::Address(_) => Exit::Usage,
        _ => Exit::Failure,
    };
    Failure::new(exit, "the container engine does not do it").why(problem)
}

pub(crate) fn not_standing(problem: StandError) -> Failure {
    match problem {
        StandError::Engine(problem) => refused(problem),
        StandError::Environment(problem) => super::not_started(problem),
        StandError::NoImage(_) => {
            Failure::new(Exit::NotFound, "there is no such image").why(problem)
        }
        StandError::NoEmulation(_) => {
            Failure::new(Exit::Failure, "this machine cannot run the module").why(problem)
        }
        StandError::TooMuch(_) => Failure::new(
            Exit::Invalid,
            "the module asks for more than it would be given",
        )
        .why(problem),
        StandError::Elsewhere { .. } => {
            Failure::new(Exit::Failure, "this engine runs modules out of reach").why(problem)
        }
        StandError::Folder(_) => Failure::new(Exit::Failure, "the run has no place").why(problem),
    }
}

//! `edgemart try IMAGE`: the module in a container of this machine's engine, through all the steps of a certification,
//! with the same rules at the end.

use std::io::Read as _;
use std::path::Path;

use certify::Expected;
use domain::create_options::CreateOptions;
use domain::offer::ModuleKind;
use edge::runner::{Engine, EngineError, Limits, Pace, Plan, Stand, StandError, is_archive};
use serde_json::{Map, Value};
use tokio::sync::broadcast::error::RecvError;

use super::super::context::Global;
use super::super::failure::{Exit, Failure, tell};
use super::{Screen, Try, desired, from_file, routes, verdict};

/// Bytes that tell an archive from another file.
const BEGINNING_BYTES: usize = 512;

/// What a module in a container is given, and is said to do.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the module is, and how it runs in a container")]
pub(super) struct Contained {
    /// Address of the container engine; Docker's or Podman's socket is found by itself.
    #[arg(long, env = "EDGEMART_ENGINE", value_name = "unix:///PATH")]
    engine: Option<String>,
    /// What the module does with messages; without it, what inputs and outputs suggest.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// An input the module reads; it gets a message.
    #[arg(long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// An output the module writes.
    #[arg(long = "output-name", value_name = "NAME")]
    outputs: Vec<String>,
    /// A method the module answers; it is called.
    #[arg(long = "method", value_name = "NAME")]
    methods: Vec<String>,
    /// A host the module may ask for.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// `publisher.offer.plan`, which its ProductInfo has to name.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// An environment variable of the module.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// createOptions: JSON, or @FILE.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    create_options: String,
    /// Seconds the module is watched before anything is done to it.
    #[arg(long, value_name = "SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    settle: u64,
    /// Seconds the hub is away.
    #[arg(long, value_name = "SECONDS", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=600))]
    outage: u64,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    Source,
    Filter,
    Sink,
    Companion,
}

/// Runs the module, shows what happens, and judges it.
pub(super) async fn run(asked: &Try, image: &str, global: &Global) -> Result<(), Failure> {
    let mut plan = plan(asked, image)?;
    let engine = open(asked.contained.engine.as_deref()).await?;
    tell(&format!("{} at {}", engine.name, engine.socket().display()));
    let swept = engine.sweep().await.map_err(refused)?;
    if swept.containers + swept.networks > 0 {
        tell(&format!(
            "Removed what an earlier run left: {} containers, {} networks.",
            swept.containers, swept.networks
        ));
    }
    plan.image = fetch(&engine, image).await?;
    let stand = Stand::open(engine, plan).await.map_err(not_standing)?;
    let mut screen = Screen::new(global.output);
    let done = perform(stand, &mut screen).await?;
    let Some((observed, expected)) = done else {
        tell("Stopped; no verdict.");
        return Ok(());
    };
    let place = format!("{image}, {}", asked.name);
    verdict::show(&verdict::judge(place, expected, observed)?, global.output)
}

/// Goes through the steps while events are shown; `None` after Ctrl-C. Everything is removed either way.
async fn perform(
    mut stand: Stand,
    screen: &mut Screen,
) -> Result<Option<(certify::Observed, Expected)>, Failure> {
    let log = stand.log().clone();
    let expected = stand.plan().expected.clone();
    let mut events = log.listen();
    let mut output = String::new();
    let ended = {
        let performing = stand.perform(&mut output);
        tokio::pin!(performing);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(entry) => screen.show(&entry)?,
                    Err(RecvError::Lagged(missed)) => tell(&format!("({missed} events not shown: too many at once)")),
                    Err(RecvError::Closed) => {}
                },
                observed = &mut performing => break Some(observed),
                _ = tokio::signal::ctrl_c() => break None,
            }
        }
    };
    let left_out = stand.left_out.clone();
    let log = stand.close().await.map_err(refused)?;
    for entry in log.entries(0) {
        screen.show(&entry)?;
    }
    if !output.trim().is_empty() {
        tell(&format!("The module printed:\n{}", output.trim_end()));
    }
    for what in left_out {
        tell(&format!("Not exercised: createOptions {what}"));
    }
    match ended {
        None => Ok(None),
        Some(observed) => {
            let observed = observed.map_err(not_standing)?;
            Ok(Some((observed, expected)))
        }
    }
}

fn plan(asked: &Try, image: &str) -> Result<Plan, Failure> {
    let given = &asked.contained;
    let create_options = CreateOptions::parse(&from_file(&given.create_options)?)
        .map_err(|e| Failure::new(Exit::Invalid, "the createOptions are not taken").why(e))?;
    let variable = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(
            Failure::new(Exit::Usage, format!("{text:?} is no environment variable"))
                .fix("write --env NAME=VALUE"),
        ),
    };
    let desired = desired(&asked.desired)?;
    let expected = given.expected(&desired);
    Ok(Plan {
        module: asked.name.clone(),
        image: image.to_owned(),
        compressed_bytes: None,
        routes: routes(&asked.routes).into_iter().collect(),
        desired,
        variables: given
            .variables
            .iter()
            .map(variable)
            .collect::<Result<_, _>>()?,
        create_options,
        expected,
        limits: Limits::default(),
        pace: Pace {
            settle: std::time::Duration::from_secs(given.settle),
            outage: std::time::Duration::from_secs(given.outage),
            ..Pace::default()
        },
    })
}

impl Contained {
    /// What the module is said to do.
    pub(super) fn expected(&self, desired: &Map<String, Value>) -> Expected {
        Expected {
            kind: self.kind(),
            outputs: self.outputs.clone(),
            inputs: self.inputs.clone(),
            methods: self.methods.clone(),
            desired: desired.keys().cloned().collect(),
            hosts: self.hosts.clone(),
            product: self.product.clone(),
        }
    }

    fn kind(&self) -> ModuleKind {
        match self.kind {
            Some(Kind::Source) => ModuleKind::Source,
            Some(Kind::Filter) => ModuleKind::Filter,
            Some(Kind::Sink) => ModuleKind::Sink,
            Some(Kind::Companion) => ModuleKind::Companion,
            None => match (self.inputs.is_empty(), self.outputs.is_empty()) {
                (true, _) => ModuleKind::Source,
                (false, true) => ModuleKind::Sink,
                (false, false) => ModuleKind::Filter,
            },
        }
    }
}

/// The engine that is named, or the first of the usual ones that answers.
async fn open(address: Option<&str>) -> Result<Engine, Failure> {
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
async fn fetch(engine: &Engine, image: &str) -> Result<String, Failure> {
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

fn refused(problem: EngineError) -> Failure {
    let exit = match problem {
        EngineError::Unreachable { .. } | EngineError::Broken { .. } => Exit::Network,
        EngineError::Address(_) => Exit::Usage,
        _ => Exit::Failure,
    };
    Failure::new(exit, "the container engine does not do it").why(problem)
}

fn not_standing(problem: StandError) -> Failure {
    match problem {
        StandError::Engine(problem) => refused(problem),
        StandError::Environment(problem) => super::not_started(problem),
        StandError::NoImage(_) => {
            Failure::new(Exit::NotFound, "there is no such image").why(problem)
        }
        StandError::Elsewhere { .. } => {
            Failure::new(Exit::Failure, "this engine runs modules out of reach").why(problem)
        }
        StandError::Folder(_) => Failure::new(Exit::Failure, "the run has no place").why(problem),
    }
}

//! Where the demo runs its samples: an engine that is named, one that is found, or none, said plainly on the terminal.

use std::str::FromStr;

use edge::runner::{Engine, EngineError};

/// What `--engine` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineChoice {
    /// The first of the usual places where one answers.
    Auto,
    /// Nothing is run.
    None,
    /// This one, or no demo.
    At(String),
}

impl FromStr for EngineChoice {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            address if address.starts_with("unix:///") => Self::At(address.to_owned()),
            other => return Err(EngineError::Address(other.to_owned())),
        })
    }
}

impl EngineChoice {
    /// The address of the engine to use; tells which it is, or that there is none and what that means.
    pub(super) async fn address(self) -> Result<Option<String>, EngineError> {
        match self {
            Self::At(address) => {
                tell(&Engine::open(&address).await?, &address);
                Ok(Some(address))
            }
            Self::Auto => Ok(find().await),
            Self::None => {
                eprintln!("Certification checks the samples without running them (--engine none).");
                Ok(None)
            }
        }
    }
}

async fn find() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let addresses = match variable("EDGEMART_ENGINE").filter(|address| !address.is_empty()) {
        Some(address) => vec![address],
        None => Engine::usual_addresses(
            variable("DOCKER_HOST").as_deref(),
            variable("XDG_RUNTIME_DIR").as_deref(),
        ),
    };
    let mut why = "neither Docker's socket nor Podman's was found".to_owned();
    for address in addresses {
        match Engine::open(&address).await {
            Ok(engine) => {
                tell(&engine, &address);
                return Some(address);
            }
            Err(problem) => why = problem.to_string(),
        }
    }
    eprintln!(
        "No container engine: certification checks the samples without running them, and their pages say so.\n  \
         ({why}; start Docker or `podman system service --time=0 unix:///run/podman/podman.sock`, then the demo again.)"
    );
    None
}

fn tell(engine: &Engine, address: &str) {
    eprintln!(
        "Certification runs every sample in a container: {} at {address}.",
        engine.name
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_found_named_or_left_out() {
        let read = |text: &str| text.parse::<EngineChoice>().ok();
        assert_eq!(read("auto"), Some(EngineChoice::Auto));
        assert_eq!(read("none"), Some(EngineChoice::None));
        let address = "unix:///run/podman/podman.sock";
        assert_eq!(read(address), Some(EngineChoice::At(address.to_owned())));
        for wrong in ["", "docker", "tcp://10.0.0.1:2375", "unix://relative"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

//! Which installation of this machine a verb works on, and opening it beside its server.

use std::path::PathBuf;

use app::App;
use app::error::Refused;

use crate::config::{Config, Flags, load};
use crate::run::attach;
use crate::verbs::failure::{Exit, Failure};

/// Names an installation as `edgemart serve` does.
#[derive(Debug, clap::Args)]
pub(super) struct Installation {
    /// Configuration file of the installation; `edgemart.toml` in this folder when it is there.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of the database and keys.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Installation {
    pub(super) fn configuration(&self) -> Result<Config, Failure> {
        let flags = Flags {
            config: self.config.clone(),
            data: self.data.clone(),
            ..Flags::default()
        };
        load(&flags).map_err(|error| {
            Failure::new(Exit::Failure, "the configuration cannot be used").why(error)
        })
    }

    /// The use-cases on this installation. A server may run meanwhile.
    pub(super) async fn open(&self) -> Result<App, Failure> {
        let config = self.configuration()?;
        attach(config).await.map_err(|error| {
            let exit = match &error {
                crate::run::StartError::Open(store::OpenError::NoDatabase { .. }) => Exit::NotFound,
                _ => Exit::Failure,
            };
            Failure::new(exit, "the installation cannot be opened").why(error)
        })
    }
}

/// A refusal of a use-case that ran in this process, with its exit code.
pub(super) fn refused(what: &str, error: &Refused) -> Failure {
    let exit = match error {
        Refused::Forbidden(_) => Exit::Authentication,
        Refused::NotFound { .. } | Refused::Gone { .. } => Exit::NotFound,
        Refused::Invalid(_) => Exit::Invalid,
        Refused::Conflict(_) => Exit::Conflict,
        Refused::TooMany { .. } | Refused::Failed(_) => Exit::Failure,
    };
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        why = cause.to_string();
        source = cause.source();
    }
    Failure::new(exit, what).why(why)
}

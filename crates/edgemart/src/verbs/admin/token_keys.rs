//! `edgemart admin token-keys rotate`: a new key signs registry tokens from now on; tokens under way stay good. Running
//! servers that share the data folder follow by themselves. Left out: replicas whose keys stand in the environment.

use std::path::PathBuf;

use app::registry::rotate_token_keys;
use serde_json::json;

use crate::config::{Flags, load};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

#[derive(Debug, clap::Args)]
pub(super) struct TokenKeys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Put a new signing key first and keep the last three.
    Rotate(Rotate),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin token-keys rotate --data /var/lib/edgemart")]
struct Rotate {
    /// Configuration file of the installation; `edgemart.toml` in this folder when it is there.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of the keys.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl TokenKeys {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        let Verb::Rotate(asked) = self.verb;
        let flags = Flags {
            config: asked.config,
            data: asked.data,
            ..Flags::default()
        };
        let config = load(&flags).map_err(|error| {
            Failure::new(Exit::Failure, "the configuration cannot be used").why(error)
        })?;
        if std::env::var_os("EDGEMART_TOKEN_KEYS").is_some_and(|text| !text.is_empty()) {
            return Err(Failure::new(
                Exit::Failure,
                "the token keys of this installation stand in EDGEMART_TOKEN_KEYS",
            )
            .fix("put a new key first there, on every replica, and restart them one by one"));
        }
        let path = config.data.join("tokens.key");
        if !path.is_file() {
            return Err(
                Failure::new(Exit::NotFound, format!("there is no {}", path.display()))
                    .fix("name the installation with --data or --config"),
            );
        }
        let kids = rotate_token_keys(&path).map_err(|error| {
            Failure::new(Exit::Failure, "the token keys could not be changed").why(error)
        })?;
        global.show(&json!({"signing": kids[0], "verifying": kids}), String::new)?;
        tell(&format!(
            "{} signs from now on; {} older keys still verify.",
            kids[0],
            kids.len() - 1
        ));
        Ok(())
    }
}

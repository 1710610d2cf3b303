//! `edgemart admin keys`: the keys that seal stored secrets, such as passwords of publishers' registries.

use app::admin::{KeyUse, rotate_secret_keys, secret_keys};
use app::secrets::SecretKeys;
use domain::actor::Actor;
use serde_json::{Value, json};

use super::installation::{Installation, refused};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::Table;

/// The keys that seal stored secrets.
///
/// Opens the database and the key file (secrets.key) of this machine's installation, or the keys in
/// EDGEMART_SECRET_KEYS. Servers may run meanwhile: they look at the key file before they seal.
#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the keys by id, with how many stored secrets each opens.
    List(List),
    /// Make a new key, seal every stored secret with it and retire the old keys.
    Rotate(Rotate),
    /// Print a fresh line for a key file or for EDGEMART_SECRET_KEYS; changes nothing.
    New(New),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin keys list --data /var/lib/edgemart")]
struct List {
    #[command(flatten)]
    installation: Installation,
}

/// Makes a new key, seals every stored secret with it and retires the old keys.
///
/// Killed half-way, run it again: what was begun is ended first. Keys in EDGEMART_SECRET_KEYS are changed there: append a
/// line of `edgemart admin keys new` on every replica, restart them, and run this, which seals with the newest line.
#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin keys rotate --data /var/lib/edgemart")]
struct Rotate {
    #[command(flatten)]
    installation: Installation,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin keys new")]
struct New {}

impl Keys {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self.verb {
            Verb::List(asked) => list(&asked.installation, global).await,
            Verb::Rotate(asked) => rotate(&asked.installation, global).await,
            Verb::New(New {}) => {
                let what = "no key could be made";
                let (id, line) = SecretKeys::fresh_line()
                    .map_err(|error| Failure::new(Exit::Failure, what).why(error))?;
                let value = json!({"id": id, "line": line.trim()});
                global.show(&value, || line.as_str().to_owned())
            }
        }
    }
}

fn told(key: &KeyUse) -> Value {
    json!({"id": key.id, "seals": key.seals, "present": key.present, "secrets": key.secrets})
}

async fn list(installation: &Installation, global: &Global) -> Result<(), Failure> {
    let app = installation.open().await?;
    let keys = secret_keys(&app)
        .await
        .map_err(|error| refused("the keys could not be listed", &error))?;
    let items: Vec<Value> = keys.iter().map(told).collect();
    global.show(&json!({"items": items}), || {
        let mut table = Table::new(&["KEY", "USE", "SECRETS"]);
        for key in &keys {
            let usage = match (key.present, key.seals) {
                (false, _) => "missing",
                (true, true) => "seals",
                (true, false) => "opens",
            };
            table.row([key.id.clone(), usage.to_owned(), key.secrets.to_string()]);
        }
        table.text()
    })?;
    for key in keys.iter().filter(|key| !key.present) {
        tell(&format!(
            "{} secrets were sealed with key {}, which is not here; restore it, or have them set again.",
            key.secrets, key.id
        ));
    }
    Ok(())
}

async fn rotate(installation: &Installation, global: &Global) -> Result<(), Failure> {
    let app = installation.open().await?;
    let done = rotate_secret_keys(&app, &Actor::System)
        .await
        .map_err(|error| refused("the keys were not rotated", &error))?;
    let value = json!({
        "resumed": done.resumed,
        "newest": done.newest,
        "sealed_again": done.sealed_again,
        "retired": done.retired,
        "to_retire": done.to_retire,
    });
    global.show(&value, String::new)?;
    if done.resumed {
        tell("An earlier rotation had not ended; it has now. Run this again for another new key.");
    }
    tell(&format!(
        "Key {} seals; {} stored secrets were sealed again; {} old keys were retired.",
        done.newest,
        done.sealed_again,
        done.retired.len()
    ));
    if !done.retired.is_empty() {
        tell(&format!(
            "Backups from before now hold secrets sealed with {}: keep a copy of the old key file as long as you keep those.",
            done.retired.join(", ")
        ));
    }
    for id in &done.to_retire {
        tell(&format!(
            "Nothing needs key {id} any more: take its line out of EDGEMART_SECRET_KEYS."
        ));
    }
    Ok(())
}

//! `edgemart admin …`: reviewers' and operators' verbs, and the backup of this machine's installation.

mod backup;
mod publisher;
mod review;
mod token_keys;

use super::context::Global;
use super::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Approve or refuse a publisher.
    Publisher(publisher::Publisher),
    /// Decide on submissions that wait for a person.
    Review(review::Review),
    /// Change the keys that sign registry tokens, of an installation on this machine, while it runs.
    TokenKeys(token_keys::TokenKeys),
    /// Copy the SQLite database of an installation on this machine, while it runs.
    Backup(backup::Backup),
}

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self.verb {
            Verb::Publisher(asked) => asked.run(global).await,
            Verb::Review(asked) => asked.run(global).await,
            Verb::TokenKeys(asked) => asked.run(global),
            Verb::Backup(asked) => asked.run(global).await,
        }
    }
}

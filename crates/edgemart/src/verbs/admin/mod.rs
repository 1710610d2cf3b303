//! `edgemart admin …`: reviewers' and operators' verbs. What needs the key files or must work without a server opens the
//! installation of this machine; everything else asks the marketplace with the operator's token.

mod backup;
mod gc;
mod installation;
mod keys;
mod policy;
mod publisher;
mod restore;
mod review;
mod scrub;
mod set_up;
mod takedown;
mod token_keys;
mod users;

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
    /// Remove images and layers that nobody needs, of an installation on this machine, while it runs.
    Gc(gc::Gc),
    /// Read every layer and compare it with its digest, of an installation on this machine, while it runs.
    Scrub(scrub::Scrub),
    /// Change the keys that sign registry tokens, of an installation on this machine, while it runs.
    TokenKeys(token_keys::TokenKeys),
    /// The certification policy and the support matrix.
    Policy(policy::Policy),
    /// Who has an account, with which roles, and who is shut out.
    Users(users::Users),
    /// Print a fresh link that makes the first operator (opens this machine's installation).
    SetUp(set_up::SetUp),
    /// The keys that seal stored secrets (opens this machine's installation).
    Keys(keys::Keys),
    /// Take a module, or one version of it, off the marketplace.
    Takedown(takedown::Takedown),
    /// List what was taken down.
    Takedowns(takedown::Takedowns),
    /// Undo a takedown.
    Lift(takedown::Lift),
    /// Back this machine's installation up into a folder, while it serves.
    Backup(backup::Backup),
    /// Restore an installation on this machine from a backup.
    Restore(restore::Restore),
}

impl Admin {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self.verb {
            Verb::Publisher(asked) => asked.run(global).await,
            Verb::Review(asked) => asked.run(global).await,
            Verb::Gc(asked) => asked.run(global).await,
            Verb::Scrub(asked) => asked.run(global).await,
            Verb::TokenKeys(asked) => asked.run(global),
            Verb::Policy(asked) => asked.run(global).await,
            Verb::Users(asked) => asked.run(global).await,
            Verb::SetUp(asked) => asked.run(global).await,
            Verb::Keys(asked) => asked.run(global).await,
            Verb::Takedown(asked) => asked.run(global).await,
            Verb::Takedowns(asked) => asked.run(global).await,
            Verb::Lift(asked) => asked.run(global).await,
            Verb::Backup(asked) => asked.run(global).await,
            Verb::Restore(asked) => asked.run(global).await,
        }
    }
}

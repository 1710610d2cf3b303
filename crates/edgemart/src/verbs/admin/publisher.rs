//! `edgemart admin publisher`: the operator's decision on a publisher.

use domain::ids::PublisherId;
use serde_json::json;

use crate::verbs::context::Global;
use crate::verbs::failure::{Failure, tell};

#[derive(Debug, clap::Args)]
pub(super) struct Publisher {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The publisher may publish.
    Approve(Approve),
    /// The publisher may not, and is told why.
    Refuse(Refuse),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin publisher approve contoso --verified")]
struct Approve {
    /// Id of the publisher.
    publisher: PublisherId,
    /// You checked who they are; a mark on their pages says so.
    #[arg(long)]
    verified: bool,
    /// The id looks like another publisher's, and that is meant.
    #[arg(long)]
    look_alike: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart admin publisher refuse contoso --reason 'The name belongs to another company.'"
)]
struct Refuse {
    /// Id of the publisher.
    publisher: PublisherId,
    /// A sentence that they read and can act on.
    #[arg(long)]
    reason: String,
}

impl Publisher {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (publisher, body, done) = match self.verb {
            Verb::Approve(asked) => (
                asked.publisher,
                json!({"decision": "approve", "verified": asked.verified, "look_alike": asked.look_alike}),
                "approved",
            ),
            Verb::Refuse(asked) => (
                asked.publisher,
                json!({"decision": "refuse", "reason": asked.reason}),
                "refused",
            ),
        };
        let client = global.signed_in()?;
        client
            .post(&["publishers", publisher.as_str(), "decision"], &body)
            .await?;
        tell(&format!("{publisher}: {done}"));
        Ok(())
    }
}

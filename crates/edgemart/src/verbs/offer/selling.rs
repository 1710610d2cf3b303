//! `edgemart offer stop` and `edgemart offer resume`: a live offer leaves the storefront, and comes back.

use clap::ValueEnum;
use domain::ids::OfferKey;
use serde_json::json;

use crate::verbs::context::Global;
use crate::verbs::failure::{Failure, tell};

/// Why an offer is no longer sold.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    /// It is retired.
    EndOfSupport,
    /// It has a security problem; who runs it should look.
    SecurityIssue,
    /// Anything else.
    Other,
}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer stop contoso.old-sensor --reason end-of-support --alternative contoso.temperature-sensor"
)]
pub(super) struct Stop {
    /// The offer, as `publisher.offer`; it is live.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
    /// Why; its page says so.
    #[arg(long)]
    reason: Reason,
    /// Another offer of the same publisher to use instead.
    #[arg(long, value_name = "OFFER")]
    alternative: Option<OfferKey>,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart offer resume contoso.old-sensor")]
pub(super) struct Resume {
    /// The offer, as `publisher.offer`; it was stopped.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
}

fn way<'a>(key: &'a OfferKey, verb: &'a str) -> [&'a str; 5] {
    let (publisher, offer) = (key.publisher.as_str(), key.offer.as_str());
    ["publishers", publisher, "offers", offer, verb]
}

impl Stop {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let reason = match self.reason {
            Reason::EndOfSupport => "end_of_support",
            Reason::SecurityIssue => "security_issue",
            Reason::Other => "other",
        };
        let body = json!({"reason": reason, "alternative": self.alternative});
        let client = global.signed_in()?;
        client.post(&way(&self.key, "stop"), &body).await?;
        tell(&format!(
            "{}: no longer sold; those who have it keep pulling it",
            self.key
        ));
        Ok(())
    }
}

impl Resume {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        client.post(&way(&self.key, "resume"), &json!({})).await?;
        tell(&format!("{}: sold again", self.key));
        Ok(())
    }
}

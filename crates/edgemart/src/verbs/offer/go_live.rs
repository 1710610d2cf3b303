//! `edgemart offer go-live` and `edgemart offer cancel`: the publisher's word on a submission.

use domain::ids::OfferKey;
use serde_json::json;

use super::watch::{conclude, newest, submission, until};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::text;

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart offer go-live contoso.temperature-sensor")]
pub(super) struct GoLive {
    /// The offer, as `publisher.offer`; its submission is in preview.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
    /// Return at once instead of watching.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart offer cancel contoso.temperature-sensor")]
pub(super) struct Cancel {
    /// The offer, as `publisher.offer`.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
}

impl GoLive {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let id = newest(&client, &self.key).await?;
        client
            .post(&["submissions", &id, "go-live"], &json!({}))
            .await?;
        if self.no_wait {
            tell(&format!("{}: signed off", self.key));
            let now = submission(&client, &id).await?;
            return conclude(global, &now);
        }
        let now = until(&client, &id, |state| state != "publishing").await?;
        // The last check of going live failed, and everything was undone.
        if text(&now, "/state") == "preview" {
            let failure = text(&now, "/failure");
            return Err(Failure::new(
                Exit::Failure,
                format!("{} did not go live and is in preview again", self.key),
            )
            .why(failure)
            .fix("mend it and try again; nothing public was changed"));
        }
        conclude(global, &now)
    }
}

impl Cancel {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let id = newest(&client, &self.key).await?;
        let now = client
            .post(&["submissions", &id, "cancel"], &json!({}))
            .await?
            .body;
        global.show(&now, String::new)?;
        tell(&format!("{}: taken back", self.key));
        Ok(())
    }
}

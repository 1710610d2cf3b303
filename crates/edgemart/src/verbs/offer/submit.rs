//! `edgemart offer submit`: sends a draft on its way and watches it until a person is needed.

use std::path::Path;

use domain::ids::OfferKey;
use serde_json::json;

use super::folder::read;
use super::push::{RegistryLogin, push};
use super::watch::{conclude, submission, until};
use crate::verbs::client::Client;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::text;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer submit my-offer                    push the folder, submit it, watch it\n  edgemart offer submit contoso.temperature-sensor  submit the draft as it is",
    after_help = "Exit code 0 when the offer is in preview, in review or live; 5 when it was rejected, with every failing rule."
)]
pub(super) struct Submit {
    /// An offer's folder, which is pushed first, or `publisher.offer`.
    #[arg(value_name = "DIR|OFFER")]
    target: String,
    /// Note for the reviewer.
    #[arg(long, default_value = "")]
    notes: String,
    /// Return at once instead of watching.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    credentials: RegistryLogin,
}

/// Nothing happens any more before a person acts.
fn settled(state: &str) -> bool {
    matches!(
        state,
        "preview" | "in_review" | "live" | "superseded" | "rejected" | "cancelled"
    )
}

impl Submit {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let key = self.prepare(&client).await?;
        let way = [
            "publishers",
            key.publisher.as_str(),
            "offers",
            key.offer.as_str(),
            "submissions",
        ];
        let answer = client.post(&way, &json!({"notes": self.notes})).await?;
        let place = answer
            .location
            .as_deref()
            .and_then(|place| place.rsplit('/').next());
        let id = match (text(&answer.body, "/id"), place) {
            (id, _) if !id.is_empty() => id,
            (_, Some(id)) => id.to_owned(),
            _ => {
                return Err(Failure::new(
                    Exit::Failure,
                    "the marketplace did not say which submission it made",
                ));
            }
        };
        tell(&format!("{key}: submitted"));
        let now = if self.no_wait {
            submission(&client, &id).await?
        } else {
            until(&client, &id, settled).await?
        };
        conclude(global, &now)
    }

    /// Pushes a folder; an offer that is named is taken as it is.
    async fn prepare(&self, client: &Client) -> Result<OfferKey, Failure> {
        let dir = Path::new(&self.target);
        if dir.is_dir() {
            let folder = read(dir)?;
            let key = folder.offer.key();
            push(client, folder, &self.credentials).await?;
            return Ok(key);
        }
        self.target.parse().map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("`{}` is neither a folder nor an offer", self.target),
            )
            .why(error)
            .fix("name the folder in which offer.yaml stands, or publisher.offer")
        })
    }
}

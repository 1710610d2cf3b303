//! `edgemart offer preview`: the manifest of a submission in preview, with a fresh pull token inside, and how to pull.

use domain::ids::OfferKey;
use serde_json::{Map, Value, json};

use super::watch::{newest, submission};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::module::setting;
use crate::verbs::output::text;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer preview contoso.temperature-sensor --plan standard > deployment.json"
)]
pub(super) struct Preview {
    /// The offer, as `publisher.offer`; its submission is in preview.
    #[arg(value_name = "OFFER")]
    key: OfferKey,
    /// Id of the submission, for who is not a member of the publisher.
    #[arg(long, value_name = "ID")]
    submission: Option<String>,
    /// Plan.
    #[arg(long)]
    plan: String,
    /// A layer on top of a base deployment, instead of a complete manifest.
    #[arg(long)]
    layered: bool,
    /// Name of the module on the device, instead of the publisher's.
    #[arg(long)]
    name: Option<String>,
    /// Value for a placeholder, such as MY_SERVER_IP_ADDRESS=192.0.2.10; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

impl Preview {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        let id = match &self.submission {
            Some(id) => id.clone(),
            None => {
                let id = newest(&client, &self.key).await?;
                require_preview(&submission(&client, &id).await?, &self.key)?;
                id
            }
        };
        let set: Map<String, Value> = self
            .set
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        let form = if self.layered { "layered" } else { "full" };
        let body = json!({"plan": self.plan, "form": form, "module": self.name, "set": set});
        let made = client
            .post(&["submissions", &id, "preview"], &body)
            .await?
            .body;
        let manifest = made.get("manifest").cloned().unwrap_or_default();
        global.show(&manifest, || format!("{manifest:#}\n"))?;
        let reference = text(&made, "/reference");
        let host = reference.split('/').next().unwrap_or_default();
        tell(&format!(
            "The manifest holds a pull token; it works until {}. To pull by hand:\n  podman login {host} --username {} --password {}\n  podman pull {reference}",
            text(&made, "/expires_at"),
            text(&made, "/username"),
            text(&made, "/password"),
        ));
        Ok(())
    }
}

fn require_preview(now: &Value, key: &OfferKey) -> Result<(), Failure> {
    match text(now, "/state").as_str() {
        "preview" => Ok(()),
        state => Err(
            Failure::new(Exit::Conflict, format!("{key} is not in preview"))
                .why(format!("its newest submission is {state}"))
                .fix(format!(
                    "see where it stands with `edgemart offer status {key}`"
                )),
        ),
    }
}

//! `edgemart offer push`: a folder becomes the offer's draft. What is the same already is not sent, so that a push that
//! changes nothing changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use app::folder::OfferFolder;
use domain::ids::OfferKey;
use domain::offer::{LogoSlot, Logos, Offer};
use oci::Digest;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use super::folder::read;
use crate::verbs::client::{Body, Client};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::secret::from_stdin;

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart offer push my-offer\n  pass registry/ci | edgemart offer push . --registry-username ci --registry-password-stdin"
)]
pub(super) struct Push {
    /// The offer's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    credentials: RegistryLogin,
}

/// Credentials for the publisher's own registry. The password never stands on a command line.
#[derive(Debug, Default, clap::Args)]
pub(super) struct RegistryLogin {
    /// User name at your own registry; kept encrypted and used for the import alone.
    #[arg(long, value_name = "NAME", requires = "registry_password_stdin")]
    registry_username: Option<String>,
    /// Read the password for your own registry from stdin.
    #[arg(long, requires = "registry_username")]
    registry_password_stdin: bool,
    /// Another host that may be given these, when the registry's token service lives there.
    #[arg(long, value_name = "HOST", requires = "registry_username")]
    registry_realm_host: Option<String>,
    /// The plan whose image they are for; may be left out when there is only one.
    #[arg(long, value_name = "PLAN", requires = "registry_username")]
    plan: Option<String>,
}

impl Push {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let folder = read(&self.dir)?;
        let key = folder.offer.key();
        let pushed = push(&global.signed_in()?, folder, &self.credentials).await?;
        global.show(&pushed, String::new)?;
        tell(&format!("Submit it with `edgemart offer submit {key}`."));
        Ok(())
    }
}

fn way(key: &OfferKey) -> [&str; 4] {
    [
        "publishers",
        key.publisher.as_str(),
        "offers",
        key.offer.as_str(),
    ]
}

/// The draft as the marketplace has it, with its revision tag.
struct Draft {
    offer: Offer,
    tag: String,
}

async fn present(client: &Client, key: &OfferKey) -> Result<Option<Draft>, Failure> {
    let answer = match client.get(&way(key), &[]).await {
        Err(failure) if failure.exit == Exit::NotFound => return Ok(None),
        answer => answer?,
    };
    let offer = serde_json::from_value(answer.body).map_err(|error| {
        Failure::new(Exit::Failure, format!("the draft of {key} cannot be read"))
            .why(error)
            .fix("this edgemart may be older than the marketplace; update it")
    })?;
    let tag = answer.etag.ok_or_else(|| {
        Failure::new(
            Exit::Failure,
            format!("the draft of {key} came without its revision"),
        )
        .why("a proxy on the way may drop ETag headers")
    })?;
    Ok(Some(Draft { offer, tag }))
}

/// Makes the folder the offer's draft and says what was sent.
pub(super) async fn push(
    client: &Client,
    folder: OfferFolder,
    login: &RegistryLogin,
) -> Result<Value, Failure> {
    let key = folder.offer.key();
    let before = present(client, &key).await?;
    let kept = before
        .as_ref()
        .map(|draft| draft.offer.listing.logos.clone())
        .unwrap_or_default();
    let (offer, sent_logos) = to_send(folder, &kept);
    let headers: Vec<_> = before
        .iter()
        .map(|draft| (IF_MATCH, draft.tag.clone()))
        .collect();
    let changed = before.as_ref().is_none_or(|draft| draft.offer != offer);
    if changed {
        let body = serde_json::to_value(&offer).map_err(|error| {
            Failure::new(Exit::Failure, format!("{key} cannot be written as JSON")).why(error)
        })?;
        client.put(&way(&key), Body::Json(&body), &headers).await?;
        tell(&format!(
            "{key}: draft {}",
            if before.is_some() { "saved" } else { "made" }
        ));
    }
    for (slot, bytes) in &sent_logos {
        let [publishers, publisher, offers, name] = way(&key);
        let way = [publishers, publisher, offers, name, "logos", slot.name()];
        client.put(&way, Body::Png(bytes.clone()), &[]).await?;
        tell(&format!("{key}: logo {} uploaded", slot.name()));
    }
    if !changed && sent_logos.is_empty() {
        tell(&format!("{key}: the draft is as in the folder already"));
    }
    let plan = credentials(client, &offer, login).await?;
    let logos: Vec<&str> = sent_logos.keys().map(|slot| slot.name()).collect();
    Ok(json!({
        "offer": key, "created": before.is_none(), "draft_changed": changed, "logos_changed": logos,
        "credentials_of_plan": plan,
    }))
}

/// The draft to save, and the pictures that the marketplace has not. A picture keeps its old reference in the draft
/// until its upload replaces it; one that the folder no longer has goes away.
fn to_send(folder: OfferFolder, kept: &Logos) -> (Offer, BTreeMap<LogoSlot, Vec<u8>>) {
    let mut offer = folder.offer;
    for slot in LogoSlot::ALL {
        let reference = if folder.logos.contains_key(&slot) {
            kept.get(slot)
        } else {
            ""
        };
        offer.listing.logos.set(slot, reference.to_owned());
    }
    let missing =
        |slot: LogoSlot, bytes: &[u8]| Digest::sha256_of(bytes).to_string() != kept.get(slot);
    let logos = folder
        .logos
        .into_iter()
        .filter(|(slot, bytes)| missing(*slot, bytes))
        .collect();
    (offer, logos)
}

/// Hands credentials over, if there are any; returns the plan they are for.
async fn credentials(
    client: &Client,
    offer: &Offer,
    login: &RegistryLogin,
) -> Result<Option<String>, Failure> {
    let Some(username) = &login.registry_username else {
        return Ok(None);
    };
    let plan = match (&login.plan, offer.plans.as_slice()) {
        (Some(name), plans) => plans
            .iter()
            .find(|plan| plan.plan.as_str() == name)
            .ok_or_else(|| {
                let known: Vec<&str> = plans.iter().map(|plan| plan.plan.as_str()).collect();
                Failure::new(Exit::NotFound, format!("the offer has no plan `{name}`"))
                    .fix(format!("choose one of: {}", known.join(", ")))
            })?,
        (None, [only]) => only,
        (None, _) => {
            return Err(Failure::new(
                Exit::Usage,
                "it is not clear which plan the credentials are for",
            )
            .fix("name it with --plan"));
        }
    };
    let password = from_stdin("the password of your registry")?;
    let body = json!({
        "registry": plan.image.registry, "username": username, "password": password,
        "realm_host": login.registry_realm_host,
    });
    let key = offer.key();
    let [publishers, publisher, offers, name] = way(&key);
    let way = [
        publishers,
        publisher,
        offers,
        name,
        "plans",
        plan.plan.as_str(),
        "credentials",
    ];
    client.put(&way, Body::Json(&body), &[]).await?;
    tell(&format!(
        "{key}: credentials for {} kept, plan {}",
        plan.image.registry, plan.plan
    ));
    Ok(Some(plan.plan.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_pictures_are_sent_and_missing_ones_leave_the_draft() {
        let same = Digest::sha256_of(b"same").to_string();
        let kept = Logos {
            small: same.clone(),
            medium: "sha256:old".into(),
            large: String::new(),
            wide: "sha256:x".into(),
        };
        let folder = OfferFolder {
            offer: Offer::empty(&"contoso.sensor".parse().unwrap()),
            logos: BTreeMap::from([
                (LogoSlot::Small, b"same".to_vec()),
                (LogoSlot::Medium, b"new".to_vec()),
                (LogoSlot::Large, b"first".to_vec()),
            ]),
        };
        let (offer, sent) = to_send(folder, &kept);
        assert_eq!(
            sent.keys().copied().collect::<Vec<_>>(),
            [LogoSlot::Medium, LogoSlot::Large]
        );
        let logos = offer.listing.logos;
        assert_eq!(
            (logos.small, logos.medium.as_str(), logos.large.as_str()),
            (same, "sha256:old", "")
        );
        assert_eq!(logos.wide, "");
    }
}

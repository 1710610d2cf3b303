//! A member gives the user name and password for the publisher's own registry. Encrypted at rest, never shown again,
//! used only to read that plan's image.

use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName};
use domain::role::PublisherAction;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::offer_for;
use crate::App;
use crate::error::Refused;
use crate::record::Subject;
use crate::upstream;

/// Longest user name or password, in bytes; cloud registries hand out tokens of a few thousand.
const CREDENTIAL_BYTES_MAX: usize = 8 * 1024;

/// What a registry asks for.
#[derive(Clone, Serialize, Deserialize)]
pub struct UpstreamCredentials {
    /// User name, or the fixed word some registries want.
    pub username: String,
    /// Password or token.
    pub password: String,
    /// Another host that may also be given these, when the registry's token service lives there.
    #[serde(default)]
    pub realm_host: Option<String>,
}

/// What the seal is bound to.
pub(crate) fn row_id(key: &OfferKey, plan: &PlanName) -> String {
    format!("credentials/{key}/{plan}")
}

/// Keeps credentials for a plan's registry.
pub async fn put_credentials(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    plan: &PlanName,
    registry: &str,
    given: UpstreamCredentials,
) -> Result<(), Refused> {
    offer_for(app, actor, key, PublisherAction::Edit).await?;
    let size = given.username.len() + given.password.len();
    if given.username.is_empty() || given.password.is_empty() || size > CREDENTIAL_BYTES_MAX {
        return Err(Refused::invalid(
            "credentials",
            "a user name and a password of together at most 8 KiB",
            format!("{size} bytes"),
            "Fill in both.",
        ));
    }
    let plain = serde_json::to_vec(&given).map_err(|e| Refused::trouble(e.to_string()))?;
    let tx = app.writer.begin().await?;
    // From here on no key is retired under our hands.
    store::credentials::hold_keys(&tx).await?;
    let sealed = app
        .secrets
        .seal(&row_id(key, plan), &plain)
        .map_err(|e| Refused::trouble(e.to_string()))?;
    let row = store::credentials::Credentials {
        publisher: key.publisher.clone(),
        offer: key.offer.clone(),
        plan: plan.clone(),
        registry: registry.to_owned(),
        key_id: sealed.key_id,
        nonce: sealed.nonce,
        ciphertext: sealed.ciphertext,
        realm_host: given.realm_host.clone(),
        updated_at: app.clock.now(),
    };
    store::credentials::put(&tx, &row).await?;
    let data = json!({"plan": plan, "registry": registry});
    app.record(
        &tx,
        actor,
        (Subject::Offer, &key.to_string()),
        "credentials_put",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Drops the credentials of a plan.
pub async fn forget_credentials(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    plan: &PlanName,
) -> Result<(), Refused> {
    offer_for(app, actor, key, PublisherAction::Edit).await?;
    let tx = app.writer.begin().await?;
    store::credentials::delete(&tx, key, plan).await?;
    let data = json!({"plan": plan});
    app.record(
        &tx,
        actor,
        (Subject::Offer, &key.to_string()),
        "credentials_forgotten",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// For the import alone: opens what was sealed, but only for the registry it was given for.
pub(crate) async fn open_credentials(
    app: &App,
    key: &OfferKey,
    plan: &PlanName,
    registry: &str,
) -> Result<Option<upstream::Credentials>, Refused> {
    let Some(row) = store::credentials::find(&app.reader, key, plan).await? else {
        return Ok(None);
    };
    if row.registry != registry {
        return Ok(None);
    }
    let sealed = crate::secrets::Sealed {
        key_id: row.key_id,
        nonce: row.nonce,
        ciphertext: row.ciphertext,
    };
    let plain = app
        .secrets
        .open(&row_id(key, plan), &sealed)
        .map_err(|e| Refused::trouble(format!("credentials of {key}, plan {plan}: {e}")))?;
    let given: UpstreamCredentials =
        serde_json::from_slice(&plain).map_err(|e| Refused::trouble(e.to_string()))?;
    Ok(Some(upstream::Credentials {
        username: given.username,
        password: given.password,
        realm_host: given.realm_host,
    }))
}

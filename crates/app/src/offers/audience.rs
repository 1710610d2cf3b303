//! A member lets somebody outside the publisher look at an offer's previews, and takes that back. Refuses addresses without
//! an account, and more than a hundred people.

use domain::actor::Actor;
use domain::ids::OfferKey;
use domain::role::PublisherAction;
use serde_json::json;

use super::offer_for;
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Most people outside the publisher who may look at an offer's previews.
pub const AUDIENCE_MAX: usize = 100;

/// Lets an account look at every preview of the offer from now on.
pub async fn invite_to_preview(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    email: &str,
) -> Result<(), Refused> {
    offer_for(app, actor, key, PublisherAction::Submit).await?;
    let email = email.trim().to_lowercase();
    let account = store::accounts::find_by_email(&app.reader, &email).await?;
    let account = account.ok_or_else(|| {
        Refused::invalid(
            "email",
            "the address of an account here",
            email.chars().take(60).collect::<String>(),
            "Ask them to sign up first.",
        )
    })?;
    let tx = app.writer.begin().await?;
    let before = store::preview_audience::of_offer(&tx, key).await?;
    if before.len() >= AUDIENCE_MAX && !before.contains(&account.id) {
        return Err(Refused::invalid(
            "email",
            "at most 100 people",
            format!("{} people", before.len() + 1),
            "Take somebody out first.",
        ));
    }
    store::preview_audience::add(&tx, key, &account.id, app.clock.now()).await?;
    let data = json!({"account": account.id});
    let subject = (Subject::Offer, &*key.to_string());
    app.record(&tx, actor, subject, "preview_invited", data)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes somebody out again, and with them the pull tokens that they made.
pub async fn uninvite_from_preview(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    account_id: &str,
) -> Result<(), Refused> {
    offer_for(app, actor, key, PublisherAction::Submit).await?;
    let tx = app.writer.begin().await?;
    if !store::preview_audience::remove(&tx, key, account_id).await? {
        return Err(Refused::not_found("person", account_id));
    }
    let now = app.clock.now();
    store::registry::pull_tokens::revoke_for_offer(&tx, key, account_id, now).await?;
    let data = json!({"account": account_id});
    let subject = (Subject::Offer, &*key.to_string());
    app.record(&tx, actor, subject, "preview_uninvited", data)
        .await?;
    tx.commit().await?;
    Ok(())
}

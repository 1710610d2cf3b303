//! The first operator. A fresh installation prints a link that works once; whoever opens it becomes operator.

use domain::actor::Actor;

use super::SignUp;
use super::sign_up::{insert_account, prepare_account};
use crate::App;
use crate::clock::{new_secret, secret_hash};
use crate::error::Refused;

/// What the opener of the link fills in.
pub struct SetUp {
    /// From the link.
    pub secret: String,
    /// The operator's account.
    pub account: SignUp,
}

/// Makes a set-up link's secret when there is no operator yet; `None` when there is one.
/// Each start without an operator makes a new link, and so does `edgemart admin set-up`; all stay usable until one is used.
pub async fn set_up_link(app: &App) -> Result<Option<String>, Refused> {
    if store::accounts::count_operators(&app.reader).await? > 0 {
        return Ok(None);
    }
    let secret = new_secret("").map_err(|e| Refused::trouble(e.to_string()))?;
    let tx = app.writer.begin().await?;
    let link = store::setup_links::SetupLink {
        token_hash: secret_hash(&secret),
        created_at: app.clock.now(),
        used_at: None,
    };
    store::setup_links::insert(&tx, &link).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// Uses the link: creates the operator. Refuses a used or unknown link, and any link once an operator exists.
pub async fn set_up_first_operator(app: &App, command: SetUp) -> Result<String, Refused> {
    let unusable = || {
        Refused::Conflict("This set-up link was used already or never existed. If there is no operator yet, `edgemart admin set-up` on the server's machine prints a new one.".into())
    };
    // A form with a mistake in it ends here and does not burn the link.
    let row = prepare_account(app, command.account, true, true).await?;
    let tx = app.writer.begin().await?;
    let taken =
        store::setup_links::take(&tx, &secret_hash(&command.secret), app.clock.now()).await?;
    // Taking a link locks them all: of two who use one at once, or two different ones, one becomes operator.
    if !taken || store::accounts::count_operators(&tx).await? > 0 {
        return Err(unusable());
    }
    insert_account(app, &tx, &Actor::System, &row).await?;
    tx.commit().await?;
    Ok(row.id)
}

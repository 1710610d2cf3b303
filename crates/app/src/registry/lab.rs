//! A closed lab: whoever comes to `/v2` on this machine without credentials acts as one account. The binary only lets the
//! setting through on loopback; the edge only asks here for requests that did come straight from there.

use domain::role::TokenScope;

use super::caller::Caller;
use super::refusal::Refusal;
use crate::App;

/// Who a client without credentials is: the lab's account when there is one, with leave to pull and push and no more.
pub async fn lab_caller(app: &App) -> Result<Caller, Refusal> {
    let Some(email) = &app.settings.registry.lab_account else {
        return Ok(Caller::Anonymous);
    };
    let Some(row) = store::accounts::find_by_email(&app.reader, email).await? else {
        return Ok(Caller::Anonymous);
    };
    let scopes = Some(vec![TokenScope::Read, TokenScope::Push]);
    let account = crate::accounts::acting(&app.reader, &row, scopes).await?;
    Ok(account.map_or(Caller::Anonymous, Caller::Account))
}

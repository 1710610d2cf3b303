//! Accounts: signing up, signing in, sessions, access tokens, the first operator, and erasing a person.

mod change_password;
mod erase;
mod log_in;
mod password;
mod roles;
mod session;
mod set_up;
mod sign_up;
mod throttle;
mod token;

pub use change_password::change_password;
pub use erase::{ERASED_NAME, erase_account, erase_own_account};
pub use log_in::log_in;
pub(crate) use password::{fits, still_fits};
pub use password::{hash_password, verify_password};
pub use roles::{set_disabled, set_roles};
pub use session::{SESSION_DAYS_MAX, Session, actor_of_session, sign_in, sign_out};
pub use set_up::{SetUp, set_up_first_operator, set_up_link};
pub(crate) use sign_up::email_ok;
pub use sign_up::{SignUp, create_account, sign_up};
pub use throttle::Throttle;
pub(crate) use token::create_login;
pub use token::{
    CreateToken, NewToken, TOKEN_DAYS_MAX, TOKEN_PREFIX, TOKENS_MAX, account_by_token,
    create_token, revoke_token,
};

use std::collections::BTreeMap;

use domain::actor::Account;
use domain::role::TokenScope;
use store::Source;

/// Turns a row into the acting account with its present memberships; `None` when it was disabled.
pub(crate) async fn acting(
    source: &impl Source,
    row: &store::accounts::Account,
    scopes: Option<Vec<TokenScope>>,
) -> Result<Option<Account>, store::Error> {
    if row.disabled_at.is_some() {
        return Ok(None);
    }
    let members = store::members::of_account(source, &row.id).await?;
    let publishers: BTreeMap<_, _> = members
        .into_iter()
        .map(|member| (member.publisher, member.role))
        .collect();
    Ok(Some(Account {
        id: row.id.clone(),
        email: row.email.clone(),
        name: row.name.clone(),
        reviewer: row.reviewer,
        operator: row.operator,
        publishers,
        scopes,
    }))
}

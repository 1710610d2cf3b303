//! A person signs in from the command line: an address and a password become an access token, which is what is kept.
//! Throttled like the browser's sign-in, in the same buckets, so that guessing here costs tries there.

use domain::actor::Actor;

use super::{CreateToken, NewToken, create_token, verify_password};
use crate::App;
use crate::error::Refused;

/// Makes a token for whoever knows the password; nothing when the pair is wrong, without saying which half.
/// `peer` is the network address, for the throttle.
pub async fn log_in(
    app: &App,
    email: &str,
    password: &str,
    peer: &str,
    command: CreateToken,
) -> Result<Option<NewToken>, Refused> {
    let email = email.trim().to_lowercase();
    app.throttle.check(&format!("sign-in:{email}"))?;
    app.throttle.check(&format!("sign-in-peer:{peer}"))?;
    match verify_password(app, &email, password).await? {
        Some(account) => create_token(app, &Actor::Account(account), command)
            .await
            .map(Some),
        None => Ok(None),
    }
}

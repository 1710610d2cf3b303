//! `edgemart login` and `edgemart logout`: an access token for this marketplace, kept for this user.

use domain::role::TokenScope;
use serde_json::json;

use super::client::Client;
use super::context::Global;
use super::credentials::{Credentials, Login};
use super::failure::{Exit, Failure, tell};
use super::output::text;
use super::secret::{asked, asked_openly, from_stdin};

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart login --email me@example.com\n  pass show edgemart | edgemart login --email ci@example.com --password-stdin --scope publish"
)]
pub(crate) struct LogIn {
    /// Address of your account; asked for when left out.
    #[arg(long)]
    email: Option<String>,
    /// Read the password from stdin instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
    /// What the token may do: read, publish, push, admin; may be repeated.
    #[arg(long, default_values = ["read", "publish", "push"])]
    scope: Vec<TokenScope>,
    /// Days until the token stops working.
    #[arg(long, default_value = "90", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

impl LogIn {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let credentials = Credentials::of_user()?;
        let email = match self.email {
            Some(email) => email,
            None => asked_openly("Email: ")?,
        };
        let password = if self.password_stdin {
            from_stdin("the password")?
        } else {
            asked("Password: ")?
        };
        let scopes: Vec<&str> = self.scope.iter().map(|scope| scope.as_str()).collect();
        let body = json!({
            "email": email, "password": password, "name": token_name(), "scopes": scopes, "days": self.days,
        });
        // The old token does not go along: it may be the reason for signing in again.
        let client = Client::new(global.url.clone(), None)?;
        let answer =
            client
                .post(&["login"], &body)
                .await
                .map_err(|failure| match failure.exit {
                    Exit::Authentication => failure
                        .fix("check both; the address is not case-sensitive, the password is"),
                    _ => failure,
                })?;
        let login = Login {
            token: text(&answer.body, "/token"),
            id: text(&answer.body, "/id"),
            email: email.trim().to_lowercase(),
            expires_at: text(&answer.body, "/expires_at"),
        };
        if login.token.is_empty() {
            return Err(Failure::new(
                Exit::Failure,
                "the marketplace answered without a token",
            ));
        }
        let shown = json!({"url": global.url.as_str(), "email": login.email, "id": login.id, "expires_at": login.expires_at});
        let until = login.expires_at.clone();
        if let Some(old) = credentials.set(&global.url, Some(login))? {
            revoke(global, &old).await;
        }
        global.show(&shown, String::new)?;
        tell(&format!(
            "Signed in at {} until {until}; the token is in {}.",
            global.url,
            credentials.path().display()
        ));
        Ok(())
    }
}

/// So that its owner recognises it in the list of tokens.
fn token_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(40)
        .collect();
    if host.is_empty() {
        "edgemart login".to_owned()
    } else {
        format!("edgemart on {host}")
    }
}

/// A token that nobody keeps any more is of use to thieves only. That it is gone already is fine.
async fn revoke(global: &Global, login: &Login) {
    if login.id.is_empty() || login.token.is_empty() {
        return;
    }
    let Ok(client) = Client::new(global.url.clone(), Some(login.token.clone())) else {
        return;
    };
    match client.delete(&["account", "tokens", &login.id]).await {
        Err(failure) if failure.exit == Exit::Network => {
            tell(&format!(
                "warning: the old token could not be revoked; it works until {}",
                login.expires_at
            ));
        }
        _ => {}
    }
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart logout")]
pub(crate) struct LogOut {}

impl LogOut {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match Credentials::of_user()?.set(&global.url, None)? {
            Some(login) => {
                revoke(global, &login).await;
                tell(&format!("Signed out at {}.", global.url));
            }
            None => tell(&format!("Nobody was signed in at {}.", global.url)),
        }
        Ok(())
    }
}

//! `edgemart admin users`: accounts, their marketplace roles, and shutting somebody out.

use serde_json::{Value, json};

use crate::verbs::client::Client;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::output::{Table, items, text};

/// Accounts asked for at once.
const PAGE: &str = "100";

/// Who has an account, with which roles, and who is shut out.
///
/// Asks the marketplace, with an operator's token of the scope `admin`.
#[derive(Debug, clap::Args)]
pub(super) struct Users {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List all accounts, oldest first.
    List(List),
    /// Shut an account out: its sessions end and its tokens stop working.
    Disable(Disable),
    /// Let it in again.
    Enable(Enable),
    /// Set both marketplace roles of an account.
    Roles(Roles),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin users list -o json")]
struct List {}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin users disable owner@contoso.example")]
struct Disable {
    /// Address of the account.
    email: String,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin users enable owner@contoso.example")]
struct Enable {
    /// Address of the account.
    email: String,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin users roles ann@market.example --reviewer")]
struct Roles {
    /// Address of the account.
    email: String,
    /// May decide on submissions; without it, may not.
    #[arg(long)]
    reviewer: bool,
    /// May run the marketplace; without it, may not.
    #[arg(long)]
    operator: bool,
}

impl Users {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        match self.verb {
            Verb::List(List {}) => list(&client, global).await,
            Verb::Disable(Disable { email }) => access(&client, &email, true).await,
            Verb::Enable(Enable { email }) => access(&client, &email, false).await,
            Verb::Roles(asked) => {
                let id = id(&client, &asked.email).await?;
                let roles = json!({"reviewer": asked.reviewer, "operator": asked.operator});
                client.post(&["accounts", &id, "roles"], &roles).await?;
                tell(&format!("{}: roles set", asked.email));
                Ok(())
            }
        }
    }
}

async fn list(client: &Client, global: &Global) -> Result<(), Failure> {
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut query = vec![("limit".to_owned(), PAGE.to_owned())];
        if !cursor.is_empty() {
            query.push(("cursor".to_owned(), cursor));
        }
        let page = client.get(&["accounts"], &query).await?.body;
        all.extend(items(&page, "/items").iter().cloned());
        cursor = text(&page, "/next");
        if cursor.is_empty() {
            break;
        }
    }
    let mut table = Table::new(&["ADDRESS", "NAME", "ROLES", "SINCE", "SHUT OUT"]);
    for one in &all {
        let has = |role: &str| one.get(role).and_then(Value::as_bool) == Some(true);
        let roles = ["reviewer", "operator"]
            .into_iter()
            .filter(|role| has(role));
        table.row([
            text(one, "/email"),
            text(one, "/name"),
            roles.collect::<Vec<_>>().join(", "),
            text(one, "/created_at"),
            text(one, "/disabled_at"),
        ]);
    }
    global.show(&json!({"items": all}), || table.text())
}

async fn id(client: &Client, email: &str) -> Result<String, Failure> {
    let query = [("email".to_owned(), email.to_owned())];
    let found = client.get(&["accounts"], &query).await?.body;
    match items(&found, "/items").first() {
        Some(account) => Ok(text(account, "/id")),
        None => Err(
            Failure::new(Exit::NotFound, format!("there is no account {email}"))
                .fix("`edgemart admin users list` shows all of them"),
        ),
    }
}

async fn access(client: &Client, email: &str, disabled: bool) -> Result<(), Failure> {
    let id = id(client, email).await?;
    let body = json!({"disabled": disabled});
    client.post(&["accounts", &id, "access"], &body).await?;
    let done = if disabled {
        "shut out"
    } else {
        "may sign in again"
    };
    tell(&format!("{email}: {done}"));
    Ok(())
}

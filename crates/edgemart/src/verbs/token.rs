//! `edgemart token`: access tokens for CI and for `docker login`.

use domain::role::TokenScope;
use serde_json::{Value, json};

use super::context::Global;
use super::failure::{Failure, tell};
use super::output::{Table, items, joined, text};

#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List your tokens; secrets are never shown again.
    List(List),
    /// Make a token; its secret is printed once, on stdout.
    Create(Create),
    /// Revoke a token.
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart token list")]
struct List {}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart token create --name ci --scope publish --days 30")]
struct Create {
    /// What it is for, at most 60 characters.
    #[arg(long)]
    name: String,
    /// What it may do: read, publish, push, admin; may be repeated.
    #[arg(long, required = true)]
    scope: Vec<TokenScope>,
    /// Days until it stops working.
    #[arg(long, default_value = "90", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart token revoke 0199a1b2-0000-7000-8000-000000000000")]
struct Revoke {
    /// Id of the token, as in the list.
    id: String,
}

impl Token {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.signed_in()?;
        match self.verb {
            Verb::List(List {}) => {
                let tokens = client.get(&["account", "tokens"], &[]).await?.body;
                global.show(&tokens, || table(&tokens))
            }
            Verb::Create(asked) => {
                let scopes: Vec<&str> = asked.scope.iter().map(|scope| scope.as_str()).collect();
                let body = json!({"name": asked.name, "scopes": scopes, "days": asked.days});
                let made = client.post(&["account", "tokens"], &body).await?.body;
                global.show(&made, || format!("{}\n", text(&made, "/token")))?;
                tell("Keep it: it is not shown again.");
                Ok(())
            }
            Verb::Revoke(asked) => {
                client.delete(&["account", "tokens", &asked.id]).await?;
                tell(&format!("Token {} no longer works.", asked.id));
                Ok(())
            }
        }
    }
}

fn table(tokens: &Value) -> String {
    let mut table = Table::new(&["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED", "STATE"]);
    for token in items(tokens, "/items") {
        let state = if text(token, "/revoked_at").is_empty() {
            ""
        } else {
            "revoked"
        };
        table.row([
            text(token, "/id"),
            text(token, "/name"),
            joined(token, "/scopes", ", "),
            text(token, "/expires_at"),
            text(token, "/last_used_at"),
            state.to_owned(),
        ]);
    }
    table.text()
}

//! The demo's accounts: an operator, a reviewer, an owner for each sample publisher, a customer. Passwords are fresh each
//! time and printed once.

use std::collections::BTreeMap;

use app::App;
use app::accounts::{SignUp, create_account, verify_password};
use app::clock::new_secret;
use app::error::Refused;
use app::publishers::{BecomePublisher, Decision, become_publisher, decide_publisher};
use domain::actor::Actor;

/// Who there is, with everything needed to act as them.
pub(super) struct People {
    rows: Vec<Person>,
    /// By publisher id.
    pub(super) owners: BTreeMap<String, Actor>,
}

struct Person {
    what: String,
    email: String,
    password: String,
}

/// Sample publishers: id, name, one sentence.
const PUBLISHERS: [(&str, &str, &str); 3] = [
    (
        "contoso",
        "Contoso",
        "Sensors and filters for small machines.",
    ),
    (
        "fabrikam",
        "Fabrikam",
        "Storage and connectivity at the edge.",
    ),
    ("northwind", "Northwind", "Tools for plant networks."),
];

async fn person(
    app: &App,
    rows: &mut Vec<Person>,
    (what, name, email): (&str, &str, &str),
    reviewer: bool,
    operator: bool,
) -> Result<Actor, Refused> {
    let password = new_secret("").map_err(|e| Refused::trouble(e.to_string()))?;
    let password: String = password
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let command = SignUp {
        email: email.to_owned(),
        name: name.to_owned(),
        password: password.clone(),
    };
    create_account(app, &Actor::System, command, reviewer, operator).await?;
    let account = verify_password(app, email, &password)
        .await?
        .ok_or_else(|| Refused::not_found("account", email))?;
    rows.push(Person {
        what: what.to_owned(),
        email: email.to_owned(),
        password,
    });
    Ok(Actor::Account(account))
}

/// Creates everybody and has the publishers approved.
pub(super) async fn create(app: &App) -> Result<People, Refused> {
    let mut rows = Vec::new();
    let operator = person(
        app,
        &mut rows,
        ("operator", "Operator", "operator@market.example"),
        false,
        true,
    )
    .await?;
    person(
        app,
        &mut rows,
        ("reviewer", "Reviewer", "reviewer@market.example"),
        true,
        false,
    )
    .await?;
    person(
        app,
        &mut rows,
        ("customer", "Customer", "customer@plant.example"),
        false,
        false,
    )
    .await?;
    let mut owners = BTreeMap::new();
    for (id, title, summary) in PUBLISHERS {
        let email = format!("owner@{id}.example");
        let what = format!("publisher {id}");
        let name = format!("{title} owner");
        let owner = person(app, &mut rows, (&what, &name, &email), false, false).await?;
        let command = BecomePublisher {
            id: id.to_owned(),
            title: title.to_owned(),
            summary: summary.to_owned(),
            website: format!("https://{id}.example"),
            contact_email: format!("marketplace@{id}.example"),
            terms_version: app.settings.terms_version.clone(),
            terms_accepted: true,
        };
        let publisher = become_publisher(app, &owner, command).await?;
        let approve = Decision::Approve {
            verified: id != "northwind",
        };
        decide_publisher(app, &operator, &publisher, approve).await?;
        // Signed in again: now a member.
        let password = rows
            .last()
            .map(|row| row.password.clone())
            .unwrap_or_default();
        let account = verify_password(app, &email, &password)
            .await?
            .ok_or_else(|| Refused::not_found("account", email.as_str()))?;
        owners.insert(id.to_owned(), Actor::Account(account));
    }
    Ok(People { rows, owners })
}

impl People {
    /// Prints the sign-ins.
    pub(super) fn print(&self, url: &str) {
        eprintln!("Sign in at {url}/account/sign-in as");
        for row in &self.rows {
            eprintln!("  {:<20} {:<26} {}", row.what, row.email, row.password);
        }
    }
}

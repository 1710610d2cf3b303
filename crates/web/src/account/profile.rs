//! Who one is here: address, roles, and the publishers one belongs to.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::page;
use crate::pieces::{Fact, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Membership {
    id: String,
    title: String,
    role: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage {
    layout: Layout,
    tabs: Vec<Link>,
    name: String,
    facts: Vec<Fact>,
    memberships: Vec<Membership>,
}

/// Tabs of the account's pages.
pub(super) fn tabs(current: usize) -> Vec<Link> {
    [
        (t("account.profile"), "/account"),
        (t("nav.tokens"), "/account/tokens"),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (label, href))| Link {
        label: label.to_owned(),
        href: href.to_owned(),
        count: None,
        current: at == current,
    })
    .collect()
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    let account = visitor.account()?;
    let mut memberships = Vec::new();
    for (id, role) in &account.publishers {
        if let Some(publisher) = store::publishers::find(&web.app.reader, id).await? {
            memberships.push(Membership {
                id: id.to_string(),
                title: publisher.title,
                role: word("member_role", role.as_str()).into_owned(),
                state: publisher.state.as_str(),
            });
        }
    }
    let mut roles = vec![t("account.customer")];
    if account.reviewer {
        roles.push(t("account.reviewer"));
    }
    if account.operator {
        roles.push(t("account.operator"));
    }
    let fact = |label: &str, value: &str| Fact {
        label: label.to_owned(),
        value: value.to_owned(),
    };
    page(&ProfilePage {
        layout: visitor.layout("account"),
        tabs: tabs(0),
        name: account.name.clone(),
        facts: vec![
            fact(t("account.email"), &account.email),
            fact(t("account.roles"), &roles.join(", ")),
        ],
        memberships,
    })
}

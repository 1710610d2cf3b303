//! The operator gives and takes roles, shuts accounts out, and erases the person behind one that is shut out.

use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use store::accounts::Account;

use super::{operator, tabs};
use crate::form::Form;
use crate::format::{day, moment};
use crate::layout::Layout;
use crate::messages::t1;
use crate::page::{page_with, see_other};
use crate::params::{Params, Places};
use crate::pieces::Link;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Accounts on one page.
const ACCOUNTS_MAX: u64 = 100;

struct Row {
    id: String,
    name: String,
    email: String,
    reviewer: bool,
    operator: bool,
    since: String,
    disabled: String,
    own: bool,
    erased: bool,
}

#[derive(Template)]
#[template(path = "admin/accounts.html")]
struct AccountsPage {
    layout: Layout,
    tabs: Vec<Link>,
    rows: Vec<Row>,
    email: String,
    next: String,
    conflict: String,
}

fn row(account: Account, own: &str) -> Row {
    Row {
        own: account.id == own,
        erased: store::accounts::is_erased(&account),
        id: account.id,
        name: account.name,
        email: account.email,
        reviewer: account.reviewer,
        operator: account.operator,
        since: day(account.created_at),
        disabled: account
            .disabled_at
            .map(|at| t1("admin.disabled_since", moment(at)))
            .unwrap_or_default(),
    }
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    (email, after): (&str, &str),
    conflict: String,
) -> Result<Response, Problem> {
    let own = operator(visitor)?.id.clone();
    let reader = &web.app.reader;
    let accounts = if email.is_empty() {
        let after = Some(after).filter(|id| !id.is_empty());
        store::accounts::list(reader, ACCOUNTS_MAX, after).await?
    } else {
        store::accounts::find_by_email(reader, email)
            .await?
            .into_iter()
            .collect()
    };
    let full = accounts.len() as u64 == ACCOUNTS_MAX;
    let last = accounts.last().filter(|_| full);
    let next = last
        .map(|account| format!("/admin/accounts?after={}", account.id))
        .unwrap_or_default();
    let status = if conflict.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    let shown = AccountsPage {
        layout: visitor.layout("admin"),
        tabs: tabs("/admin/accounts"),
        rows: accounts
            .into_iter()
            .map(|account| row(account, &own))
            .collect(),
        email: email.to_owned(),
        next,
        conflict,
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
) -> Result<Response, Problem> {
    operator(&visitor)?;
    render(
        &web,
        &visitor,
        (params.get("email"), params.get("after")),
        String::new(),
    )
    .await
}

async fn finish(web: &Web, form: &Form, done: Result<(), Refused>) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(see_other("/admin/accounts")),
        Err(Refused::Conflict(why)) => render(web, &form.visitor, ("", ""), why).await,
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn set_roles(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let (reviewer, operator) = (form.ticked("reviewer"), form.ticked("operator"));
    let done = app::accounts::set_roles(
        &web.app,
        &form.visitor.actor,
        places.text("id"),
        reviewer,
        operator,
    )
    .await;
    finish(&web, &form, done).await
}

pub(super) async fn set_access(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let disabled = form.get("access") == "disable";
    let done =
        app::accounts::set_disabled(&web.app, &form.visitor.actor, places.text("id"), disabled)
            .await;
    finish(&web, &form, done).await
}

pub(super) async fn erase(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let done = app::accounts::erase_account(&web.app, &form.visitor.actor, places.text("id")).await;
    finish(&web, &form, done).await
}

//! A person erases themselves: what goes, what stays, and the password once more.

use app::accounts::erase_own_account;
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::profile::tabs;
use super::with_cookie;
use crate::fields::{Field, blame};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::t;
use crate::page::page_with;
use crate::pieces::{FieldError, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "account/erase.html")]
struct ErasePage {
    layout: Layout,
    tabs: Vec<Link>,
    /// Whose password it is.
    email: String,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    conflict: String,
}

fn fields() -> Vec<Field> {
    vec![
        Field::input("password", "password", t("account.password"), "")
            .autocomplete("current-password")
            .required()
            .help(t("account.erase_password")),
    ]
}

fn render(
    visitor: &Visitor,
    (fields, errors): (Vec<Field>, Vec<FieldError>),
    (conflict, status): (String, StatusCode),
) -> Result<Response, Problem> {
    let shown = ErasePage {
        layout: visitor.layout("account"),
        tabs: tabs(0),
        email: visitor.account()?.email.clone(),
        fields,
        errors,
        conflict,
    };
    page_with(status, &shown)
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Problem> {
    visitor.account()?;
    let quiet = (String::new(), StatusCode::OK);
    render(&visitor, (fields(), Vec::new()), quiet)
}

pub(super) async fn erase(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    visitor.account()?;
    match erase_own_account(&web.app, &visitor.actor, form.get("password")).await {
        Ok(()) => with_cookie(&web, "", 0, "/"),
        Err(Refused::Invalid(wrong)) => {
            let mut fields = fields();
            let errors = blame(&mut fields, &wrong, "");
            let status = (String::new(), StatusCode::UNPROCESSABLE_ENTITY);
            render(visitor, (fields, errors), status)
        }
        Err(Refused::Conflict(why)) => {
            let status = (why, StatusCode::CONFLICT);
            render(visitor, (fields(), Vec::new()), status)
        }
        Err(other) => Err(other.into()),
    }
}

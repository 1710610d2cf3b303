//! Changing one's password. Afterwards one signs in again, everywhere.

use app::accounts::change_password;
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
#[template(path = "account/password.html")]
struct PasswordPage {
    layout: Layout,
    tabs: Vec<Link>,
    /// Whose password it is.
    email: String,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
}

fn fields() -> Vec<Field> {
    vec![
        Field::input("password", "current", t("account.password_current"), "")
            .autocomplete("current-password")
            .required(),
        Field::input("password", "password", t("account.password_new"), "")
            .autocomplete("new-password")
            .required()
            .help(t("account.password_help")),
    ]
}

fn render(
    visitor: &Visitor,
    (fields, errors): (Vec<Field>, Vec<FieldError>),
    status: StatusCode,
) -> Result<Response, Problem> {
    let shown = PasswordPage {
        layout: visitor.layout("account"),
        tabs: tabs(0),
        email: visitor.account()?.email.clone(),
        fields,
        errors,
    };
    page_with(status, &shown)
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Problem> {
    visitor.account()?;
    render(&visitor, (fields(), Vec::new()), StatusCode::OK)
}

pub(super) async fn change(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    visitor.account()?;
    let (current, password) = (form.get("current"), form.get("password"));
    match change_password(&web.app, &visitor.actor, current, password).await {
        Ok(()) => with_cookie(&web, "", 0, "/account/sign-in?next=%2Faccount"),
        Err(Refused::Invalid(wrong)) => {
            let mut fields = fields();
            let errors = blame(&mut fields, &wrong, "");
            render(visitor, (fields, errors), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(other) => Err(other.into()),
    }
}

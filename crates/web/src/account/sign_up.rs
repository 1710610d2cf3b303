//! A visitor becomes a customer and is signed in at once.

use app::accounts::SignUp;
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::violation::Violation;
use http::StatusCode;

use super::{onward, with_session};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::t;
use crate::page::{page_with, see_other};
use crate::params::Params;
use crate::peer::Peer;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "account/sign_up.html")]
struct SignUpPage {
    layout: Layout,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    next: String,
    open: bool,
    contact: String,
}

/// What every new account is asked for.
pub(super) fn account_fields() -> Vec<Field> {
    vec![
        Field::text("name", t("account.name"), "")
            .max(100)
            .autocomplete("name")
            .required(),
        Field::input("email", "email", t("account.email"), "")
            .autocomplete("username")
            .required()
            .help(t("account.email_help")),
        Field::input("password", "password", t("account.password"), "")
            .autocomplete("new-password")
            .required()
            .help(t("account.password_help")),
    ]
}

/// The account as it was typed in.
pub(super) fn read_account(form: &Form) -> SignUp {
    SignUp {
        email: form.text("email"),
        name: form.text("name"),
        password: form.get("password").to_owned(),
    }
}

fn fields(next: &str) -> Vec<Field> {
    let mut fields = vec![Field::hidden("next", next)];
    fields.extend(account_fields());
    fields
}

fn render(
    web: &Web,
    visitor: &Visitor,
    next: &str,
    (fields, errors): (Vec<Field>, Vec<FieldError>),
    status: StatusCode,
) -> Result<Response, Problem> {
    page_with(
        status,
        &SignUpPage {
            layout: visitor.layout("account"),
            fields,
            errors,
            next: next.to_owned(),
            open: web.app.settings.open_sign_up,
            contact: web.app.settings.onboarding_contact.clone(),
        },
    )
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
) -> Result<Response, Problem> {
    let next = onward(params.get("next"));
    if visitor.account().is_ok() {
        return Ok(see_other(next));
    }
    render(
        &web,
        &visitor,
        next,
        (fields(next), Vec::new()),
        StatusCode::OK,
    )
}

/// The use-case's only conflict besides a closed door is an address that has an account.
pub(super) fn address_taken() -> Vec<Violation> {
    vec![Violation::error(
        "email",
        t("account.taken_limit"),
        t("account.taken_found"),
        t("account.taken_fix"),
    )]
}

pub(super) async fn sign_up(
    State(web): State<Web>,
    peer: Peer,
    form: Form,
) -> Result<Response, Problem> {
    let next = onward(form.get("next"));
    let command = read_account(&form);
    let (email, password) = (command.email.clone(), command.password.clone());
    let wrong = match app::accounts::sign_up(&web.app, command).await {
        Ok(_) => {
            let session = app::accounts::sign_in(&web.app, &email, &password, &peer.0).await?;
            return with_session(&web, &session, next);
        }
        Err(Refused::Invalid(wrong)) => wrong,
        Err(Refused::Conflict(_)) if web.app.settings.open_sign_up => address_taken(),
        Err(other) => return Err(other.into()),
    };
    let mut fields = fields(next);
    refill(&mut fields, &form);
    let errors = blame(&mut fields, &wrong, "");
    render(
        &web,
        &form.visitor,
        next,
        (fields, errors),
        StatusCode::UNPROCESSABLE_ENTITY,
    )
}

//! Signing in and out with the browser. Wrong pairs and too many tries are told on the form itself.

use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::{onward, with_cookie, with_session};
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
use crate::visitor::{SessionSecret, Visitor};

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    layout: Layout,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    next: String,
    open: bool,
}

fn fields(next: &str) -> Vec<Field> {
    vec![
        Field::hidden("next", next),
        Field::input("email", "email", t("account.email"), "")
            .autocomplete("username")
            .required(),
        Field::input("password", "password", t("account.password"), "")
            .autocomplete("current-password")
            .required(),
    ]
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
        &SignInPage {
            layout: visitor.layout("account"),
            fields,
            errors,
            next: next.to_owned(),
            open: web.app.settings.open_sign_up,
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

pub(super) async fn sign_in(
    State(web): State<Web>,
    peer: Peer,
    form: Form,
) -> Result<Response, Problem> {
    let next = onward(form.get("next"));
    let tried =
        app::accounts::sign_in(&web.app, form.get("email"), form.get("password"), &peer.0).await;
    match tried {
        Ok(session) => with_session(&web, &session, next),
        Err(Refused::Invalid(wrong)) => {
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
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn sign_out(
    State(web): State<Web>,
    SessionSecret(secret): SessionSecret,
    _form: Form,
) -> Result<Response, Problem> {
    if let Some(secret) = secret {
        app::accounts::sign_out(&web.app, &secret).await?;
    }
    with_cookie(&web, "", 0, "/")
}

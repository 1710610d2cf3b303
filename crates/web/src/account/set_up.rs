//! The first operator opens the one-time link that the server printed. The secret stands in the link's fragment, which
//! no server and no log ever sees; script copies it into the form, and without script it is pasted.

use app::accounts::SetUp;
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::sign_up::{account_fields, address_taken, read_account};
use super::with_session;
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::t;
use crate::page::page_with;
use crate::peer::Peer;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "account/set_up.html")]
struct SetUpPage {
    layout: Layout,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
}

fn fields(code: &str) -> Vec<Field> {
    let code = Field::text("set_up_code", t("account.set_up_code"), code)
        .mono()
        .required()
        .autocomplete("off")
        .help(t("account.set_up_code_help"));
    let mut fields = vec![code];
    fields.extend(account_fields());
    fields
}

/// Once there is an operator this page is gone.
async fn still_open(web: &Web) -> Result<(), Problem> {
    if store::accounts::count_operators(&web.app.reader).await? > 0 {
        return Err(Problem::not_found("page"));
    }
    Ok(())
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    still_open(&web).await?;
    let shown = SetUpPage {
        layout: visitor.layout("account"),
        fields: fields(""),
        errors: Vec::new(),
    };
    page_with(StatusCode::OK, &shown)
}

pub(super) async fn set_up(
    State(web): State<Web>,
    peer: Peer,
    form: Form,
) -> Result<Response, Problem> {
    still_open(&web).await?;
    let account = read_account(&form);
    let (email, password) = (account.email.clone(), account.password.clone());
    let secret = form.text("set_up_code");
    let wrong =
        match app::accounts::set_up_first_operator(&web.app, SetUp { secret, account }).await {
            Ok(_) => {
                let session = app::accounts::sign_in(&web.app, &email, &password, &peer.0).await?;
                return with_session(&web, &session, "/admin");
            }
            Err(Refused::Invalid(wrong)) => wrong,
            Err(Refused::Conflict(why)) if why.contains("taken") => address_taken(),
            Err(Refused::Conflict(why)) => {
                vec![domain::violation::Violation::error(
                    "set_up_code",
                    t("account.set_up_code_limit"),
                    t("account.set_up_code_found"),
                    why,
                )]
            }
            Err(other) => return Err(other.into()),
        };
    // The code goes back into the form: it was typed here a moment ago and still waits to be used.
    let mut fields = fields("");
    refill(&mut fields, &form);
    let errors = blame(&mut fields, &wrong, "");
    let shown = SetUpPage {
        layout: form.visitor.layout("account"),
        fields,
        errors,
    };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown)
}

//! Access tokens: for `docker login`, the command line and CI. A new one is shown on the answer to its form, once, and
//! on no other page.

use app::accounts::{CreateToken, NewToken, TOKEN_DAYS_MAX, create_token, revoke_token};
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::role::TokenScope;
use domain::violation::Violation;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use store::tokens::Token;

use super::profile::tabs;
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::{ago, day};
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::{page_with, see_other};
use crate::pieces::{Choice, FieldError, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Days that the form proposes.
const DAYS_PROPOSED: u32 = 90;

struct Row {
    id: String,
    name: String,
    scopes: String,
    created: String,
    expires: String,
    used: String,
    state: &'static str,
}

struct Fresh {
    secret: String,
    expires: String,
    login: String,
}

#[derive(Template)]
#[template(path = "account/tokens.html")]
struct TokensPage {
    layout: Layout,
    tabs: Vec<Link>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    fresh: Option<Fresh>,
}

fn row(token: Token, now: i64) -> Row {
    let expired = token.expires_at.is_some_and(|at| at <= now);
    let scopes = token
        .scopes
        .iter()
        .map(|scope| word("token_scope", scope.as_str()));
    Row {
        scopes: scopes.collect::<Vec<_>>().join(", "),
        created: day(token.created_at),
        expires: token.expires_at.map_or_else(String::new, day),
        used: token
            .last_used_at
            .map_or_else(|| t("token.never").to_owned(), |at| ago(at, now)),
        state: match (token.revoked_at, expired) {
            (Some(_), _) => "revoked",
            (None, true) => "expired",
            (None, false) => "good",
        },
        id: token.id,
        name: token.name,
    }
}

fn fields(visitor: &Visitor) -> Result<Vec<Field>, Problem> {
    let account = visitor.account()?;
    let publisher = !account.publishers.is_empty();
    let staff = account.reviewer || account.operator;
    let offered = TokenScope::ALL.into_iter().filter(|scope| match scope {
        TokenScope::Read => true,
        TokenScope::Publish | TokenScope::Push => publisher,
        TokenScope::Admin => staff,
    });
    let choices = offered.map(|scope| Choice {
        value: scope.as_str().to_owned(),
        label: word("token_scope", scope.as_str()).into_owned(),
        detail: word("token_scope_help", scope.as_str()).into_owned(),
        selected: scope == TokenScope::Read,
    });
    let days = DAYS_PROPOSED.to_string();
    Ok(vec![
        Field::text("name", t("token.name"), "")
            .max(60)
            .required()
            .help(t("token.name_help")),
        Field::choose("checkbox", "scopes", t("token.scopes"), choices.collect()),
        Field::input("number", "days", t("token.days"), days)
            .required()
            .help(t("token.days_help")),
    ])
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    (fields, errors): (Vec<Field>, Vec<FieldError>),
    fresh: Option<Fresh>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let account = visitor.account()?;
    let now = web.app.clock.now();
    let tokens = store::tokens::list_of_account(&web.app.reader, &account.id).await?;
    let shown = TokensPage {
        layout: visitor.layout("account"),
        tabs: tabs(1),
        rows: tokens.into_iter().map(|token| row(token, now)).collect(),
        fields,
        errors,
        fresh,
    };
    let mut response = page_with(status, &shown)?;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(super) async fn list(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    let fields = fields(&visitor)?;
    render(&web, &visitor, (fields, Vec::new()), None, StatusCode::OK).await
}

fn read(form: &Form) -> Result<CreateToken, Vec<Violation>> {
    let scopes: Result<Vec<TokenScope>, String> =
        form.all("scopes").into_iter().map(str::parse).collect();
    let scopes = scopes.map_err(|why| {
        vec![Violation::error(
            "scopes",
            t("token.scopes_limit"),
            why,
            t("token.scopes_fix"),
        )]
    })?;
    let days = form.text("days");
    let days = days.parse().map_err(|_| {
        let limit = crate::messages::t1("token.days_limit", TOKEN_DAYS_MAX);
        vec![Violation::error(
            "days",
            limit,
            days.chars().take(20).collect::<String>(),
            t("token.days_fix"),
        )]
    })?;
    Ok(CreateToken {
        name: form.text("name"),
        scopes,
        days,
    })
}

pub(super) async fn create(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    let mut fields = fields(&form.visitor)?;
    let made = match read(&form) {
        Ok(command) => create_token(&web.app, &form.visitor.actor, command).await,
        Err(wrong) => Err(Refused::Invalid(wrong)),
    };
    match made {
        Ok(NewToken {
            secret, expires_at, ..
        }) => {
            let fresh = Fresh {
                login: format!(
                    "podman login {} --username {} --password-stdin",
                    web.app.settings.registry_host,
                    form.visitor.account()?.email
                ),
                secret,
                expires: day(expires_at),
            };
            render(
                &web,
                &form.visitor,
                (fields, Vec::new()),
                Some(fresh),
                StatusCode::OK,
            )
            .await
        }
        Err(Refused::Invalid(wrong)) => {
            refill(&mut fields, &form);
            let errors = blame(&mut fields, &wrong, "");
            render(
                &web,
                &form.visitor,
                (fields, errors),
                None,
                StatusCode::UNPROCESSABLE_ENTITY,
            )
            .await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn revoke(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    revoke_token(&web.app, &form.visitor.actor, form.get("id")).await?;
    Ok(see_other("/account/tokens"))
}

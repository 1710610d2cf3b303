//! The certification policy and the support matrix, edited as JSON and checked before they count; and every rule with
//! the level it has now.

use app::admin::{put_matrix, put_policy};
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use certify::Level;
use domain::violation::Violation;
use http::StatusCode;

use super::{operator, tabs};
use crate::certification::plain;
use crate::fields::{Field, blame};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::{page_with, see_other};
use crate::params::Params;
use crate::pieces::{FieldError, Link};
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct RuleRow {
    code: &'static str,
    title: String,
    why: &'static str,
    level: String,
    own: bool,
    waivable: bool,
}

#[derive(Template)]
#[template(path = "admin/policy.html")]
struct PolicyPage {
    layout: Layout,
    tabs: Vec<Link>,
    policy: Vec<Field>,
    policy_errors: Vec<FieldError>,
    matrix: Vec<Field>,
    matrix_errors: Vec<FieldError>,
    rules: Vec<RuleRow>,
    saved: bool,
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Block => "block",
        Level::Review => "review",
        Level::Warn => "warn",
    }
}

fn field(name: &'static str, text: String, help: &str, rows: u32) -> Vec<Field> {
    vec![
        Field::area(name, word("setting", name).as_ref(), text, rows)
            .mono()
            .required()
            .help(help),
    ]
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    (sent, wrong): (Option<&Form>, &[Violation]),
    (saved, status): (bool, StatusCode),
) -> Result<Response, Problem> {
    let policy = app::offers::policy(&web.app).await?;
    let matrix = app::offers::matrix(&web.app).await?;
    let now = web.app.clock.now();
    let rules = certify::register().iter().map(|rule| RuleRow {
        code: rule.code,
        title: plain(rule.title),
        why: rule.why,
        level: if policy.enabled(rule) {
            word("rule_level", level_word(policy.level(rule, now))).into_owned()
        } else {
            t("admin.rule_off").to_owned()
        },
        own: policy.rules.contains_key(rule.code),
        waivable: rule.waivable,
    });
    let rules = rules.collect();
    let pretty = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
    let mut policy = field(
        "policy",
        pretty(serde_json::to_string_pretty(&policy)),
        t("admin.policy_help"),
        12,
    );
    let mut matrix = field(
        "matrix",
        pretty(serde_json::to_string_pretty(&matrix)),
        t("admin.matrix_help"),
        16,
    );
    if let Some(form) = sent {
        // Only the one that was sent comes back as it was typed.
        let edited = if form.get("setting") == "matrix" {
            &mut matrix
        } else {
            &mut policy
        };
        crate::fields::refill(edited, form);
    }
    let of = |name: &str| -> Vec<Violation> {
        wrong.iter().filter(|v| v.field == name).cloned().collect()
    };
    let policy_errors = blame(&mut policy, &of("policy"), "");
    let matrix_errors = blame(&mut matrix, &of("matrix"), "");
    let shown = PolicyPage {
        layout: visitor.layout("admin"),
        tabs: tabs("/admin/policy"),
        policy,
        policy_errors,
        matrix,
        matrix_errors,
        rules,
        saved,
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
        (None, &[]),
        (params.has("saved"), StatusCode::OK),
    )
    .await
}

pub(super) async fn save(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let actor = &form.visitor.actor;
    let done = match form.get("setting") {
        "matrix" => put_matrix(&web.app, actor, form.get("matrix")).await,
        "policy" => put_policy(&web.app, actor, form.get("policy")).await,
        _ => return Err(Problem::bad_request("`setting` is one of policy, matrix.")),
    };
    match done {
        Ok(()) => Ok(see_other("/admin/policy?saved=1")),
        Err(Refused::Invalid(wrong)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            render(&web, &form.visitor, (Some(&form), &wrong), (false, status)).await
        }
        Err(other) => Err(other.into()),
    }
}

//! The operator takes modules and versions down, with a reason, and lifts takedowns again.

use app::admin::{REASON_CHARS_MAX, TakeDown, lift_takedown, take_down};
use app::error::Refused;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::violation::Violation;
use http::StatusCode;
use store::takedowns::Takedown;

use super::{operator, tabs};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::moment;
use crate::layout::Layout;
use crate::messages::{t, t1, t3};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::{FieldError, Link};
use crate::portal::history::names;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Takedowns on the page; the API has no more either.
pub(crate) const TAKEDOWNS_MAX: u64 = 200;

struct Row {
    id: String,
    module: String,
    href: String,
    release: String,
    reason: String,
    at: String,
    by: String,
    state: String,
    liftable: bool,
}

#[derive(Template)]
#[template(path = "admin/takedowns.html")]
struct TakedownsPage {
    layout: Layout,
    tabs: Vec<Link>,
    rows: Vec<Row>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    conflict: String,
}

fn fields() -> Vec<Field> {
    vec![
        Field::text("module", t("admin.take_down_module"), "")
            .mono()
            .required()
            .help(t("admin.take_down_module_help")),
        Field::text("plan", t("admin.take_down_plan"), "")
            .mono()
            .help(t("admin.take_down_plan_help")),
        Field::text("version", t("admin.take_down_version"), "")
            .mono()
            .help(t("admin.take_down_version_help")),
        Field::area("reason", t("admin.take_down_reason"), "", 3)
            .max(REASON_CHARS_MAX)
            .required()
            .help(t("admin.take_down_reason_help")),
    ]
}

async fn rows(web: &Web) -> Result<Vec<Row>, Problem> {
    let all = store::takedowns::recent(&web.app.reader, TAKEDOWNS_MAX).await?;
    let mut people: Vec<&str> = all.iter().map(|each| each.taken_by.as_str()).collect();
    people.extend(
        all.iter()
            .filter_map(|e| Some(e.lifted.as_ref()?.by.as_str())),
    );
    let names = names(web, people).await?;
    let name = |id: &str| names.get(id).cloned().unwrap_or_default();
    let row = |takedown: &Takedown| Row {
        id: takedown.id.clone(),
        module: takedown.key.to_string(),
        href: format!("/modules/{}/{}", takedown.key.publisher, takedown.key.offer),
        release: takedown.release.as_ref().map_or_else(
            || t("admin.taken_whole").to_owned(),
            |(plan, version)| format!("{plan} {version}"),
        ),
        reason: takedown.reason.clone(),
        at: moment(takedown.taken_at),
        by: name(&takedown.taken_by),
        state: match (&takedown.lifted, takedown.purged_at) {
            (Some(lifted), _) => t3(
                "admin.taken_lifted",
                moment(lifted.at),
                name(&lifted.by),
                &lifted.reason,
            ),
            (None, Some(at)) => t1("admin.taken_purged", moment(at)),
            (None, None) => t1("admin.taken_in_force", moment(takedown.purge_at)),
        },
        liftable: takedown.lifted.is_none() && takedown.purged_at.is_none(),
    };
    Ok(all.iter().map(row).collect())
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    (sent, wrong): (Option<&Form>, &[Violation]),
    (conflict, status): (String, StatusCode),
) -> Result<Response, Problem> {
    let mut fields = fields();
    if let Some(form) = sent {
        refill(&mut fields, form);
    }
    let errors = blame(&mut fields, wrong, "");
    let shown = TakedownsPage {
        layout: visitor.layout("admin"),
        tabs: tabs("/admin/takedowns"),
        rows: rows(web).await?,
        fields,
        errors,
        conflict,
    };
    page_with(status, &shown)
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    operator(&visitor)?;
    let quiet = (String::new(), StatusCode::OK);
    render(&web, &visitor, (None, &[]), quiet).await
}

/// Reads which module or release is meant; used by the API too.
pub(crate) fn wanted(
    module: &str,
    plan: &str,
    version: &str,
    reason: String,
) -> Result<TakeDown, Refused> {
    let shown = |text: &str| text.chars().take(120).collect::<String>();
    let key = module.parse().map_err(|_| {
        let (limit, fix) = (t("admin.take_down_key_limit"), t("admin.take_down_key_fix"));
        Refused::invalid("module", limit, shown(module), fix)
    })?;
    let release = match (plan, version) {
        ("", "") => None,
        ("", _) | (_, "") => {
            return Err(Refused::invalid(
                "version",
                t("admin.take_down_release_limit"),
                t("admin.take_down_release_found"),
                t("admin.take_down_release_fix"),
            ));
        }
        (plan, version) => {
            let read = plan.parse().ok().zip(version.parse().ok());
            Some(read.ok_or_else(|| {
                let found = format!("{} {}", shown(plan), shown(version));
                let (limit, fix) = (
                    t("admin.take_down_version_limit"),
                    t("admin.take_down_release_fix"),
                );
                Refused::invalid("version", limit, found, fix)
            })?)
        }
    };
    Ok(TakeDown {
        key,
        release,
        reason,
    })
}

async fn finish(web: &Web, form: &Form, done: Result<(), Refused>) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(see_other("/admin/takedowns")),
        Err(Refused::Invalid(wrong)) => {
            let status = (String::new(), StatusCode::UNPROCESSABLE_ENTITY);
            render(web, &form.visitor, (Some(form), &wrong), status).await
        }
        Err(refused @ (Refused::Conflict(_) | Refused::NotFound { .. })) => {
            let status = (refused.to_string(), StatusCode::CONFLICT);
            render(web, &form.visitor, (Some(form), &[]), status).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn take(State(web): State<Web>, form: Form) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let asked = wanted(
        &form.text("module"),
        &form.text("plan"),
        &form.text("version"),
        form.text("reason"),
    );
    let done = match asked {
        Ok(command) => take_down(&web.app, &form.visitor.actor, command)
            .await
            .map(|_| ()),
        Err(refused) => Err(refused),
    };
    finish(&web, &form, done).await
}

pub(super) async fn lift(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let (actor, reason) = (&form.visitor.actor, form.text("reason"));
    let done = lift_takedown(&web.app, actor, places.text("id"), &reason).await;
    match done {
        // The form that the page shows at its end takes down; what is wrong with a lift is told above.
        Err(Refused::Invalid(wrong)) => {
            let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let status = (told.join(" "), StatusCode::UNPROCESSABLE_ENTITY);
            render(&web, &form.visitor, (None, &[]), status).await
        }
        Err(refused @ (Refused::Conflict(_) | Refused::NotFound { .. })) => {
            let told = refused.to_string();
            let status = Problem::from(refused).status;
            render(&web, &form.visitor, (None, &[]), (told, status)).await
        }
        done => finish(&web, &form, done).await,
    }
}

//! "Review and submit": everything that is still missing, by section, and the button that sends the offer on its way.

use app::error::Refused;
use app::offers::{save_draft, submit_offer};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;
use store::publishers::PublisherState;

use super::draft::{Draft, Head, SECTIONS, section_of};
use super::offer_path;
use super::plan_parts::Part;
use crate::fields::{Field, refill, sentence};
use crate::form::Form;
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

/// Longest note to the reviewer, in characters; the use-case refuses more.
const NOTES_CHARS_MAX: usize = 5_000;

struct Finding {
    kind: &'static str,
    label: &'static str,
    field: String,
    message: String,
    href: String,
}

struct Group {
    label: String,
    href: String,
    findings: Vec<Finding>,
}

#[derive(Template)]
#[template(path = "portal/submit.html")]
struct SubmitPage {
    layout: Layout,
    head: Head,
    groups: Vec<Group>,
    errors: usize,
    fields: Vec<Field>,
    revision: i64,
    approved: bool,
    running: String,
    replaces_preview: bool,
    conflict: String,
    contact: String,
}

/// The page and the field where a violation is mended.
fn href(path: &str, field: &str) -> String {
    let section = section_of(field);
    if let Some(rest) = field.strip_prefix("plans.")
        && let Some((plan, within)) = rest.split_once('.')
        && let Some(part) = Part::ALL.into_iter().find(|part| part.holds(within))
    {
        return format!("{path}/plans/{plan}/{}", part.as_str());
    }
    if section == "review" {
        return "#f-certification_notes".to_owned();
    }
    format!("{path}/{section}")
}

fn groups(path: &str, violations: &[Violation]) -> Vec<Group> {
    let groups = SECTIONS.iter().map(|section| Group {
        label: word("offer_section", section).into_owned(),
        href: format!("{path}/{section}"),
        findings: violations
            .iter()
            .filter(|violation| section_of(&violation.field) == *section)
            .map(|violation| Finding {
                kind: if violation.is_error() { "fail" } else { "warn" },
                label: if violation.is_error() {
                    t("section.attention")
                } else {
                    t("state.warn")
                },
                field: violation.field.clone(),
                message: sentence(violation),
                href: href(path, &violation.field),
            })
            .collect(),
    });
    groups
        .filter(|group: &Group| !group.findings.is_empty())
        .collect()
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    draft: &Draft,
    (violations, conflict): (&[Violation], String),
    (sent, status): (Option<&Form>, StatusCode),
) -> Result<Response, Problem> {
    let publisher = store::publishers::find(&web.app.reader, &draft.key.publisher).await?;
    let running = draft
        .latest
        .as_ref()
        .filter(|latest| latest.state.is_running());
    let mut fields = vec![
        Field::area(
            "certification_notes",
            t("offer.notes"),
            &draft.row.draft.certification_notes,
            4,
        )
        .max(NOTES_CHARS_MAX)
        .help(t("offer.notes_help")),
    ];
    if let Some(form) = sent {
        refill(&mut fields, form);
    }
    let shown = SubmitPage {
        layout: visitor.layout("publish"),
        head: draft.head("review", &[]),
        groups: groups(&offer_path(&draft.key), violations),
        errors: violations
            .iter()
            .filter(|violation| violation.is_error())
            .count(),
        fields,
        revision: draft.row.revision,
        approved: publisher.is_some_and(|publisher| publisher.state == PublisherState::Approved),
        running: running
            .map(|latest| format!("/publish/submissions/{}", latest.id))
            .unwrap_or_default(),
        replaces_preview: draft
            .latest
            .as_ref()
            .is_some_and(|latest| latest.state == domain::lifecycle::State::Preview),
        conflict,
        contact: web.app.settings.onboarding_contact.clone(),
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    render(
        &web,
        &visitor,
        &draft,
        (&draft.violations, String::new()),
        (None, StatusCode::OK),
    )
    .await
}

/// Keeps the notes with the draft first, so that they stand in what is frozen, and then submits.
async fn keep_and_submit(
    web: &Web,
    form: &Form,
    draft: &Draft,
    notes: String,
) -> Result<String, Refused> {
    let actor = &form.visitor.actor;
    if draft.row.draft.certification_notes != notes {
        let mut offer = draft.row.draft.clone();
        offer.certification_notes.clone_from(&notes);
        let revision = form.get("revision").parse().unwrap_or(draft.row.revision);
        save_draft(&web.app, actor, &draft.key, &offer, revision).await?;
    }
    submit_offer(&web.app, actor, &draft.key, &notes).await
}

pub(super) async fn submit(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Submit).await?;
    let notes = form.text("certification_notes");
    let (wrong, conflict, status) = match keep_and_submit(&web, &form, &draft, notes).await {
        Ok(id) => return Ok(see_other(&format!("/publish/submissions/{id}"))),
        Err(Refused::Invalid(wrong)) => (wrong, String::new(), StatusCode::UNPROCESSABLE_ENTITY),
        Err(Refused::Conflict(why)) => (draft.violations.clone(), why, StatusCode::CONFLICT),
        Err(other) => return Err(other.into()),
    };
    let draft = Draft::load(&web, &form.visitor, &places, PublisherAction::Submit).await?;
    render(
        &web,
        &form.visitor,
        &draft,
        (&wrong, conflict),
        (Some(&form), status),
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::href;

    #[test]
    fn a_finding_leads_to_the_page_that_mends_it() {
        let path = "/publish/contoso/sensor";
        assert_eq!(
            href(path, "plans.standard.image.tags[0]"),
            format!("{path}/plans/standard/image")
        );
        assert_eq!(href(path, "plans[0].price.model"), format!("{path}/plans"));
        assert_eq!(href(path, "listing.logos.wide"), format!("{path}/logos"));
        assert_eq!(href(path, "certification_notes"), "#f-certification_notes");
    }
}

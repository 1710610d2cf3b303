//! Who belongs to a publisher, and as what. Managers and owners change it.

use app::error::Refused;
use app::publishers::{put_member, remove_member, transfer_ownership};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::role::{MemberRole, PublisherAction};
use domain::violation::Violation;
use http::StatusCode;

use super::publisher::{Top, top};
use super::sections::choice;
use super::{publisher_for, require};
use crate::fields::{Field, blame, refill};
use crate::form::Form;
use crate::format::day;
use crate::layout::Layout;
use crate::messages::{t, word};
use crate::page::{page_with, see_other};
use crate::params::Places;
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Row {
    account_id: String,
    name: String,
    email: String,
    role: String,
    since: String,
    /// May this visitor take this member out?
    removable: bool,
    /// May this visitor give the publisher to this member?
    heir: bool,
}

#[derive(Template)]
#[template(path = "portal/members.html")]
struct MembersPage {
    layout: Layout,
    top: Top,
    rows: Vec<Row>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    may_manage: bool,
    conflict: String,
}

fn fields() -> Vec<Field> {
    let roles = [
        MemberRole::Developer,
        MemberRole::Manager,
        MemberRole::Owner,
    ]
    .map(|role| {
        let id = role.as_str();
        choice(
            id,
            word("member_role", id),
            word("member_role_help", id),
            role == MemberRole::Developer,
        )
    });
    vec![
        Field::input("email", "email", t("account.email"), "")
            .required()
            .help(t("portal.member_email_help")),
        Field::choose("radio", "role", t("portal.role"), roles.to_vec()),
    ]
}

#[derive(Default)]
struct Sent<'a> {
    form: Option<&'a Form>,
    wrong: Vec<Violation>,
    conflict: String,
    status: StatusCode,
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    places: &Places,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let (publisher, top) = top(web, visitor, places, (PublisherAction::View, "members")).await?;
    let may = |action| visitor.actor.require(&publisher.id, action).is_ok();
    let (may_manage, may_unmake_owners) = (
        may(PublisherAction::ManageMembers),
        may(PublisherAction::EditProfile),
    );
    let members = store::members::of_publisher(&web.app.reader, &publisher.id).await?;
    let rows = members.into_iter().map(|(member, account)| Row {
        heir: may_unmake_owners && member.role != MemberRole::Owner,
        removable: may_manage && (member.role != MemberRole::Owner || may_unmake_owners),
        account_id: account.id,
        name: account.name,
        email: account.email,
        role: word("member_role", member.role.as_str()).into_owned(),
        since: day(member.created_at),
    });
    let mut fields = fields();
    if let Some(form) = sent.form {
        refill(&mut fields, form);
    }
    let errors = blame(&mut fields, &sent.wrong, "");
    let shown = MembersPage {
        layout: visitor.layout("publish"),
        rows: rows.collect(),
        top,
        fields,
        errors,
        may_manage,
        conflict: sent.conflict,
    };
    page_with(sent.status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
) -> Result<Response, Problem> {
    render(&web, &visitor, &places, Sent::default()).await
}

pub(super) async fn put(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let publisher =
        publisher_for(&web, &form.visitor, &places, PublisherAction::ManageMembers).await?;
    let done = match form.get("role").parse::<MemberRole>() {
        Ok(role) => {
            put_member(
                &web.app,
                &form.visitor.actor,
                &publisher.id,
                form.get("email"),
                role,
            )
            .await
        }
        Err(why) => Err(Refused::invalid(
            "role",
            t("portal.role_limit"),
            why,
            t("portal.role_fix"),
        )),
    };
    let sent = match done {
        Ok(()) => return Ok(see_other(&format!("/publish/{}/members", publisher.id))),
        Err(Refused::Invalid(wrong)) => Sent {
            form: Some(&form),
            wrong,
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Sent::default()
        },
        Err(Refused::Conflict(conflict)) => Sent {
            form: Some(&form),
            conflict,
            status: StatusCode::CONFLICT,
            ..Sent::default()
        },
        Err(other) => return Err(other.into()),
    };
    render(&web, &form.visitor, &places, sent).await
}

pub(super) async fn remove(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let publisher =
        publisher_for(&web, &form.visitor, &places, PublisherAction::ManageMembers).await?;
    let id = form.get("account_id");
    match remove_member(&web.app, &form.visitor.actor, &publisher.id, id).await {
        // Who took themselves out no longer sees the page they came from.
        Ok(()) if form.visitor.account()?.id == id => Ok(see_other("/publish")),
        Ok(()) => {
            require(&form.visitor, &publisher.id, PublisherAction::View)?;
            Ok(see_other(&format!("/publish/{}/members", publisher.id)))
        }
        Err(Refused::Conflict(conflict)) => {
            let sent = Sent {
                conflict,
                status: StatusCode::CONFLICT,
                ..Sent::default()
            };
            render(&web, &form.visitor, &places, sent).await
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn transfer(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    let publisher = publisher_for(&web, visitor, &places, PublisherAction::EditProfile).await?;
    let id = form.get("account_id");
    match transfer_ownership(&web.app, &visitor.actor, &publisher.id, id).await {
        Ok(()) => Ok(see_other(&format!("/publish/{}/members", publisher.id))),
        Err(Refused::Conflict(conflict)) => {
            let sent = Sent {
                conflict,
                status: StatusCode::CONFLICT,
                ..Sent::default()
            };
            render(&web, visitor, &places, sent).await
        }
        Err(other) => Err(other.into()),
    }
}

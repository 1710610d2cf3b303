//! The operator decides on publishers: approve, verify, refuse, suspend.

use app::error::Refused;
use app::publishers::{Decision, decide_publisher, look_alikes};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::ids::PublisherId;
use http::StatusCode;
use store::publishers::{Publisher, PublisherState};

use super::{operator, tabs};
use crate::fields::sentence;
use crate::form::Form;
use crate::format::{ago, moment};
use crate::layout::Layout;
use crate::messages::{t, t1, t2, word};
use crate::page::{page_with, see_other};
use crate::params::{Params, Places};
use crate::pieces::{Fact, Link};
use crate::portal::hidden;
use crate::portal::history::names;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Card {
    id: String,
    title: String,
    state: &'static str,
    verified: bool,
    facts: Vec<Fact>,
    look_alikes: String,
    error: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "admin/publishers.html")]
struct PublishersPage {
    layout: Layout,
    tabs: Vec<Link>,
    filters: Vec<Link>,
    cards: Vec<Card>,
}

/// A refused decision, shown again at its publisher.
struct Again<'a> {
    publisher: &'a PublisherId,
    error: String,
    reason: String,
}

async fn card(web: &Web, publisher: Publisher, again: Option<&Again<'_>>) -> Result<Card, Problem> {
    let alike = look_alikes(&web.app, &publisher).await?;
    let by = publisher
        .terms_accepted_by
        .as_deref()
        .unwrap_or(&publisher.created_by)
        .to_owned();
    let names = names(web, vec![by.as_str()]).await?;
    let fact = |label: &str, value: String| Fact {
        label: label.to_owned(),
        value,
    };
    let accepted = publisher.terms_accepted_at.map_or_else(String::new, |at| {
        let version = publisher.terms_version.clone().unwrap_or_default();
        t2("admin.terms_accepted", version, moment(at))
    });
    let mut facts = vec![
        fact(
            t("admin.requested"),
            format!(
                "{} ({})",
                moment(publisher.created_at),
                ago(publisher.created_at, web.app.clock.now())
            ),
        ),
        fact(t("admin.by"), names.get(&by).cloned().unwrap_or_default()),
        fact(t("admin.terms"), accepted),
        fact(t("admin.contact"), publisher.contact_email),
        fact(t("admin.website"), publisher.website),
        fact(t("admin.about"), publisher.summary),
        fact(t("admin.reason"), publisher.reason.unwrap_or_default()),
    ];
    facts.retain(|fact| !fact.value.is_empty());
    let again = again.filter(|again| *again.publisher == publisher.id);
    Ok(Card {
        id: publisher.id.to_string(),
        title: publisher.title,
        state: publisher.state.as_str(),
        verified: publisher.verified,
        facts,
        look_alikes: if alike.is_empty() {
            String::new()
        } else {
            t1("admin.looks_like", alike.join(", "))
        },
        error: again.map(|again| again.error.clone()).unwrap_or_default(),
        reason: again.map(|again| again.reason.clone()).unwrap_or_default(),
    })
}

fn filters(chosen: Option<PublisherState>) -> Vec<Link> {
    let every = Link {
        label: t("admin.all").to_owned(),
        href: "/admin/publishers".to_owned(),
        count: None,
        current: chosen.is_none(),
    };
    let states = PublisherState::ALL.into_iter().map(|state| Link {
        label: word("publisher_state", state.as_str()).into_owned(),
        href: format!("/admin/publishers?state={}", state.as_str()),
        count: None,
        current: chosen == Some(state),
    });
    std::iter::once(every).chain(states).collect()
}

async fn render(
    web: &Web,
    visitor: &Visitor,
    state: Option<PublisherState>,
    again: Option<Again<'_>>,
) -> Result<Response, Problem> {
    let mut publishers = store::publishers::list(&web.app.reader, state).await?;
    // Those who wait come first.
    publishers.sort_by_key(|publisher| publisher.state != PublisherState::Pending);
    let mut cards = Vec::with_capacity(publishers.len());
    for publisher in publishers {
        cards.push(card(web, publisher, again.as_ref()).await?);
    }
    let status = if again.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let shown = PublishersPage {
        layout: visitor.layout("admin"),
        tabs: tabs("/admin/publishers"),
        filters: filters(state),
        cards,
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    params: Params,
) -> Result<Response, Problem> {
    operator(&visitor)?;
    render(&web, &visitor, params.get("state").parse().ok(), None).await
}

pub(super) async fn decide(
    State(web): State<Web>,
    places: Places,
    form: Form,
) -> Result<Response, Problem> {
    operator(&form.visitor)?;
    let id: PublisherId = places.text("publisher").parse().map_err(|_| hidden())?;
    let reason = form.text("reason");
    let decision = match form.get("decision") {
        "approve" if form.ticked("look_alike") => Decision::ApproveLookAlike {
            verified: form.ticked("verified"),
        },
        "approve" => Decision::Approve {
            verified: form.ticked("verified"),
        },
        "refuse" => Decision::Refuse(reason.clone()),
        "suspend" => Decision::Suspend(reason.clone()),
        _ => {
            return Err(Problem::bad_request(
                "`decision` is one of approve, refuse, suspend.",
            ));
        }
    };
    match decide_publisher(&web.app, &form.visitor.actor, &id, decision).await {
        Ok(()) => Ok(see_other(&format!("/admin/publishers#{id}"))),
        Err(Refused::Invalid(wrong)) => {
            let error = wrong.iter().map(sentence).collect::<Vec<_>>().join(" ");
            let again = Again {
                publisher: &id,
                error,
                reason,
            };
            render(&web, &form.visitor, None, Some(again)).await
        }
        Err(Refused::Conflict(error)) => {
            let again = Again {
                publisher: &id,
                error,
                reason,
            };
            render(&web, &form.visitor, None, Some(again)).await
        }
        Err(other) => Err(other.into()),
    }
}

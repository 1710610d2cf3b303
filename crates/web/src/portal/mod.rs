//! The partner portal: becoming a publisher, offers and their sections, submissions, members and leads.
//!
//! Who does not belong to a publisher gets the same answer for what is there and for what is not; a visitor is asked
//! to sign in first, whatever the address.

pub(crate) mod checks;
mod credentials;
mod draft;
mod export;
pub(crate) mod history;
mod index;
mod leads;
mod logos;
mod members;
mod new_offer;
mod overview;
mod plan_parts;
mod plans;
mod preview;
mod profile;
mod publisher;
mod section;
mod sections;
pub(crate) mod selling;
pub(crate) mod steps;
mod submission;
mod submit;
mod zip;

crate::routes::routes! {
    get "/publish" index::show;
    post "/publish" index::become_publisher;
    get "/publish/submissions/{id}" submission::show;
    get "/publish/submissions/{id}/runs/{run}/log" submission::run_log;
    post "/publish/submissions/{id}/go-live" submission::go_live;
    post "/publish/submissions/{id}/cancel" submission::cancel;
    post "/publish/submissions/{id}/preview-token" submission::preview_token;
    get "/publish/submissions/{id}/preview" preview::show;
    post "/publish/submissions/{id}/preview/manifest" preview::manifest;
    post "/publish/submissions/{id}/audience" preview::invite;
    post "/publish/submissions/{id}/audience/remove" preview::uninvite;
    get "/publish/{publisher}" publisher::show;
    get "/publish/{publisher}/members" members::show;
    post "/publish/{publisher}/members" members::put;
    post "/publish/{publisher}/members/remove" members::remove;
    post "/publish/{publisher}/members/transfer" members::transfer;
    get "/publish/{publisher}/profile" profile::show;
    post "/publish/{publisher}/profile" profile::save;
    get "/publish/{publisher}/leads" leads::show;
    get "/publish/{publisher}/leads.csv" leads::csv;
    get "/publish/{publisher}/offers/new" new_offer::show;
    post "/publish/{publisher}/offers/new" new_offer::create;
    get "/publish/{publisher}/{offer}" overview::show;
    get "/publish/{publisher}/{offer}/export" export::download;
    get "/publish/{publisher}/{offer}/logos" logos::show;
    post "/publish/{publisher}/{offer}/logos" logos::upload;
    get "/publish/{publisher}/{offer}/review" submit::show;
    post "/publish/{publisher}/{offer}/review" submit::submit;
    post "/publish/{publisher}/{offer}/stop" selling::stop;
    post "/publish/{publisher}/{offer}/resume" selling::resume;
    get "/publish/{publisher}/{offer}/plans" plans::show;
    post "/publish/{publisher}/{offer}/plans" plans::add;
    get "/publish/{publisher}/{offer}/plans/{plan}/{part}" section::show_plan;
    post "/publish/{publisher}/{offer}/plans/{plan}/{part}" section::save_plan;
    post "/publish/{publisher}/{offer}/plans/{plan}/remove" plans::remove;
    post "/publish/{publisher}/{offer}/plans/{plan}/credentials" credentials::put;
    post "/publish/{publisher}/{offer}/plans/{plan}/credentials/forget" credentials::forget;
    get "/publish/{publisher}/{offer}/{section}" section::show;
    post "/publish/{publisher}/{offer}/{section}" section::save;
}

use domain::ids::{OfferKey, PublisherId};
use domain::role::PublisherAction;
use store::publishers::Publisher;

use crate::params::Places;
use crate::pieces::Link;
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// The one answer for what is not there and for what may not be seen.
pub(crate) fn hidden() -> Problem {
    Problem::not_found("such thing")
}

/// The publisher in the address, if the visitor may do this there.
async fn publisher_for(
    web: &Web,
    visitor: &Visitor,
    places: &Places,
    action: PublisherAction,
) -> Result<Publisher, Problem> {
    visitor.account()?;
    let id: PublisherId = places.text("publisher").parse().map_err(|_| hidden())?;
    require(visitor, &id, action)?;
    store::publishers::find(&web.app.reader, &id)
        .await?
        .ok_or_else(hidden)
}

fn require(visitor: &Visitor, id: &PublisherId, action: PublisherAction) -> Result<(), Problem> {
    let refused = visitor.actor.require(id, action);
    refused.map_err(|refused| app::error::Refused::from(refused).into())
}

/// The offer's key in the address, if the visitor may do this with it.
fn key_for(
    visitor: &Visitor,
    places: &Places,
    action: PublisherAction,
) -> Result<OfferKey, Problem> {
    visitor.account()?;
    let publisher: PublisherId = places.text("publisher").parse().map_err(|_| hidden())?;
    require(visitor, &publisher, action)?;
    let offer = places.text("offer").parse().map_err(|_| hidden())?;
    Ok(OfferKey { publisher, offer })
}

/// `/publish/{publisher}/{offer}`.
pub(crate) fn offer_path(key: &OfferKey) -> String {
    format!("/publish/{}/{}", key.publisher, key.offer)
}

fn link(label: impl Into<String>, href: impl Into<String>) -> Link {
    Link {
        label: label.into(),
        href: href.into(),
        ..Link::default()
    }
}

/// Tabs of a publisher's pages; leads only for those who may read them.
fn publisher_tabs(visitor: &Visitor, id: &PublisherId, current: &str) -> Vec<Link> {
    use crate::messages::t;
    let may_read_leads = visitor
        .actor
        .require(id, PublisherAction::ReadLeads)
        .is_ok();
    [
        ("offers", t("portal.offers"), format!("/publish/{id}"), true),
        (
            "members",
            t("portal.members"),
            format!("/publish/{id}/members"),
            true,
        ),
        (
            "leads",
            t("portal.leads"),
            format!("/publish/{id}/leads"),
            may_read_leads,
        ),
    ]
    .into_iter()
    .chain([(
        "profile",
        t("portal.profile"),
        format!("/publish/{id}/profile"),
        true,
    )])
    .filter(|(_, _, _, shown)| *shown)
    .map(|(name, label, href, _)| Link {
        current: name == current,
        ..link(label, href)
    })
    .collect()
}

//! A signed-in person asks to become a publisher and accepts the marketplace terms; version and time are kept.
//! Refuses an id that is taken or reserved, terms not accepted, and another version than the present one.

use domain::actor::Actor;
use domain::ids::{PORTAL_WORDS, PublisherId, skeleton};
use domain::role::MemberRole;
use domain::violation::Violation;
use serde_json::json;
use store::members::Member;
use store::publishers::{Profile, Publisher, PublisherState};

use super::edit_profile::check_profile;
use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// What the person fills in.
#[derive(Clone, Debug, Default)]
pub struct BecomePublisher {
    /// The id wished for; never changes.
    pub id: String,
    /// Name on product pages, 1 to 80 characters.
    pub title: String,
    /// Who they are, at most 500 characters.
    pub summary: String,
    /// Their site; empty or http(s).
    pub website: String,
    /// Where the operator reaches them.
    pub contact_email: String,
    /// The version of the terms that was on the page.
    pub terms_version: String,
    /// The box was ticked.
    pub terms_accepted: bool,
}

/// Records the request; an operator approves it.
pub async fn become_publisher(
    app: &App,
    actor: &Actor,
    command: BecomePublisher,
) -> Result<PublisherId, Refused> {
    let account = actor.account()?;
    let wrong = check(app, &command);
    let id: PublisherId = match (command.id.parse(), wrong.is_empty()) {
        (Ok(id), true) => id,
        _ => return Err(Refused::Invalid(wrong)),
    };
    let now = app.clock.now();
    let skeleton = skeleton(id.as_str());
    let look_alikes = store::publishers::by_skeleton(&app.reader, &skeleton).await?;
    let row = Publisher {
        id: id.clone(),
        title: command.title.trim().to_owned(),
        summary: command.summary.trim().to_owned(),
        website: command.website.trim().to_owned(),
        support_email: String::new(),
        contact_email: command.contact_email.trim().to_owned(),
        state: PublisherState::Pending,
        reason: None,
        terms_version: Some(command.terms_version),
        terms_accepted_at: Some(now),
        terms_accepted_by: Some(account.id.clone()),
        skeleton,
        verified: false,
        created_by: account.id.clone(),
        created_at: now,
    };
    let member = Member {
        publisher: id.clone(),
        account_id: account.id.clone(),
        role: MemberRole::Owner,
        created_at: now,
    };
    let tx = app.writer.begin().await?;
    let locked = store::accounts::lock(&tx, &account.id).await?;
    if locked.is_none_or(|row| store::accounts::is_erased(&row)) {
        return Err(Refused::not_found("account", account.id.as_str()));
    }
    store::publishers::insert(&tx, &row).await?;
    store::members::put(&tx, &member).await?;
    let alike: Vec<String> = look_alikes.iter().map(|p| p.id.to_string()).collect();
    let data = json!({"terms_version": row.terms_version, "looks_like": alike});
    app.record(
        &tx,
        actor,
        (Subject::Publisher, id.as_str()),
        "publisher_requested",
        data,
    )
    .await?;
    tx.commit().await?;
    Ok(id)
}

fn check(app: &App, command: &BecomePublisher) -> Vec<Violation> {
    let mut wrong = Vec::new();
    if let Err(error) = domain::ids::check_id(&command.id) {
        wrong.push(Violation::error(
            "id",
            "1 to 50 lower-case letters and digits, joined by `-` or `_`",
            error.to_string(),
            "Choose a short id like your company's name; it can never be changed.",
        ));
    }
    if PORTAL_WORDS.contains(&command.id.as_str()) {
        wrong.push(Violation::error(
            "id",
            "an id that the portal's own addresses do not use",
            command.id.as_str(),
            "Choose another id.",
        ));
    }
    wrong.extend(check_profile(&Profile {
        title: command.title.clone(),
        summary: command.summary.clone(),
        website: command.website.clone(),
        support_email: String::new(),
        contact_email: command.contact_email.clone(),
    }));
    check_terms(app, command, &mut wrong);
    wrong
}

fn check_terms(app: &App, command: &BecomePublisher, wrong: &mut Vec<Violation>) {
    if !command.terms_accepted {
        wrong.push(Violation::error(
            "terms_accepted",
            "the marketplace terms accepted",
            "not ticked",
            "Read the terms and tick the box.",
        ));
    }
    if command.terms_version != app.settings.terms_version {
        let limit = format!("version {}, the present one", app.settings.terms_version);
        let found = format!(
            "version `{}`",
            command.terms_version.chars().take(20).collect::<String>()
        );
        wrong.push(Violation::error(
            "terms_version",
            limit,
            found,
            "The terms changed meanwhile: load the page again and read them.",
        ));
    }
}

//! Events as sentences: who did what, when. Used by offers, submissions and the operator's page.

use std::collections::BTreeMap;

use serde_json::Value;
use store::events::Event;

use crate::format::{ago, machine, moment};
use crate::messages::{t, t2, word};
use crate::problem::Problem;
use crate::state::Web;

/// One event, ready to be read.
pub(crate) struct Line {
    /// `2 Mar 2026, 14:05 UTC`
    pub(crate) at: String,
    /// For `<time datetime>`.
    pub(crate) machine: String,
    /// How long ago.
    pub(crate) ago: String,
    /// Who.
    pub(crate) by: String,
    /// What.
    pub(crate) what: String,
    /// To which thing.
    pub(crate) subject: String,
    /// What belongs to it, in one line.
    pub(crate) detail: String,
}

/// The names of accounts by id; the marketplace's own doings and visitors have words of their own.
pub(crate) async fn names(web: &Web, ids: Vec<&str>) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeMap::from([
        ("system".to_owned(), t("history.system").to_owned()),
        ("anonymous".to_owned(), t("history.visitor").to_owned()),
    ]);
    for id in ids {
        if !names.contains_key(id) {
            let account = store::accounts::find(&web.app.reader, id).await?;
            names.insert(
                id.to_owned(),
                account.map_or_else(|| id.to_owned(), |account| account.name),
            );
        }
    }
    Ok(names)
}

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The part of an event's data that people read.
fn detail(event: &Event) -> String {
    let data = &event.data;
    match event.kind.as_str() {
        "submission_moved" => {
            let moved = t2(
                "history.moved",
                word("lifecycle", text(data, "from")),
                word("lifecycle", text(data, "to")),
            );
            match text(data, "detail") {
                "" => moved,
                detail => format!("{moved}: {detail}"),
            }
        }
        "run_broke" | "run_recovered" => match text(data, "rules") {
            "" => text(data, "place").to_owned(),
            rules => format!("{}: {rules}", text(data, "place")),
        },
        "certified" => text(data, "summary").to_owned(),
        "rule_waived" => format!(
            "{}, {}: {}",
            text(data, "rule"),
            text(data, "place"),
            text(data, "reason")
        ),
        "publisher_decided" => match text(data, "reason") {
            "" => word("publisher_state", text(data, "state")).into_owned(),
            reason => format!("{}: {reason}", word("publisher_state", text(data, "state"))),
        },
        "member_put" => word("member_role", text(data, "role")).into_owned(),
        "token_created" => text(data, "name").to_owned(),
        "taken_down" | "takedown_lifted" => match text(data, "release") {
            "" => text(data, "reason").to_owned(),
            release => format!("{release}: {}", text(data, "reason")),
        },
        "stopped_selling" => text(data, "reason").to_owned(),
        "credentials_put" | "credentials_forgotten" | "lead" | "preview_token_created" => {
            text(data, "plan").to_owned()
        }
        _ => String::new(),
    }
}

/// What events are about, by its id, in words: a submission by its offer and number, an account by its address. Ids that
/// people gave themselves stand as they are.
async fn subjects(web: &Web, events: &[Event]) -> Result<BTreeMap<String, String>, Problem> {
    let reader = &web.app.reader;
    let mut subjects = BTreeMap::new();
    for event in events {
        if subjects.contains_key(&event.subject) {
            continue;
        }
        let named = match event.subject_kind.as_str() {
            "submission" => store::submissions::find(reader, &event.subject)
                .await?
                .map(|found| t2("history.submission", &found.key, found.number)),
            "account" => store::accounts::find(reader, &event.subject)
                .await?
                .map(|found| found.email),
            _ => None,
        };
        let named = named.unwrap_or_else(|| event.subject.clone());
        subjects.insert(event.subject.clone(), named);
    }
    Ok(subjects)
}

/// Events as lines, in the order given.
pub(crate) async fn lines(web: &Web, events: Vec<Event>) -> Result<Vec<Line>, Problem> {
    let now = web.app.clock.now();
    let names = names(
        web,
        events.iter().map(|event| event.actor.as_str()).collect(),
    )
    .await?;
    let subjects = subjects(web, &events).await?;
    let lines = events.into_iter().map(|event| Line {
        at: moment(event.at),
        machine: machine(event.at),
        ago: ago(event.at, now),
        by: names.get(&event.actor).cloned().unwrap_or_default(),
        what: word("event", &event.kind).into_owned(),
        detail: detail(&event),
        subject: subjects.get(&event.subject).cloned().unwrap_or_default(),
    });
    Ok(lines.collect())
}

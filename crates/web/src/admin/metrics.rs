//! `/metrics` in the text format of Prometheus, for operators: a scraper sends an access token with the scope `admin`.
//! What stands in the database is the same on every replica; requests, memory and the catalog are this process's own.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::lifecycle::State as Stage;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use store::publishers::PublisherState;

use super::operator;
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// One gauge with its lines: label and value.
fn gauge(out: &mut String, name: &str, help: &str, lines: &[(String, u64)]) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (label, value) in lines {
        let _ = writeln!(out, "{name}{label} {value}");
    }
}

fn state(word: &str) -> String {
    format!("{{state=\"{word}\"}}")
}

async fn text(web: &Web) -> Result<String, Problem> {
    let reader = &web.app.reader;
    let mut out = String::new();
    let up = u64::from(store::health(reader).await.is_ok());
    gauge(
        &mut out,
        "edgemart_database_up",
        "Whether the database answers.",
        &[(String::new(), up)],
    );
    let jobs = store::jobs::counts(reader).await?;
    let lines = [
        ("queued", jobs.queued),
        ("running", jobs.running),
        ("done", jobs.done),
        ("failed", jobs.failed),
    ];
    gauge(
        &mut out,
        "edgemart_jobs",
        "Background jobs by state.",
        &lines.map(|(word, value)| (state(word), value)),
    );
    let snapshot = web.app.catalog.snapshot();
    let listed = snapshot
        .modules
        .iter()
        .filter(|module| module.listed)
        .count() as u64;
    let all = snapshot.modules.len() as u64;
    let lines = [(state("live"), listed), (state("stopped"), all - listed)];
    gauge(
        &mut out,
        "edgemart_modules",
        "Modules that customers can get, by state.",
        &lines,
    );
    let version = u64::try_from(snapshot.version).unwrap_or_default();
    gauge(
        &mut out,
        "edgemart_catalog_version",
        "Version of the catalog that this process serves.",
        &[(String::new(), version)],
    );
    people(web, &mut out).await?;
    bytes(web, &mut out).await?;
    process(&mut out);
    web.traffic.write(&mut out);
    Ok(out)
}

/// What waits for people, and who publishes.
async fn people(web: &Web, out: &mut String) -> Result<(), Problem> {
    let reader = &web.app.reader;
    let mut lines = Vec::new();
    for each in PublisherState::ALL {
        let found = store::publishers::list(reader, Some(each)).await?;
        lines.push((state(each.as_str()), found.len() as u64));
    }
    gauge(out, "edgemart_publishers", "Publishers by state.", &lines);
    let mut lines = Vec::new();
    let open = [
        Stage::Submitted,
        Stage::Importing,
        Stage::Certifying,
        Stage::InReview,
        Stage::Preview,
        Stage::Publishing,
    ];
    let submissions = store::submissions::in_state(reader, &open).await?;
    for each in open {
        let found = submissions
            .iter()
            .filter(|submission| submission.state == each)
            .count() as u64;
        lines.push((state(each.as_str()), found));
    }
    gauge(
        out,
        "edgemart_submissions_open",
        "Submissions on their way, by state.",
        &lines,
    );
    Ok(())
}

/// What the registry holds, each blob counted once.
async fn bytes(web: &Web, out: &mut String) -> Result<(), Problem> {
    let held = store::registry::blob_totals(&web.app.reader).await?;
    gauge(
        out,
        "edgemart_blobs",
        "Blobs that a repository holds.",
        &[(String::new(), held.count)],
    );
    gauge(
        out,
        "edgemart_blob_bytes",
        "Bytes of these blobs.",
        &[(String::new(), held.bytes)],
    );
    Ok(())
}

/// Memory of this process, where the system tells.
fn process(out: &mut String) {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = told
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
    if let Some(kib) = kib {
        gauge(
            out,
            "edgemart_resident_memory_bytes",
            "Memory of this process that is in RAM.",
            &[(String::new(), kib * 1024)],
        );
    }
}

pub(super) async fn show(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    if visitor.account().is_err() {
        // A scraper is a program: it gets an answer that it understands, not the way to a form.
        let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"edgemart\"")];
        return Ok((
            StatusCode::UNAUTHORIZED,
            challenge,
            "An access token of an operator is needed.\n",
        )
            .into_response());
    }
    operator(&visitor)?;
    let headers = [
        (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text(&web).await?).into_response())
}

//! The operator edits the certification policy and the support matrix, as JSON. Refuses anyone else, text that does not
//! parse (with line and column), unknown rules, and a matrix that asks for nothing. Submissions on their way are judged
//! by what is in force when their rules run; reports carry the policy's version.

use std::collections::BTreeSet;

use certify::Policy;
use domain::actor::Actor;
use domain::matrix::{Demand, Matrix};
use serde_json::{Value, json};

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Largest policy or matrix, in bytes of JSON.
pub const SETTING_BYTES_MAX: usize = 64 * 1024;
/// Most platforms of a matrix.
pub const MATRIX_ROWS_MAX: usize = 50;
/// Longest name of a policy, in characters.
const VERSION_CHARS_MAX: usize = 40;

fn parse<T: serde::de::DeserializeOwned>(
    field: &str,
    what: &str,
    text: &str,
) -> Result<T, Refused> {
    if text.len() > SETTING_BYTES_MAX {
        let found = format!("{} bytes", text.len());
        return Err(Refused::invalid(
            field,
            "at most 64 KiB",
            found,
            "Shorten it.",
        ));
    }
    serde_json::from_str(text).map_err(|error| {
        Refused::invalid(
            field,
            what,
            error.to_string(),
            "Correct the place named and save again.",
        )
    })
}

/// Replaces the certification policy.
pub async fn put_policy(app: &App, actor: &Actor, text: &str) -> Result<(), Refused> {
    actor.require_operator()?;
    let policy: Policy = parse(
        "policy",
        "a policy: {\"version\", \"rules\": {CODE: {enabled, level, effective_from}}}",
        text,
    )?;
    let count = policy.version.trim().chars().count();
    if count == 0 || count > VERSION_CHARS_MAX {
        let found = format!("{count} characters");
        return Err(Refused::invalid(
            "policy",
            "a version of 1 to 40 characters",
            found,
            "Name this policy, such as 2026-11.",
        ));
    }
    put(app, actor, "policy", &policy).await
}

/// Replaces the support matrix.
pub async fn put_matrix(app: &App, actor: &Actor, text: &str) -> Result<(), Refused> {
    actor.require_operator()?;
    let matrix: Matrix = parse(
        "matrix",
        "a matrix: {\"platforms\": [{platform, demand, examples}], \"any_allowed\"}",
        text,
    )?;
    let rows = matrix.platforms.len();
    if matrix.with(Demand::Required).next().is_none() || rows > MATRIX_ROWS_MAX {
        let found = format!("{rows} platforms");
        return Err(Refused::invalid(
            "matrix",
            "1 to 50 platforms, at least one of them required",
            found,
            "Mark a platform as required.",
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some(row) = matrix
        .platforms
        .iter()
        .find(|row| !seen.insert(row.platform.to_string()))
    {
        let found = format!("{} twice", row.platform);
        return Err(Refused::invalid(
            "matrix",
            "each platform once",
            found,
            "Take one of the two out.",
        ));
    }
    put(app, actor, "matrix", &matrix).await
}

async fn put(
    app: &App,
    actor: &Actor,
    key: &str,
    value: &impl serde::Serialize,
) -> Result<(), Refused> {
    let value: Value = serde_json::to_value(value).map_err(|e| Refused::trouble(e.to_string()))?;
    let before = store::settings::get(&app.reader, key).await?;
    let tx = app.writer.begin().await?;
    store::settings::put(&tx, key, &value).await?;
    let data = json!({"before": before, "after": value});
    app.record(&tx, actor, (Subject::Marketplace, key), "setting_put", data)
        .await?;
    tx.commit().await?;
    Ok(())
}

//! The operator edits the certification policy and the support matrix, as JSON. Refuses anyone else, text that does not
//! parse (with line and column), unknown rules, and a matrix that asks for nothing. Submissions on their way are judged
//! by what is in force when their rules run; reports carry the policy's version.

use std::collections::BTreeSet;

use certify::Policy;
use domain::actor::Actor;
use domain::matrix::{Demand, Matrix};
use serde_json::{Value, json};
use store::Tx;

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

fn read_policy(text: &str) -> Result<Value, Refused> {
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
    value(&policy)
}

fn read_matrix(text: &str) -> Result<Value, Refused> {
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
    value(&matrix)
}

fn value(of: &impl serde::Serialize) -> Result<Value, Refused> {
    serde_json::to_value(of).map_err(|e| Refused::trouble(e.to_string()))
}

/// Replaces the certification policy.
pub async fn put_policy(app: &App, actor: &Actor, text: &str) -> Result<(), Refused> {
    actor.require_operator()?;
    let value = read_policy(text)?;
    let tx = app.writer.begin().await?;
    put(app, &tx, actor, "policy", value).await?;
    tx.commit().await?;
    Ok(())
}

/// Replaces the support matrix.
pub async fn put_matrix(app: &App, actor: &Actor, text: &str) -> Result<(), Refused> {
    actor.require_operator()?;
    let value = read_matrix(text)?;
    let tx = app.writer.begin().await?;
    put(app, &tx, actor, "matrix", value).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes parts of policy and matrix and leaves the rest, by a merge patch (RFC 7396) of `{"policy": …, "matrix": …}`;
/// `null` takes a rule's entry out. Both change or neither does, and of two operators at once none undoes the other.
pub async fn change_policy(app: &App, actor: &Actor, patch: &Value) -> Result<(), Refused> {
    actor.require_operator()?;
    let wrong = |found: String| {
        let limit = "an object with `policy`, `matrix` or both";
        Refused::invalid("policy", limit, found, "Name one of the two.")
    };
    let Some(parts) = patch.as_object().filter(|parts| !parts.is_empty()) else {
        return Err(wrong("no object, or an empty one".to_owned()));
    };
    let tx = app.writer.begin().await?;
    for (key, patch) in parts {
        let default = match key.as_str() {
            "policy" => value(&Policy::default())?,
            "matrix" => value(&Matrix::default())?,
            other => return Err(wrong(format!("`{other}`"))),
        };
        let held = store::settings::get_to_change(&tx, key).await?;
        let mut merged = held.unwrap_or(default);
        merge(&mut merged, patch);
        let text = merged.to_string();
        let checked = match key.as_str() {
            "policy" => read_policy(&text)?,
            _ => read_matrix(&text)?,
        };
        put(app, &tx, actor, key, checked).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// RFC 7396, section 2; nesting is bounded by whoever read the patch.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

async fn put(app: &App, tx: &Tx, actor: &Actor, key: &str, value: Value) -> Result<(), Refused> {
    let before = store::settings::get(tx, key).await?;
    store::settings::put(tx, key, &value).await?;
    let data = json!({"before": before, "after": value});
    app.record(tx, actor, (Subject::Marketplace, key), "setting_put", data)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_merge_as_the_rfc_says() {
        // From the table of RFC 7396, appendix A.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{target} {patch}");
        }
    }
}

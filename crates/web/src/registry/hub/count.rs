//! Pulls, filled into an answer for the repositories that it names: those of one page at most.

use app::App;
use serde_json::{Value, json};
use store::registry::pulls::by_repository;

/// The repository that an entry shows, if it shows one: under `namespace` and `name`, or as a search result.
fn repository(entry: &Value) -> Option<String> {
    entry.get("pull_count")?;
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    match (text("repo_name"), text("namespace"), text("name")) {
        (Some(name), _, _) => Some(name.to_owned()),
        (None, Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
        _ => None,
    }
}

/// Sets `pull_count` everywhere; answers the sum, which grows with each.
pub(super) async fn fill_in(app: &App, body: &mut Value) -> Result<i64, store::Error> {
    let entries = match body.get_mut("results").and_then(Value::as_array_mut) {
        Some(results) => results.iter_mut().collect(),
        None => vec![body],
    };
    let named: Vec<(String, &mut Value)> = entries
        .into_iter()
        .filter_map(|entry| Some((repository(entry)?, entry)))
        .collect();
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    let pulls = match names.as_slice() {
        // Tags have no counts: nobody is asked.
        [] => return Ok(0),
        names => by_repository(&app.reader, names).await?,
    };
    let mut sum = 0;
    for (name, entry) in named {
        let count = pulls.get(&name).copied().unwrap_or_default();
        sum += count;
        entry["pull_count"] = json!(count);
    }
    Ok(sum)
}

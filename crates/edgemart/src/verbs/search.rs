//! `edgemart search`: finds modules. Left out: ranking, which is the marketplace's.

use serde_json::Value;

use super::client::Client;
use super::context::Global;
use super::failure::{Failure, tell};
use super::output::{Table, items, joined, text};

/// Most modules asked for at once; more are fetched page by page.
const PAGE_MODULES_MAX: usize = 100;

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart search opc ua --platform linux/arm64 --price free")]
pub(crate) struct Search {
    /// Words to look for; one letter may be wrong, and beginnings of words count.
    words: Vec<String>,
    /// Only modules for this platform, such as linux/arm64; may be repeated, then any of them.
    #[arg(long)]
    platform: Vec<String>,
    /// Only this category, such as analytics; may be repeated.
    #[arg(long)]
    category: Vec<String>,
    /// Only this price model: free, byol or freemium; may be repeated.
    #[arg(long, value_parser = ["free", "byol", "freemium"])]
    price: Vec<String>,
    /// Only modules of this class of memory, measured or else declared: up to 32m, 128m, 512m, 2g (and above the class before),
    /// more, unknown; may be repeated.
    #[arg(long, value_parser = ["32m", "128m", "512m", "2g", "more", "unknown"])]
    memory: Vec<String>,
    /// Only this publisher; may be repeated.
    #[arg(long)]
    publisher: Vec<String>,
    /// Show what runs on this device first: a platform, or a name rpi-64, rpi-32 or pc.
    #[arg(long)]
    device: Option<String>,
    /// Order of the answer.
    #[arg(long, value_parser = ["relevance", "newest", "title"])]
    sort: Option<String>,
    /// Most modules to show.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl Search {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.client()?;
        let found = self.fetch(&client).await?;
        let shown = items(&found, "/items").len();
        if shown == 0 {
            tell(
                "No module matches. Use fewer words or fewer filters; `edgemart search` alone lists everything.",
            );
        }
        let fits = self.device.is_some();
        global.show(&found, || {
            if shown == 0 {
                String::new()
            } else {
                table(&found, fits)
            }
        })?;
        let total = found
            .get("total")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if total > shown as u64 && shown > 0 {
            tell(&format!("{shown} of {total} modules; --limit shows more."));
        }
        Ok(())
    }

    fn query(&self, page: usize, cursor: Option<&str>) -> Vec<(String, String)> {
        let mut query = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                query.push((name.to_owned(), value.to_owned()));
            }
        };
        add("q", &self.words.join(" "));
        for (name, values) in [
            ("platform", &self.platform),
            ("category", &self.category),
            ("price", &self.price),
            ("memory", &self.memory),
            ("publisher", &self.publisher),
        ] {
            for value in values {
                add(name, value);
            }
        }
        add("device", self.device.as_deref().unwrap_or_default());
        add("sort", self.sort.as_deref().unwrap_or_default());
        add("limit", &page.to_string());
        add("cursor", cursor.unwrap_or_default());
        query
    }

    /// The first page with the items of the following ones added until there are enough.
    async fn fetch(&self, client: &Client) -> Result<Value, Failure> {
        let limit = usize::from(self.limit);
        let mut whole = client
            .get(&["modules"], &self.query(limit.min(PAGE_MODULES_MAX), None))
            .await?
            .body;
        loop {
            let have = items(&whole, "/items").len();
            let next = text(&whole, "/next");
            if have >= limit || next.is_empty() {
                return Ok(whole);
            }
            let query = self.query((limit - have).min(PAGE_MODULES_MAX), Some(&next));
            let page = client.get(&["modules"], &query).await?.body;
            let more = items(&page, "/items").to_vec();
            if more.is_empty() {
                return Ok(whole);
            }
            if let Some(items) = whole.get_mut("items").and_then(Value::as_array_mut) {
                items.extend(more);
            }
            if let Some(whole) = whole.as_object_mut() {
                whole.insert("next".into(), page.get("next").cloned().unwrap_or_default());
            }
        }
    }
}

fn table(found: &Value, fits: bool) -> String {
    let mut headings = vec!["MODULE", "TITLE", "PRICE", "MEMORY", "PLATFORMS", "SUMMARY"];
    if fits {
        headings.insert(1, "FITS");
    }
    let mut table = Table::new(&headings);
    for item in items(found, "/items") {
        let mut cells = vec![
            text(item, "/id"),
            text(item, "/title"),
            joined(item, "/price_models", ", "),
            memory(item),
            joined(item, "/platforms", ", "),
            text(item, "/summary"),
        ];
        if fits {
            let word = match item.get("fits") {
                Some(Value::Bool(true)) => "yes",
                Some(Value::Bool(false)) => "no",
                _ => "",
            };
            cells.insert(1, word.to_owned());
        }
        table.row(cells);
    }
    table.text()
}

/// The most that was measured on any platform, else the declared limit.
fn memory(item: &Value) -> String {
    let mebibytes = |bytes: u64, word| format!("{} MiB {word}", bytes.div_ceil(1024 * 1024));
    let measured = item.get("memory_measured").and_then(Value::as_object);
    let measured = measured.and_then(|on| on.values().filter_map(Value::as_u64).max());
    let limit = item.get("memory_limit").and_then(Value::as_u64);
    let measured = measured.map(|bytes| mebibytes(bytes, "measured"));
    let told = measured.or_else(|| limit.map(|bytes| mebibytes(bytes, "declared")));
    told.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_says_what_one_chooses_by() {
        let item = |more: Value| {
            let mut item = json!({
                "id": "contoso.sensor", "title": "Sensor", "summary": "Reads.", "fits": false,
                "platforms": ["linux/amd64", "linux/arm64"], "price_models": ["free", "byol"],
                "memory_limit": 67_108_864,
            });
            item["memory_measured"] = more;
            table(&json!({"items": [item]}), true)
                .lines()
                .nth(1)
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            item(json!({"linux/amd64": 22_020_097, "linux/arm64": 9})),
            "contoso.sensor  no    Sensor  free, byol  22 MiB measured  linux/amd64, linux/arm64  Reads."
        );
        assert!(item(json!({})).contains("  64 MiB declared  "));
    }
}

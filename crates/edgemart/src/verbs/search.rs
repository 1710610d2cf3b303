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
    let mut headings = vec!["MODULE", "TITLE", "PRICE", "PLATFORMS", "SUMMARY"];
    if fits {
        headings.insert(1, "FITS");
    }
    let mut table = Table::new(&headings);
    for item in items(found, "/items") {
        let mut cells = vec![
            text(item, "/id"),
            text(item, "/title"),
            joined(item, "/price_models", ", "),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_says_what_one_chooses_by() {
        let found = json!({"items": [{
            "id": "contoso.sensor", "title": "Sensor", "summary": "Reads.", "fits": false,
            "platforms": ["linux/amd64", "linux/arm64"], "price_models": ["free", "byol"],
        }]});
        let told = table(&found, true);
        let row = told.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "contoso.sensor  no    Sensor  free, byol  linux/amd64, linux/arm64  Reads."
        );
    }
}

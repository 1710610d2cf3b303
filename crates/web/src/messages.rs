//! The words of the interface: every string a person reads on a page, by key.
//!
//! Strings live in `messages/en.toml`, embedded and parsed once; tables nest into dotted keys
//! (`[search] placeholder = …` is `search.placeholder`). Templates reach these functions as bare
//! calls through [`crate::view::View`]; Rust code calls them directly. A test reads every template
//! and source file of this crate and fails on a key that has no text, so [`t`] never has to guess.
//!
//! Left out: choosing a language for each reader. A second file gets its place in [`TEXTS`] then.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

const ENGLISH: &str = include_str!("../messages/en.toml");

static TEXTS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut texts = HashMap::new();
    // A file that does not parse is caught by this module's tests, long before anybody runs it.
    let table = ENGLISH.parse::<toml::Table>().unwrap_or_default();
    flatten("", &table, &mut texts);
    texts
});

fn flatten(prefix: &str, table: &toml::Table, texts: &mut HashMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, texts),
            toml::Value::String(text) => {
                texts.insert(key, text.clone());
            }
            _ => {}
        }
    }
}

fn lookup(key: &str) -> Option<&'static str> {
    TEXTS.get(key).map(String::as_str)
}

/// The text of `key`. A key without text comes back as itself, so that a page still says something.
#[must_use]
pub fn t(key: &'static str) -> &'static str {
    lookup(key).unwrap_or(key)
}

/// The text of `key` with `{0}` replaced.
#[must_use]
pub fn t1(key: &'static str, first: impl Display) -> String {
    fill(t(key), &[&first])
}

/// The text of `key` with `{0}` and `{1}` replaced.
#[must_use]
pub fn t2(key: &'static str, first: impl Display, second: impl Display) -> String {
    fill(t(key), &[&first, &second])
}

/// The text of `key` with `{0}`, `{1}` and `{2}` replaced.
#[must_use]
pub fn t3(
    key: &'static str,
    first: impl Display,
    second: impl Display,
    third: impl Display,
) -> String {
    fill(t(key), &[&first, &second, &third])
}

/// The text for a number of things: `{key}.one` for 1, `{key}.other` for all else, `{0}` being the
/// number with its thousands set apart.
#[must_use]
pub fn tn(key: &'static str, number: impl Display) -> String {
    let number = number.to_string();
    let form = if number == "1" { "one" } else { "other" };
    let shown = number
        .parse::<u64>()
        .map_or_else(|_| number.clone(), crate::format::count);
    lookup(&format!("{key}.{form}")).map_or_else(|| shown.clone(), |text| fill(text, &[&shown]))
}

/// The word for a `value` out of a closed set, from the table `key`: `word("check.state", "pass")`.
/// A value without a word is shown as it is.
#[must_use]
pub fn word<'a>(key: &'static str, value: &'a str) -> Cow<'a, str> {
    lookup(&format!("{key}.{value}")).map_or(Cow::Borrowed(value), Cow::Borrowed)
}

/// Replaces `{0}`, `{1}` … in one pass, so that a value holding `{1}` stays what it is.
fn fill(text: &str, values: &[&dyn Display]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let value = after
            .find('}')
            .and_then(|close| Some((close, values.get(after[..close].parse::<usize>().ok()?)?)));
        if let Some((close, value)) = value {
            filled.push_str(&value.to_string());
            rest = &after[close + 1..];
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_holds_only_texts() {
        let table: toml::Table = ENGLISH.parse().unwrap();
        fn only_texts(path: &str, table: &toml::Table) {
            for (name, value) in table {
                match value {
                    toml::Value::Table(inner) => only_texts(&format!("{path}{name}."), inner),
                    toml::Value::String(text) => {
                        assert!(!text.trim().is_empty(), "{path}{name} is empty");
                    }
                    other => panic!("{path}{name} is {}, not a text", other.type_str()),
                }
            }
        }
        only_texts("", &table);
    }

    #[test]
    fn values_fill_their_places_and_stay_inert() {
        assert_eq!(fill("{0} of {1}", &[&"{1}", &31]), "{1} of 31");
        assert_eq!(fill("{x} {9} {", &[&1]), "{x} {9} {");
    }

    #[test]
    fn numbers_choose_their_form() {
        assert_eq!(tn("search.count", 1), "1 module");
        assert_eq!(tn("search.count", 0), "0 modules");
        assert_eq!(tn("search.count", 12_345_u64), "12,345 modules");
    }

    #[test]
    fn a_closed_set_has_words_and_falls_back_to_the_value() {
        assert_eq!(word("state", "pass"), "Passed");
        assert_eq!(word("state", "unheard-of"), "unheard-of");
    }
}

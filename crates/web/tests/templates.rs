//! Reads the templates, the message file and the style sheet as texts and holds them to the house
//! rules: every key has a text, every text is used through a key, every asset exists, nothing is
//! inline, every pair of colours is legible in both themes, and a page stays light.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, also in its own functions"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use tower::ServiceExt;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(under: &Path, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

fn templates() -> Vec<(String, String)> {
    let found = files(&folder("templates"), "html");
    assert!(found.len() > 10, "templates were not found");
    // Comments hold examples.
    found
        .into_iter()
        .map(|(path, text)| (path, without(&text, "{#", "#}")))
        .collect()
}

/// `text` without what stands between any `open` and the next `close`; a space takes its place.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        kept.push_str(&rest[..start]);
        kept.push(' ');
        rest = rest[start..]
            .find(close)
            .map_or("", |end| &rest[start + end + close.len()..]);
    }
    kept + rest
}

/// Everything that comes as the first literal of a call `name("…"` in `text`.
fn first_literals(text: &str, name: &str) -> Vec<String> {
    let call = format!("{name}(\"");
    text.match_indices(&call)
        .filter(|(place, _)| {
            // `at("x")` is not a call of `t`.
            !text[..*place].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        })
        .filter_map(|(place, _)| {
            let rest = &text[place + call.len()..];
            rest.find('"').map(|end| rest[..end].to_owned())
        })
        .collect()
}

fn message_keys() -> BTreeSet<String> {
    fn collect(prefix: &str, table: &toml::Table, keys: &mut BTreeSet<String>) {
        for (name, value) in table {
            match value {
                toml::Value::Table(inner) => collect(&format!("{prefix}{name}."), inner, keys),
                _ => {
                    keys.insert(format!("{prefix}{name}"));
                }
            }
        }
    }
    let text = fs::read_to_string(folder("messages/en.toml")).unwrap();
    let mut keys = BTreeSet::new();
    collect("", &text.parse().unwrap(), &mut keys);
    keys
}

#[test]
fn every_key_that_is_asked_for_has_a_text() {
    let keys = message_keys();
    let mut texts = templates();
    // The functions' own file speaks of keys in its documentation and tests.
    texts.extend(
        files(&folder("src"), "rs")
            .into_iter()
            .filter(|(path, _)| !path.ends_with("messages.rs") && !path.ends_with("view.rs")),
    );
    let mut missing = Vec::new();
    let mut asked = 0;
    for (path, text) in &texts {
        for call in ["t", "t1", "t2", "t3"] {
            for key in first_literals(text, call) {
                asked += 1;
                if !keys.contains(&key) {
                    missing.push(format!("{path}: {call}(\"{key}\")"));
                }
            }
        }
        for key in first_literals(text, "tn") {
            asked += 1;
            for form in ["one", "other"] {
                if !keys.contains(&format!("{key}.{form}")) {
                    missing.push(format!("{path}: tn(\"{key}\") without .{form}"));
                }
            }
        }
        for table in first_literals(text, "word") {
            asked += 1;
            if !keys.iter().any(|key| key.starts_with(&format!("{table}."))) {
                missing.push(format!("{path}: word(\"{table}\")"));
            }
        }
    }
    assert!(asked > 50, "the scan saw only {asked} calls");
    assert!(
        missing.is_empty(),
        "add these to messages/en.toml:\n{}",
        missing.join("\n")
    );
}

/// What a browser would show of a template's own text: no askama code, no tags.
fn visible(text: &str) -> String {
    let text = without(text, "{%", "%}");
    let text = without(&text, "{{", "}}");
    without(&text, "<", ">")
}

#[test]
fn words_live_in_the_message_file_and_not_in_templates() {
    let mut found = Vec::new();
    for (path, text) in templates() {
        // The style guide's sample content stands for what the store would give.
        if path.contains("styleguide") {
            continue;
        }
        for word in visible(&text).split_whitespace() {
            // A macro may write attributes of its caller's tag: `aria-invalid="true"`, `-help`.
            let markup = word.contains('=') || word.starts_with(['-', '&']);
            if !markup && word.chars().filter(|letter| letter.is_alphabetic()).count() > 1 {
                found.push(format!("{path}: {word}"));
            }
        }
        for attribute in ["aria-label", "placeholder", "title", "alt"] {
            for (place, start) in text.match_indices(&format!(" {attribute}=\"")) {
                let value = &text[place + start.len()..];
                if value.starts_with(|first: char| first.is_alphabetic()) {
                    let end = value.find('"').unwrap_or(value.len());
                    found.push(format!("{path}: {attribute}={}", &value[..end]));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "move these to messages/en.toml:\n{}",
        found.join("\n")
    );
}

#[test]
fn nothing_is_inline_and_every_asset_exists() {
    let mut found = Vec::new();
    for (path, text) in templates() {
        for forbidden in [
            " style=\"",
            "<style",
            " onclick=",
            " onchange=",
            "javascript:",
        ] {
            if text.contains(forbidden) {
                found.push(format!("{path}: {forbidden} is refused by the policy"));
            }
        }
        for name in first_literals(&text, "asset") {
            if web::static_files::asset(&name).ends_with("/unknown") {
                found.push(format!("{path}: asset(\"{name}\") is not embedded"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_icon_that_is_shown_is_in_the_sprite() {
    let sprite = fs::read_to_string(folder("templates/icons.html")).unwrap();
    let mut missing = Vec::new();
    for (path, text) in templates() {
        for name in first_literals(&text, "icon") {
            if !sprite.contains(&format!("<symbol id=\"i-{name}\"")) {
                missing.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Relative luminance of `#rrggbb`, WCAG 2.2.
fn luminance(colour: &str) -> f64 {
    let channel = |place: usize| {
        let value = f64::from(u8::from_str_radix(&colour[place..place + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(first: &str, second: &str) -> f64 {
    let (a, b) = (luminance(first), luminance(second));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The colour tokens: name → (light, dark).
fn colours() -> BTreeMap<String, [String; 2]> {
    let css = fs::read_to_string(folder("static/edgemart.css")).unwrap();
    css.lines()
        .filter_map(|line| {
            let (name, value) = line
                .trim()
                .strip_prefix("--")?
                .split_once(": light-dark(")?;
            let (light, dark) = value.split_once(')')?.0.split_once(", ")?;
            Some((name.to_owned(), [light.to_owned(), dark.to_owned()]))
        })
        .collect()
}

#[test]
fn every_pair_of_colours_is_legible_in_both_themes() {
    let colours = colours();
    let mut pairs = vec![
        ("on-accent", "accent-fill", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("accent-strong", "accent-soft", 4.5),
        // Edges of controls are not text: 3 to 1.
        ("n6", "n0", 3.0),
        ("n6", "n1", 3.0),
    ];
    for ground in ["n0", "n1", "n2"] {
        pairs.extend(["n9", "n10"].map(|text| (text, ground, 7.0)));
        pairs.extend(
            ["n7", "n8", "accent", "pass", "warn", "fail", "info"].map(|text| (text, ground, 4.5)),
        );
    }
    for (signal, soft) in [
        ("pass", "pass-soft"),
        ("warn", "warn-soft"),
        ("fail", "fail-soft"),
        ("info", "info-soft"),
    ] {
        pairs.extend([(signal, soft, 4.5), ("n9", soft, 7.0), ("n10", soft, 7.0)]);
    }
    let mut low = Vec::new();
    for (text, ground, least) in pairs {
        for (theme, name) in ["light", "dark"].iter().enumerate() {
            let found = contrast(&colours[text][theme], &colours[ground][theme]);
            if found < least {
                low.push(format!(
                    "{name}: {text} on {ground} {found:.2}, needs {least}"
                ));
            }
        }
    }
    assert!(low.is_empty(), "{}", low.join("\n"));
}

#[test]
fn colours_are_named_once_and_used_by_name() {
    let css = fs::read_to_string(folder("static/edgemart.css")).unwrap();
    let body = css.split("/* ---- Ground ---- */").nth(1).unwrap();
    let stray: Vec<&str> = body
        .lines()
        .filter(|line| line.contains("light-dark(") || line.contains("rgb("))
        .collect();
    assert!(stray.is_empty(), "{}", stray.join("\n"));
    let mut unknown = BTreeSet::new();
    for (place, _) in css.match_indices("var(--") {
        let name: String = css[place + 6..]
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
            .collect();
        if !css.contains(&format!("--{name}:")) {
            unknown.insert(name);
        }
    }
    assert!(unknown.is_empty(), "undefined tokens: {unknown:?}");
}

/// What one page may bring over the line, compressed: HTML, style sheet and scripts.
const PAGE_BYTES_MAX: usize = 60_000;

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

#[tokio::test]
async fn a_page_with_everything_it_loads_stays_light() {
    let files: usize = ["edgemart.css", "edgemart.js", "htmx.min.js"]
        .map(|name| compressed(&fs::read(folder("static").join(name)).unwrap()))
        .iter()
        .sum();
    for address in [
        "/styleguide",
        "/styleguide/search",
        "/styleguide/product",
        "/styleguide/submission",
    ] {
        let request = Request::get(address).body(Body::empty()).unwrap();
        let answer = web::styleguide::router().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{address}");
        let html = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let found = files + compressed(&html);
        assert!(
            found <= PAGE_BYTES_MAX,
            "{address}: {found} bytes compressed, at most {PAGE_BYTES_MAX}"
        );
    }
}

//! Descriptions: HTML cut down to the subset that the storefront shows (domain facts §2.8).
//! Everything else goes: scripts with their content, attributes, links, pictures.

use std::collections::HashSet;

/// The allowed elements; no attribute is allowed on any of them.
pub const ELEMENTS: &[&str] = &[
    "b", "i", "em", "strong", "u", "br", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6",
];

/// Times that a text is cleaned until it stays as it is; beyond that only its words are kept.
const ROUNDS_MAX: usize = 8;

/// Cleans a description. Idempotent: cleaning a clean text changes nothing.
///
/// Once is not enough for that: where elements are nested wrongly, what a reader of HTML makes of them, written down, may
/// be read as something else again.
pub fn clean(html: &str) -> String {
    let mut text = clean_once(html);
    for _ in 0..ROUNDS_MAX {
        let again = clean_once(&text);
        if again == text {
            return text;
        }
        text = again;
    }
    clean_once(&ammonia::clean_text(&plain_text(&text)))
}

fn clean_once(html: &str) -> String {
    ammonia::Builder::empty()
        .tags(ELEMENTS.iter().copied().collect())
        .clean_content_tags(HashSet::from([
            "script", "style", "template", "iframe", "object", "svg", "math", "textarea", "title",
        ]))
        .clean(html)
        .to_string()
}

/// Elements that a description uses although they are not allowed, each once, in order of appearance.
pub fn refused_elements(html: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in html.split('<').skip(1) {
        let name: String = piece
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let starts_like_an_element = name.starts_with(|c: char| c.is_ascii_lowercase());
        if starts_like_an_element && !ELEMENTS.contains(&name.as_str()) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The text of a cleaned description without any markup, for search and for length.
pub fn plain_text(clean_html: &str) -> String {
    let mut text = String::with_capacity(clean_html.len());
    let mut inside = false;
    for c in clean_html.chars() {
        match c {
            '<' => {
                inside = true;
                text.push(' ');
            }
            '>' if inside => inside = false,
            other if !inside => text.push(other),
            _ => {}
        }
    }
    let unescaped = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    unescaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The plain text of the last `<p>` of a cleaned description: by convention the minimum hardware.
pub fn last_paragraph(clean_html: &str) -> Option<String> {
    let start = clean_html.rfind("<p>")?;
    let paragraph = &clean_html[start + 3..];
    let end = paragraph.find("</p>")?;
    Some(plain_text(&paragraph[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_handlers_do_not_survive() {
        let hostile = r#"<p onclick="x()">Hi<script>alert(1)</script><img src=x onerror=y> <a href="javascript:z">link</a></p><svg><p>q</p></svg>"#;
        let cleaned = clean(hostile);
        for word in [
            "onclick", "script", "alert", "img", "onerror", "href", "svg",
        ] {
            assert!(!cleaned.contains(word), "{word} in {cleaned}");
        }
        assert!(cleaned.starts_with("<p>Hi"), "{cleaned}");
        assert_eq!(clean(&cleaned), cleaned);
        assert_eq!(refused_elements(hostile), ["script", "img", "a", "svg"]);
    }

    /// Found by fuzzing.
    #[test]
    fn wrongly_nested_elements_settle() {
        let nested =
            "<h1>e<sS<p oncly#rno/h0><p>Reads <b>t<h1>e<sS<p oncly#rno/h0><p>empercatures</b?.k";
        let cleaned = clean(nested);
        assert_ne!(clean_once(&clean_once(nested)), clean_once(nested));
        assert_eq!(clean(&cleaned), cleaned);
        for word in ["Reads", "empercatures"] {
            assert!(plain_text(&cleaned).contains(word), "{cleaned}");
        }
        let deep = "<b><h1><p>".repeat(40);
        assert_eq!(clean(&clean(&deep)), clean(&deep));
    }

    #[test]
    fn the_last_paragraph_is_found() {
        let text = clean(
            "<h1>A</h1><p>b</p><p><u>Minimum hardware requirements:</u> Linux &amp; 64 MB</p>",
        );
        assert_eq!(
            last_paragraph(&text).as_deref(),
            Some("Minimum hardware requirements: Linux & 64 MB")
        );
        assert_eq!(last_paragraph("<h1>no paragraph</h1>"), None);
    }
}

//! `Warning: 299 - "…"`: the one way the distribution specification gives a registry to tell people something beside the
//! answer ("Warnings"). Clients show it; none may act on it.

use axum::http::header::{HeaderMap, HeaderValue, WARNING};

use super::answer::value;

/// Bytes of warnings in one answer, as the specification limits them.
const WARNING_BYTES_MAX: usize = 4_096;

/// Adds a warning, unless the answer is full of them. What a header cannot carry is left out of the text.
pub(super) fn warn(headers: &mut HeaderMap, text: &str) {
    let taken: usize = headers.get_all(WARNING).iter().map(HeaderValue::len).sum();
    let mut quoted = String::from("299 - \"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    if taken + quoted.len() <= WARNING_BYTES_MAX {
        headers.append(WARNING, value(&quoted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_and_bounded() {
        let mut headers = HeaderMap::new();
        warn(&mut headers, "a \"b\" \\ ü\n");
        assert_eq!(headers[WARNING], "299 - \"a \\\"b\\\" \\\\ ??\"");
        for _ in 0..3 {
            warn(&mut headers, &"x".repeat(2_000));
        }
        let lengths: Vec<usize> = headers
            .get_all(WARNING)
            .iter()
            .map(HeaderValue::len)
            .collect();
        assert_eq!(
            lengths.len(),
            3,
            "the third long one would be too much: {lengths:?}"
        );
    }
}

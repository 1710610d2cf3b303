//! Shortens and escapes outside text so that it can be quoted in an error message. Not for text shown in full.

/// The most characters of outside text that an error message repeats.
const EXCERPT_CHARS_MAX: usize = 80;

/// Quotable form of `text`: control characters escaped, cut at [`EXCERPT_CHARS_MAX`] with an ellipsis.
pub(crate) fn excerpt(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().min(EXCERPT_CHARS_MAX) + 3);
    for (index, character) in text.chars().enumerate() {
        if index == EXCERPT_CHARS_MAX {
            quoted.push('…');
            break;
        }
        if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_and_control_characters_are_escaped() {
        assert_eq!(excerpt("a\0b\n"), "a\\u{0}b\\n");
        let cut = excerpt(&"é".repeat(500));
        assert_eq!(cut.chars().count(), EXCERPT_CHARS_MAX + 1);
        assert!(cut.ends_with('…'));
    }
}

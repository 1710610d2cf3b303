//! The words of a route, cut the way edgeHub's published lexer cuts them: the longest match wins, and of equal
//! ones the rule written first (edge-runtime fact sheet §1.8).
//!
//! That lexer is odder than routes look: a name may hold `+`, `|`, `!` or `'`, so `a+b` is one name; `[` and `]`
//! make a name unusable unless it begins with `$`; `/*` opens a comment if a `*/` follows; `e5` is a number.

use std::ops::Range;

/// What a token is. Keywords are case-insensitive, `true false null undefined` are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    From,
    Where,
    Into,
    And,
    Or,
    Not,
    /// `true`, `false`, `null`, `undefined`, or a number.
    Literal,
    /// A quoted string.
    Text,
    /// A quote without its partner, or with an escape that is none.
    OpenText,
    /// `$name` or `$body.path[0]`.
    System,
    Name,
    Slash,
    Star,
    Percent,
    Plus,
    Minus,
    Concat,
    Coalesce,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    Comma,
    /// Anything no rule knows.
    Unknown,
    End,
}

/// A token and the bytes it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// All tokens of a text, blanks and comments skipped, closed by [`Kind::End`].
pub(super) fn cut(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            at += 1;
            continue;
        }
        if let Some(length) = comment(rest) {
            at += length;
            continue;
        }
        let (kind, length) = longest(rest, first);
        tokens.push(Token {
            kind,
            span: at..at + length,
        });
        at += length;
    }
    tokens.push(Token {
        kind: Kind::End,
        span: text.len()..text.len(),
    });
    tokens
}

/// `/* … */`, only when it is closed: an unclosed `/*` is a slash and a star, as in `FROM /* INTO $upstream`.
fn comment(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("/*")?;
    Some(2 + body.find("*/")? + 2)
}

fn longest(rest: &str, first: char) -> (Kind, usize) {
    let mut best = symbol(rest).unwrap_or((Kind::Unknown, first.len_utf8()));
    // Written before the names in the grammar, so these win at equal length.
    if matches!(first, '"' | '\'') {
        best = quoted(rest, first);
    }
    if let Some((kind, length)) = word(rest)
        && (length > best.1 || best.0 == Kind::Unknown)
    {
        best = (kind, length);
    }
    best
}

fn symbol(rest: &str) -> Option<(Kind, usize)> {
    const SYMBOLS: [(&str, Kind); 20] = [
        ("!=", Kind::NotEqual),
        ("<>", Kind::NotEqual),
        ("<=", Kind::LessEqual),
        (">=", Kind::GreaterEqual),
        ("||", Kind::Concat),
        ("??", Kind::Coalesce),
        ("(", Kind::OpenParen),
        (")", Kind::CloseParen),
        ("{", Kind::OpenBrace),
        ("}", Kind::CloseBrace),
        (",", Kind::Comma),
        ("+", Kind::Plus),
        ("-", Kind::Minus),
        ("*", Kind::Star),
        ("/", Kind::Slash),
        ("%", Kind::Percent),
        ("=", Kind::Equal),
        ("<", Kind::Less),
        (">", Kind::Greater),
        ("\\", Kind::Unknown),
    ];
    SYMBOLS
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, kind)| (*kind, text.len()))
}

/// A string up to its closing quote; escapes are `\"`, `\'`, `\\` and `\u` with four hex digits.
fn quoted(rest: &str, quote: char) -> (Kind, usize) {
    let mut at = 1;
    while let Some(next) = rest[at..].chars().next() {
        if next == quote {
            return (Kind::Text, at + 1);
        }
        if next == '\\' {
            match escape(&rest[at..]) {
                Some(length) => at += length,
                None => break,
            }
        } else {
            at += next.len_utf8();
        }
    }
    (Kind::OpenText, at)
}

fn escape(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    match bytes.get(1)? {
        b'"' | b'\'' | b'\\' => Some(2),
        b'u' if bytes.len() >= 6 && bytes[2..6].iter().all(u8::is_ascii_hexdigit) => Some(6),
        _ => None,
    }
}

/// Whether a character may stand in a path segment, and so in a module name of a route.
pub(super) fn is_name_char(c: char) -> bool {
    is_query_char(c) && !matches!(c, '[' | ']')
}

fn is_query_char(c: char) -> bool {
    !"()<>@,;:\\\"/?={} \t\n\r".contains(c)
}

fn word(rest: &str) -> Option<(Kind, usize)> {
    let run = |legal: fn(char) -> bool| rest.find(|c| !legal(c)).unwrap_or(rest.len());
    let (long, short) = (run(is_query_char), run(is_name_char));
    if long == 0 {
        return None;
    }
    let text = &rest[..long];
    if long > short {
        // Brackets: a system property, or a path the grammar has a token but no use for.
        let kind = if text.len() > 1 && text.starts_with('$') {
            Kind::System
        } else {
            Kind::Unknown
        };
        return Some((kind, long));
    }
    Some((name_kind(text), long))
}

fn name_kind(text: &str) -> Kind {
    const KEYWORDS: [(&str, Kind); 7] = [
        ("select", Kind::Select),
        ("from", Kind::From),
        ("where", Kind::Where),
        ("into", Kind::Into),
        ("and", Kind::And),
        ("or", Kind::Or),
        ("not", Kind::Not),
    ];
    let keyword = KEYWORDS
        .iter()
        .find(|(word, _)| text.eq_ignore_ascii_case(word));
    if let Some((_, kind)) = keyword {
        return *kind;
    }
    if matches!(text, "true" | "false" | "null" | "undefined") || is_number(text) {
        Kind::Literal
    } else if text.len() > 1 && text.starts_with('$') {
        Kind::System
    } else {
        Kind::Name
    }
}

/// Integers, `0x` integers and reals, where a real may lack its whole part, even before an exponent.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let body = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    if let Some(exponent) = exponent
        && !digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
    {
        return false;
    }
    match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || digits(whole)) && digits(fraction),
        None => digits(mantissa) || (mantissa.is_empty() && exponent.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = cut(text).into_iter().map(|token| token.kind).collect();
        assert_eq!(kinds.pop(), Some(Kind::End));
        kinds
    }

    #[test]
    fn the_longest_word_wins() {
        assert_eq!(kinds("fromage"), [Kind::Name]);
        assert_eq!(kinds("FROM"), [Kind::From]);
        assert_eq!(kinds("a+b"), [Kind::Name]);
        assert_eq!(kinds("a + b"), [Kind::Name, Kind::Plus, Kind::Name]);
        assert_eq!(kinds("x*"), [Kind::Name]);
        assert_eq!(
            kinds("x>=2"),
            [Kind::Name, Kind::GreaterEqual, Kind::Literal]
        );
        assert_eq!(kinds("x!=2"), [Kind::Name, Kind::Equal, Kind::Literal]);
        assert_eq!(kinds("x != 2"), [Kind::Name, Kind::NotEqual, Kind::Literal]);
    }

    #[test]
    fn numbers_have_their_own_ideas() {
        for number in ["0", "-5", "0xfF", "1.5", ".5", "-1.5e-3", "e5", "2E+7"] {
            assert_eq!(kinds(number), [Kind::Literal], "{number}");
        }
        for name in ["5a", "1.", "-", "0x", "e", "1e", "--1", "."] {
            assert_ne!(kinds(name), [Kind::Literal], "{name}");
        }
    }

    #[test]
    fn quotes_escape_and_stay_open() {
        assert_eq!(kinds(r#""a\"b""#), [Kind::Text]);
        assert_eq!(kinds(r#"'a "b" c'"#), [Kind::Text]);
        assert_eq!(kinds("'abc'def"), [Kind::Name]);
        assert_eq!(kinds("\"abc"), [Kind::OpenText]);
        assert_eq!(kinds(r#""a\q""#)[0], Kind::OpenText);
    }

    #[test]
    fn system_properties_may_hold_brackets_and_names_may_not() {
        assert_eq!(kinds("$body.a[0].b"), [Kind::System]);
        assert_eq!(kinds("body[0]"), [Kind::Unknown]);
        assert_eq!(kinds("$"), [Kind::Name]);
    }

    #[test]
    fn only_a_closed_comment_is_one() {
        assert_eq!(kinds("/*"), [Kind::Slash, Kind::Star]);
        assert_eq!(kinds("/* x */ a"), [Kind::Name]);
        assert_eq!(kinds("/*/"), [Kind::Slash, Kind::Star, Kind::Slash]);
    }
}

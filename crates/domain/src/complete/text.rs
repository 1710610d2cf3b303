//! The checks that many fields share: length, line breaks, control characters, addresses, mail, telephone.
//! Each adds at most one violation, so that a field is not scolded twice for one fault.

use serde_json::Value;
use url::Url;

use crate::offer::Offer;
use crate::violation::Violation;

/// Longest address, in bytes.
pub(super) const URL_BYTES_MAX: usize = 2_048;
/// Longest mail address, in bytes (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
/// Longest telephone number, in characters, with its punctuation.
const PHONE_CHARS_MAX: usize = 40;
/// How much of a wrong value a violation repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// The value, short enough to read.
pub(super) fn shown(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < text.len() {
        format!("{short:?}…")
    } else {
        format!("{short:?}")
    }
}

/// Present and at most `limit_chars` long. Says whether it is.
pub(super) fn required(
    field: &str,
    text: &str,
    limit_chars: usize,
    found: &mut Vec<Violation>,
) -> bool {
    if text.trim().is_empty() {
        found.push(Violation::error(
            field,
            format!("required, at most {limit_chars} characters"),
            "nothing",
            "fill it in",
        ));
        return false;
    }
    within(field, text, limit_chars, found)
}

/// At most `limit_chars` long. Says whether it is.
pub(super) fn within(
    field: &str,
    text: &str,
    limit_chars: usize,
    found: &mut Vec<Violation>,
) -> bool {
    let count = text.chars().count();
    if count > limit_chars {
        found.push(Violation::error(
            field,
            format!("at most {limit_chars} characters"),
            format!("{count} characters"),
            format!("shorten it by {}", count - limit_chars),
        ));
    }
    count <= limit_chars
}

/// No emoji.
pub(super) fn no_emoji(field: &str, text: &str, found: &mut Vec<Violation>) {
    if let Some(emoji) = text.chars().find(|c| is_emoji(*c)) {
        found.push(Violation::error(
            field,
            "no emoji",
            format!("U+{:04X} in {}", u32::from(emoji), shown(text)),
            "take the emoji out; ™ and ® are allowed",
        ));
    }
}

/// Pictographs, and what joins or colours them. Letters, ™, ® and ordinary symbols are none.
fn is_emoji(c: char) -> bool {
    matches!(
        u32::from(c),
        0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B05..=0x2B07 | 0x2B1B..=0x2B1C | 0x2B50 | 0x2B55
            | 0x231A..=0x231B | 0x23E9..=0x23FA | 0xFE0F | 0x20E3 | 0xE0020..=0xE007F
    )
}

/// An `http://` or `https://` address with a host and without credentials; `required` also refuses an empty one.
pub(super) fn link(field: &str, text: &str, required: bool, found: &mut Vec<Violation>) {
    if text.is_empty() && !required {
        return;
    }
    let limit = format!(
        "{}an address that begins with http:// or https://, at most {URL_BYTES_MAX} bytes",
        if required { "required: " } else { "" }
    );
    let fix = match judge_link(text) {
        Ok(()) => return,
        Err(fix) => fix,
    };
    found.push(Violation::error(field, limit, shown(text), fix));
}

fn judge_link(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("give the address of a public page");
    }
    if text.len() > URL_BYTES_MAX {
        return Err("use a shorter address");
    }
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        return Err("write it in full, beginning with https://");
    }
    let clean =
        !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"\\".contains(c));
    // Browsers read `https:///x` as the host x; nobody means that.
    let after_scheme = lower.split_once("://").map(|(_, rest)| rest);
    if after_scheme.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Err("name the host");
    }
    let url = Url::parse(text).ok().filter(|_| clean);
    match url {
        None => Err("correct it: it is not a complete address"),
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("take the user name and password out of it")
        }
        Some(_) => Ok(()),
    }
}

/// A mail address: `name@host.domain`, without display name or quoting.
pub(super) fn email(field: &str, text: &str, found: &mut Vec<Violation>) {
    if !is_email(text) {
        found.push(Violation::error(
            field,
            "required: a mail address such as support@contoso.example",
            shown(text),
            "give one plain mail address",
        ));
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else {
        return false;
    };
    let name_ok = (1..=64).contains(&name.len())
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= EMAIL_BYTES_MAX && name_ok && host.contains('.') && host.split('.').all(label_ok)
}

/// A telephone number in any of the usual spellings.
pub(super) fn phone(field: &str, text: &str, found: &mut Vec<Violation>) {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let usual = |c: char| c.is_ascii_digit() || " +-()./#*extEXT".contains(c);
    if !(3..=20).contains(&digits)
        || text.chars().count() > PHONE_CHARS_MAX
        || !text.chars().all(usual)
    {
        found.push(Violation::error(
            field,
            format!(
                "required: a telephone number, 3 to 20 digits, at most {PHONE_CHARS_MAX} characters"
            ),
            shown(text),
            "give it with the country code, such as +1 425 555 0100",
        ));
    }
}

/// The fields that may have more than one line; every other text is one line.
const MANY_LINES: &[&str] = &[
    "listing.description",
    "listing.short_description",
    "properties.terms.text",
    "certification_notes",
    ".description",
    ".release_notes",
    ".price.licence_instructions",
    ".price.restrictions",
    ".defaults.create_options",
];

/// No control characters anywhere, no line breaks in texts of one line, and nothing that turns the direction of
/// reading around, which can make a text show as another than it is.
pub(super) fn check_characters(offer: &Offer, found: &mut Vec<Violation>) {
    let Ok(mut tree) = serde_json::to_value(offer) else {
        // Every field of an offer is plain data with text keys, which always has a JSON form.
        return;
    };
    let plans = tree.get_mut("plans").map(Value::take);
    each_text(&tree, "", &mut |field, text| check_text(field, text, found));
    for (plan, tree) in offer
        .plans
        .iter()
        .zip(plans.iter().flat_map(Value::as_array).flatten())
    {
        let place = format!("plans.{}", plan.plan);
        each_text(tree, &place, &mut |field, text| {
            check_text(field, text, found);
        });
    }
}

fn each_text(value: &Value, field: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(field, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &format!("{field}[{index}]"), visit);
            }
        }
        Value::Object(members) => {
            for (key, item) in members {
                let dot = if field.is_empty() { "" } else { "." };
                visit(field, key);
                each_text(item, &format!("{field}{dot}{key}"), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_text(field: &str, text: &str, found: &mut Vec<Violation>) {
    // Values of twins and environment variables may be any text that JSON can hold, but for NUL.
    let free = field.contains(".defaults.");
    let many_lines = free || MANY_LINES.iter().any(|end| field.ends_with(end));
    let refused = |c: char| match c {
        '\0' => true,
        '\n' | '\r' | '\t' => !many_lines,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control() && !free,
    };
    let Some(c) = text.chars().find(|c| refused(*c)) else {
        return;
    };
    let (limit, fix) = match c {
        '\n' | '\r' | '\t' => ("one line", "write it on one line"),
        _ => ("no control characters", "take the character out"),
    };
    found.push(Violation::error(
        field,
        limit,
        format!("U+{:04X}", u32::from(c)),
        fix,
    ));
}

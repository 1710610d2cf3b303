//! How numbers, sizes and moments are written on pages: one hand for all of them.
//!
//! Left out: other languages' ways of writing numbers; they come with the second message file.

use jiff::Timestamp;

/// `12345` as `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size as people compare it: decimal units, two significant digits under ten (`2.7 MB`), whole
/// numbers above (`27 MB`).
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    if number < 1000 {
        return format!("{number} B");
    }
    let rounded = |unit: u64| number / unit + u64::from(number % unit >= unit / 2);
    // 999,600 would round to "1000 kB"; the next unit reads better.
    let (name, unit) = UNITS
        .into_iter()
        .find(|(_, unit)| rounded(*unit) < 1000)
        .unwrap_or(UNITS[3]);
    let tenths = rounded(unit / 10);
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", rounded(unit))
    }
}

/// An amount of memory as engines count it: binary units, `32 MiB`, one digit behind the point where it is not whole.
#[must_use]
pub fn memory(number: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, unit)| number >= *unit);
    let Some((name, unit)) = unit else {
        return format!("{number} B");
    };
    let tenths = number % unit * 10 / unit;
    if tenths == 0 {
        format!("{} {name}", number / unit)
    } else {
        format!("{}.{tenths} {name}", number / unit)
    }
}

/// The parts of a sentence, each with whether it is a name: what stands between backticks, as errors write it.
#[must_use]
pub fn marked(text: &str) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![(false, text)];
    }
    let numbered = parts.into_iter().enumerate();
    let told = numbered.filter(|(_, part)| !part.is_empty());
    told.map(|(at, part)| (!at.is_multiple_of(2), part))
        .collect()
}

/// A length of time to the precision that matters: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`.
#[must_use]
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A stored moment (microseconds since 1970, UTC) as `2 Mar 2026, 14:05 UTC`.
#[must_use]
pub fn moment(micros: i64) -> String {
    written(micros, "%-d %b %Y, %H:%M UTC")
}

/// A stored moment as its day, `2 Mar 2026`.
#[must_use]
pub fn day(micros: i64) -> String {
    written(micros, "%-d %b %Y")
}

/// A stored moment for `<time datetime>`, RFC 3339.
#[must_use]
pub fn machine(micros: i64) -> String {
    written(micros, "%Y-%m-%dT%H:%M:%SZ")
}

/// How long ago `then` was at `now`, for a title: `3 days ago`; a moment to come is `soon`.
#[must_use]
pub fn ago(then: i64, now: i64) -> String {
    let seconds = (now - then) / 1_000_000;
    let amount = |unit: i64| seconds / unit;
    match seconds {
        i64::MIN..0 => crate::messages::t("time.soon").to_owned(),
        0..60 => crate::messages::t("time.just_now").to_owned(),
        60..3_600 => crate::messages::tn("time.minutes_ago", amount(60)),
        3_600..86_400 => crate::messages::tn("time.hours_ago", amount(3_600)),
        86_400..5_184_000 => crate::messages::tn("time.days_ago", amount(86_400)),
        _ => crate::messages::tn("time.months_ago", amount(2_592_000)),
    }
}

/// `sha256:1f3a…9c02`: the algorithm, the first four and the last four characters. What is not a
/// digest comes back as it is.
#[must_use]
pub fn short_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) if hex.len() > 12 && hex.is_ascii() => {
            format!("{algorithm}:{}…{}", &hex[..4], &hex[hex.len() - 4..])
        }
        _ => digest.to_owned(),
    }
}

fn written(micros: i64, pattern: &str) -> String {
    Timestamp::from_microsecond(micros).map_or_else(
        // Outside the years -9999 to 9999; the number itself is the only honest thing to show.
        |_| micros.to_string(),
        |moment| moment.strftime(pattern).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_sentences_are_marked() {
        let told = marked("There is no `a.b`.");
        assert_eq!(told, [(false, "There is no "), (true, "a.b"), (false, ".")]);
        assert_eq!(marked("a ` alone"), [(false, "a ` alone")]);
        assert_eq!(marked("`x`"), [(true, "x")]);
    }

    #[test]
    fn sizes_read_like_a_data_sheet() {
        for (number, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (2_740_000, "2.7 MB"),
            (27_400_000, "27 MB"),
            (999_600, "1.0 MB"),
            (512_000_000, "512 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(number), expected, "{number}");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_keep_what_matters() {
        assert_eq!(duration(420), "0.4 s");
        assert_eq!(duration(12_900), "12 s");
        assert_eq!(duration(185_000), "3 min 05 s");
        assert_eq!(duration(7_800_000), "2 h 10 min");
    }

    #[test]
    fn moments_are_utc() {
        let micros = 1_772_460_300_000_000;
        assert_eq!(moment(micros), "2 Mar 2026, 14:05 UTC");
        assert_eq!(day(micros), "2 Mar 2026");
        assert_eq!(machine(micros), "2026-03-02T14:05:00Z");
        assert_eq!(moment(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn the_past_is_told_in_one_unit() {
        let now = 1_772_460_300_000_000;
        assert_eq!(ago(now - 30_000_000, now), "just now");
        assert_eq!(ago(now - 3_600_000_000, now), "1 hour ago");
        assert_eq!(ago(now - 3 * 86_400_000_000, now), "3 days ago");
        assert_eq!(ago(now + 5_000_000, now), "soon");
    }

    #[test]
    fn digests_shorten_and_everything_else_stays() {
        let digest = format!("sha256:1f3a{}9c02", "0".repeat(56));
        assert_eq!(short_digest(&digest), "sha256:1f3a…9c02");
        assert_eq!(short_digest("latest"), "latest");
        assert_eq!(short_digest("sha256:ä"), "sha256:ä");
    }
}

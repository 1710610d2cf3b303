//! The time of day as RFC 3339 text in UTC, without a date library.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, to the millisecond: `2026-03-02T14:05:09.123Z`.
pub fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format(since.as_secs(), since.subsec_millis())
}

fn format(seconds: u64, milliseconds: u32) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let second = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
    )
}

/// Days since 1970-01-01 as a calendar date. Years are counted from March, so that a leap day ends one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_around_leap_days_and_the_epoch() {
        assert_eq!(super::format(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(super::format(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(
            super::format(1_772_460_309, 123),
            "2026-03-02T14:05:09.123Z"
        );
        assert_eq!(
            super::format(4_107_542_399, 999),
            "2100-02-28T23:59:59.999Z"
        );
        assert_eq!(super::format(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }
}

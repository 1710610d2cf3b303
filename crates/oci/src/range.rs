//! Byte ranges: the `Range` request header for content of a known length (RFC 9110 §14), and the `Content-Range` of an
//! upload chunk, which distribution-spec "Pushing a blob in chunks" writes as plain `a-b`.

use std::fmt;
use std::str::FromStr;

use crate::excerpt::excerpt;

/// The most ranges one request may ask for; more are answered with the whole content. Clients of partially pulled
/// layers merge their requests to at most this many.
pub const RANGES_MAX: usize = 1024;

/// The longest `Range` header that is read, in bytes; a longer one is ignored.
pub const RANGE_HEADER_BYTES_MAX: usize = 48 * 1024;

/// Bytes `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte; never before `first`.
    pub last: u64,
}

impl ByteRange {
    /// How many bytes; at least one. A range over the whole of `u64` is told as `u64::MAX`.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a byte range holds at least one byte"
    )]
    pub const fn len(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// The `Content-Range` header of a 206 answer about content of `length` bytes.
    #[must_use]
    pub fn content_range(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.first, self.last)
    }
}

/// What to answer to a request with a `Range` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ranges {
    /// The whole content (200): no header, another unit, or one that is malformed or abusive.
    Whole,
    /// These ranges (206), in the order asked for; never empty, each inside the content.
    Partial(Vec<ByteRange>),
    /// None of the ranges lies inside the content, or one ends before it starts (416).
    Unsatisfiable,
}

impl Ranges {
    /// Reads a `Range` header for content of `length` bytes. Headers that are malformed are ignored, as RFC 9110 §14.2
    /// asks. So are those whose ranges together ask for more than the whole content: only overlaps can do that, and
    /// the whole is the cheaper answer. A range that ends before it starts is invalid, which §14.2 lets a server
    /// reject; clients expect 416.
    #[must_use]
    pub fn parse(header: Option<&str>, length: u64) -> Self {
        let Some(set) = header.and_then(range_set) else {
            return Self::Whole;
        };
        let mut ranges = Vec::new();
        let mut count = 0;
        let mut total: u64 = 0;
        for spec in set.split(',').map(trim).filter(|spec| !spec.is_empty()) {
            count += 1;
            if count > RANGES_MAX {
                return Self::Whole;
            }
            match Spec::parse(spec) {
                None => return Self::Whole,
                Some(Spec::Backward) => return Self::Unsatisfiable,
                Some(spec) => {
                    if let Some(range) = spec.within(length) {
                        total = total.saturating_add(range.len());
                        ranges.push(range);
                    }
                }
            }
        }
        match (count, ranges.is_empty()) {
            (0, _) => Self::Whole,
            (_, true) => Self::Unsatisfiable,
            _ if ranges.len() > 1 && total > length => Self::Whole,
            _ => Self::Partial(ranges),
        }
    }

    /// The `Content-Range` header of a 416 answer about content of `length` bytes.
    #[must_use]
    pub fn unsatisfied(length: u64) -> String {
        format!("bytes */{length}")
    }
}

/// What follows `bytes=`; unit names are case-insensitive.
fn range_set(header: &str) -> Option<&str> {
    if header.len() > RANGE_HEADER_BYTES_MAX {
        return None;
    }
    let (unit, set) = header.split_once('=')?;
    trim(unit).eq_ignore_ascii_case("bytes").then_some(set)
}

/// RFC 9110 optional white space.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

enum Spec {
    From(u64),
    Between(u64, u64),
    Suffix(u64),
    Backward,
}

impl Spec {
    fn parse(spec: &str) -> Option<Self> {
        let (first, last) = spec.split_once('-')?;
        match (first, last) {
            ("", last) => number(last).map(Self::Suffix),
            (first, "") => number(first).map(Self::From),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                Some(if last < first {
                    Self::Backward
                } else {
                    Self::Between(first, last)
                })
            }
        }
    }

    fn within(self, length: u64) -> Option<ByteRange> {
        let end = length.checked_sub(1)?;
        let (first, last) = match self {
            Self::From(first) => (first, end),
            Self::Between(first, last) => (first, last.min(end)),
            Self::Suffix(0) | Self::Backward => return None,
            Self::Suffix(count) => (length.saturating_sub(count), end),
        };
        (first <= end).then_some(ByteRange { first, last })
    }
}

/// Digits only (no sign); a number past `u64` counts as the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// Why an upload's `Content-Range` is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Content-Range '{found}' of an upload chunk must be FIRST-LAST in bytes with LAST not before FIRST, for example 0-1023"
)]
pub struct UploadRangeError {
    /// The header, shortened.
    pub found: String,
}

/// The `Content-Range` of an upload chunk, `a-b`, without unit or total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadRange(pub ByteRange);

impl FromStr for UploadRange {
    type Err = UploadRangeError;

    fn from_str(text: &str) -> Result<Self, UploadRangeError> {
        let exact = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u64>().ok(),
            false => None,
        };
        text.split_once('-')
            .and_then(|(first, last)| {
                Some(ByteRange {
                    first: exact(first)?,
                    last: exact(last)?,
                })
            })
            .filter(|range| range.first <= range.last && range.last < u64::MAX)
            .map(Self)
            .ok_or_else(|| UploadRangeError {
                found: excerpt(text),
            })
    }
}

impl fmt::Display for UploadRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.first, self.0.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn partial(ranges: &[(u64, u64)]) -> Ranges {
        Ranges::Partial(
            ranges
                .iter()
                .map(|&(first, last)| ByteRange { first, last })
                .collect(),
        )
    }

    #[test]
    fn headers_about_2048_bytes() {
        let table = [
            ("bytes=500-1499", partial(&[(500, 1499)])),
            ("bytes=500-", partial(&[(500, 2047)])),
            ("bytes=-500", partial(&[(1548, 2047)])),
            ("bytes=-5000", partial(&[(0, 2047)])),
            ("bytes=2000-5000", partial(&[(2000, 2047)])),
            ("bytes=0-0", partial(&[(0, 0)])),
            ("Bytes=0-0", partial(&[(0, 0)])),
            ("bytes=0-99999999999999999999999", partial(&[(0, 2047)])),
            (
                "bytes=0-1, 4-5 ,,-1",
                partial(&[(0, 1), (4, 5), (2047, 2047)]),
            ),
            ("bytes=0-1,9000-", partial(&[(0, 1)])),
            ("bytes=5-6,0-1", partial(&[(5, 6), (0, 1)])),
            ("bytes=500-0", Ranges::Unsatisfiable),
            ("bytes=5000-10000", Ranges::Unsatisfiable),
            ("bytes=2048-", Ranges::Unsatisfiable),
            ("bytes=-0", Ranges::Unsatisfiable),
            ("bytes=0-,0-,0-", Ranges::Whole),
            ("bytes=", Ranges::Whole),
            ("bytes=,", Ranges::Whole),
            ("bytes", Ranges::Whole),
            ("bytes=-", Ranges::Whole),
            ("bytes=a-b", Ranges::Whole),
            ("bytes=+1-2", Ranges::Whole),
            ("bytes=1 - 2", Ranges::Whole),
            ("bytes=1-2-3", Ranges::Whole),
            ("items=0-1", Ranges::Whole),
            ("", Ranges::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(Ranges::parse(Some(header), 2048), expected, "{header}");
        }
        assert_eq!(Ranges::parse(None, 2048), Ranges::Whole);
        assert_eq!(Ranges::parse(Some("bytes=0-"), 0), Ranges::Unsatisfiable);
        assert_eq!(Ranges::parse(Some("bytes=-1"), 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn abuse_is_answered_with_the_whole() {
        let many = |count: u64| {
            let specs: Vec<String> = (0..count).map(|n| format!("{}-{}", n * 2, n * 2)).collect();
            format!("bytes={}", specs.join(","))
        };
        assert!(
            matches!(Ranges::parse(Some(&many(1024)), 1 << 20), Ranges::Partial(ranges) if ranges.len() == 1024)
        );
        assert_eq!(Ranges::parse(Some(&many(1025)), 1 << 20), Ranges::Whole);
        assert_eq!(
            Ranges::parse(
                Some(&format!("bytes=0-0{}", " ".repeat(RANGE_HEADER_BYTES_MAX))),
                9
            ),
            Ranges::Whole
        );
    }

    #[test]
    fn headers_of_answers() {
        assert_eq!(
            ByteRange { first: 0, last: 9 }.content_range(100),
            "bytes 0-9/100"
        );
        assert_eq!(Ranges::unsatisfied(7), "bytes */7");
        assert_eq!(ByteRange { first: 3, last: 3 }.len(), 1);
    }

    #[test]
    fn upload_chunks() {
        assert_eq!(
            "0-1023".parse(),
            Ok(UploadRange(ByteRange {
                first: 0,
                last: 1023
            }))
        );
        for text in [
            "",
            "-",
            "0-",
            "-1",
            "5-4",
            "bytes=0-1",
            "bytes 0-1/2",
            "0-1/2",
            " 0-1",
            "+0-1",
            "0-18446744073709551615",
            "0-99999999999999999999",
        ] {
            assert!(text.parse::<UploadRange>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_lie_inside_and_do_not_exceed_the_whole(header in "bytes=[0-9,-]{0,40}|\\PC{0,30}", length in 0u64..5000) {
            if let Ranges::Partial(ranges) = Ranges::parse(Some(&header), length) {
                prop_assert!(!ranges.is_empty());
                prop_assert!(ranges.iter().all(|range| range.first <= range.last && range.last < length));
                prop_assert!(ranges.iter().map(|range| range.len()).sum::<u64>() <= length);
            }
        }

        #[test]
        fn upload_print_then_parse_is_the_identity(first in 0u64..u64::MAX, more in 0u64..1000) {
            let range = UploadRange(ByteRange { first, last: first.saturating_add(more).min(u64::MAX - 1) });
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }
    }
}

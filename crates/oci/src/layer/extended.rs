//! Pax extended headers: the few records that change how an entry is read.
//!
//! Times, extended attributes and vendor records are passed over.

use crate::layer::LayerError;

/// What stands before an entry and overrides its header.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
}

impl Extended {
    pub(super) const fn is_empty(&self) -> bool {
        self.path.is_none()
            && self.link.is_none()
            && self.size.is_none()
            && self.uid.is_none()
            && self.gid.is_none()
    }

    /// Takes in pax records (POSIX.1-2024 pax, "pax Extended Header"): `LENGTH KEY=VALUE\n`.
    pub(super) fn records(&mut self, bytes: &[u8], offset: u64) -> Result<(), LayerError> {
        let malformed = |reason| LayerError::Malformed { offset, reason };
        let number = |value: &[u8]| {
            let digits = std::str::from_utf8(value)
                .ok()
                .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            digits
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| malformed("a pax number is not a number"))
        };
        for record in records(bytes) {
            let (key, value) =
                record.ok_or_else(|| malformed("a pax record has a wrong length"))?;
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number(value)?),
                b"uid" => self.uid = Some(number(value)?),
                b"gid" => self.gid = Some(number(value)?),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(malformed("sparse files are not supported"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The records of a pax header; `None` once for the first that is malformed.
fn records(bytes: &[u8]) -> impl Iterator<Item = Option<(&[u8], &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = split_record(rest);
        rest = record.map_or(&[][..], |(_, _, rest)| rest);
        Some(record.map(|(key, value, _)| (key, value)))
    })
}

fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = std::str::from_utf8(&bytes[..space]).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: usize = digits.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], rest))
}

/// Global records may carry remarks, but nothing that changes how entries are read: readers disagree on those.
pub(super) fn global(bytes: &[u8], offset: u64) -> Result<(), LayerError> {
    for record in records(bytes) {
        let reason = match record {
            None => "a pax record has a wrong length",
            Some((b"path" | b"linkpath" | b"size" | b"uid" | b"gid", _)) => {
                "a global pax header overrides entries"
            }
            Some(_) => continue,
        };
        return Err(LayerError::Malformed { offset, reason });
    }
    Ok(())
}

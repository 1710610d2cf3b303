//! Paths inside a layer: bounded, normalised, and never leading out of the image's root.

use crate::excerpt::excerpt;
use crate::layer::LayerError;

/// The normalised form of an entry's path or a hard link's target.
pub(super) fn normalised(bytes: &[u8], limit: usize) -> Result<String, LayerError> {
    let text = bounded(bytes, limit)?;
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(LayerError::Path {
                    path: excerpt(&text),
                    reason: "it holds a '..' part",
                });
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Text of at most `limit` bytes without a NUL.
pub(super) fn bounded(bytes: &[u8], limit: usize) -> Result<String, LayerError> {
    if bytes.len() > limit {
        let path = excerpt(&String::from_utf8_lossy(&bytes[..limit.min(256)]));
        return Err(LayerError::PathTooLong {
            path,
            found: bytes.len(),
            limit,
        });
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    if text.contains('\0') {
        return Err(LayerError::Path {
            path: excerpt(&text),
            reason: "it holds a NUL byte",
        });
    }
    Ok(text)
}

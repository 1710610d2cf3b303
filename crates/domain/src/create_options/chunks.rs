//! The pieces createOptions are split into: `createOptions`, `createOptions01` … `createOptions99`.
//!
//! The agent sorts the keys without regard to case, wants the first without a number and the others numbered
//! without a gap, and joins them (domain fact sheet §4.3, §12.2).

use serde_json::{Map, Value};

/// Bytes of one piece that any hub and any old tool takes.
pub const PIECE_BYTES_CLASSIC: usize = 512;

/// Bytes of one piece that today's hub takes: its longest string (domain fact sheet §12.7).
pub const PIECE_BYTES_MAX: usize = 4096;

/// Pieces there are names for.
pub const PIECES_MAX: usize = 100;

/// Why pieces do not make createOptions, or a text cannot be cut into pieces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A piece is missing, or the numbers do not follow one another.
    #[error("{found} stands where {expected} is wanted; the agent reads the pieces without gaps")]
    Gap {
        /// The key that should come next.
        expected: String,
        /// The key that comes instead.
        found: String,
    },
    /// A piece is no string.
    #[error("{key} is {found}; a piece of createOptions is a string")]
    NoString {
        /// Its key.
        key: String,
        /// Its JSON kind.
        found: &'static str,
    },
    /// The text needs more pieces than there are names for.
    #[error(
        "{bytes} bytes do not fit {PIECES_MAX} pieces of {piece_bytes} bytes; shorten createOptions"
    )]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// Bytes of one piece.
        piece_bytes: usize,
    },
}

/// Whether a key of a module's settings is createOptions or a piece of it.
pub fn is_piece(key: &str) -> bool {
    const NAME: &str = "createOptions";
    key.get(..NAME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(NAME))
        && key[NAME.len()..].bytes().all(|byte| byte.is_ascii_digit())
}

/// Joins the pieces found in a module's settings, as the agent does; `None` when there are none.
///
/// # Errors
/// A gap in the numbers, or a piece that is no string.
pub fn join(settings: &Map<String, Value>) -> Result<Option<String>, ChunkError> {
    let mut pieces: Vec<(&String, &Value)> =
        settings.iter().filter(|(key, _)| is_piece(key)).collect();
    pieces.sort_by_key(|(key, _)| key.to_ascii_lowercase());
    let mut joined = String::new();
    for (index, (key, value)) in pieces.iter().enumerate() {
        let number = &key["createOptions".len()..];
        let in_turn = match index {
            0 => number.is_empty(),
            _ => number.parse::<usize>() == Ok(index),
        };
        if !in_turn {
            return Err(ChunkError::Gap {
                expected: key_of(index),
                found: (*key).clone(),
            });
        }
        match value {
            Value::String(piece) => joined.push_str(piece),
            other => {
                return Err(ChunkError::NoString {
                    key: (*key).clone(),
                    found: crate::defaults::kind_of(other),
                });
            }
        }
    }
    Ok((!pieces.is_empty()).then_some(joined))
}

/// Cuts a text into pieces of at most `piece_bytes` bytes, between characters, with their keys.
///
/// # Errors
/// The text needs more than [`PIECES_MAX`] pieces.
pub fn split(text: &str, piece_bytes: usize) -> Result<Vec<(String, String)>, ChunkError> {
    // A piece holds at least one character, the longest of which has four bytes.
    let piece_bytes = piece_bytes.max(4);
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let cut = rest.floor_char_boundary(piece_bytes.min(rest.len()));
        let (piece, left) = rest.split_at(cut);
        pieces.push((key_of(pieces.len()), piece.to_owned()));
        rest = left;
        if rest.is_empty() {
            return Ok(pieces);
        }
        if pieces.len() == PIECES_MAX {
            return Err(ChunkError::TooLong {
                bytes: text.len(),
                piece_bytes,
            });
        }
    }
}

fn key_of(index: usize) -> String {
    match index {
        0 => "createOptions".to_owned(),
        _ => format!("createOptions{index:02}"),
    }
}

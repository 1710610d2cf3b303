//! A logo as it arrives: is it a PNG, of exactly the right size, and safe to keep?
//! Only the header and the chunk structure decide; pixels are decoded within a fixed budget so that a bomb costs nothing.

mod derive;

pub use derive::{DeriveError, SQUARE_BYTES_MAX, SQUARE_PIXELS_MAX, SQUARE_PIXELS_MIN, derive};

use crate::offer::LogoSlot;

/// Largest logo file, in bytes.
pub const LOGO_BYTES_MAX: usize = 512 * 1024;
/// Largest decoded picture, in bytes; the widest logo needs under a quarter of this.
const DECODED_BYTES_MAX: usize = 1024 * 1024;

/// Why a file is no logo for a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Over [`LOGO_BYTES_MAX`].
    #[error("a logo is at most {limit} KiB; this file has {0} bytes. Save it with stronger compression", limit = LOGO_BYTES_MAX / 1024)]
    TooLarge(usize),
    /// Not a PNG at all, or broken.
    #[error("a logo is a PNG; this file could not be read as one: {0}. Export it as PNG again")]
    NotPng(String),
    /// Wrong pixels.
    #[error(
        "the {slot} logo is exactly {want_width}×{want_height} pixels; this one is {width}×{height}. Resize it"
    )]
    WrongSize {
        /// `small`, `medium`, `large` or `wide`.
        slot: &'static str,
        /// Required width.
        want_width: u32,
        /// Required height.
        want_height: u32,
        /// Found width.
        width: u32,
        /// Found height.
        height: u32,
    },
}

/// Checks that bytes are a PNG of exactly the slot's size which decodes within the budget.
pub fn check(slot: LogoSlot, bytes: &[u8]) -> Result<(), LogoError> {
    if bytes.len() > LOGO_BYTES_MAX {
        return Err(LogoError::TooLarge(bytes.len()));
    }
    let not_png = |error: png::DecodingError| LogoError::NotPng(error.to_string());
    let limits = png::Limits {
        bytes: DECODED_BYTES_MAX,
    };
    let decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    let mut reader = decoder.read_info().map_err(not_png)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let (want_width, want_height) = slot.pixels();
    if (width, height) != (want_width, want_height) {
        return Err(LogoError::WrongSize {
            slot: slot.name(),
            want_width,
            want_height,
            width,
            height,
        });
    }
    let size = reader
        .output_buffer_size()
        .filter(|size| *size <= DECODED_BYTES_MAX)
        .ok_or_else(|| LogoError::NotPng("the decoded picture is too large".into()))?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(not_png)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer
            .write_image_data(&vec![7; (width * height * 4) as usize])
            .unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn only_the_exact_size_passes() {
        for slot in LogoSlot::ALL {
            let (width, height) = slot.pixels();
            assert_eq!(check(slot, &picture(width, height)), Ok(()));
            assert!(matches!(
                check(slot, &picture(width + 1, height)),
                Err(LogoError::WrongSize { .. })
            ));
        }
    }

    #[test]
    fn bombs_and_garbage_are_refused() {
        let mut bomb = picture(40, 40);
        // The header now claims 60,000×60,000 pixels; its checksum is wrong too, which is also no PNG.
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(check(LogoSlot::Small, &bomb).is_err());
        assert!(matches!(
            check(LogoSlot::Small, b"GIF89a"),
            Err(LogoError::NotPng(_))
        ));
        // A bomb in good order: a few kilobytes that would unpack to millions of pixels.
        let mut bomb = Vec::new();
        let mut encoder = png::Encoder::new(&mut bomb, 16_000, 16_000);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&vec![0; 2_000 * 16_000]).unwrap();
        writer.finish().unwrap();
        assert!(bomb.len() <= LOGO_BYTES_MAX, "{} bytes", bomb.len());
        for slot in LogoSlot::ALL {
            let refused = check(slot, &bomb);
            assert!(
                matches!(
                    refused,
                    Err(LogoError::WrongSize {
                        width: 16_000,
                        height: 16_000,
                        ..
                    })
                ),
                "{refused:?}"
            );
        }
        let whole = picture(40, 40);
        assert!(check(LogoSlot::Small, &whole[..whole.len() / 2]).is_err());
        assert!(matches!(
            check(LogoSlot::Small, &vec![0; LOGO_BYTES_MAX + 1]),
            Err(LogoError::TooLarge(_))
        ));
    }
}

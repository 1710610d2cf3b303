//! The four logos out of one larger square picture: each shrunk by averaging areas, the wide one centred on a
//! transparent ground. A help for publishers; what comes out passes [`super::check`] like any upload.

use super::LogoError;
use crate::offer::LogoSlot;

/// Largest square picture, in bytes of its file.
pub const SQUARE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Smallest side, in pixels: nothing is ever enlarged.
pub const SQUARE_PIXELS_MIN: u32 = 115;
/// Largest side, in pixels.
pub const SQUARE_PIXELS_MAX: u32 = 2_048;
/// Largest decoded picture, in bytes: four of 16 bits for each pixel.
const DECODED_BYTES_MAX: usize = 2_048 * 2_048 * 8;

/// Why a picture cannot be made into the four logos.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// Over [`SQUARE_BYTES_MAX`].
    #[error("the file has {0} bytes; at most 2 MiB are taken")]
    TooLarge(usize),
    /// Not square, or out of bounds.
    #[error(
        "the picture is {0}×{1} pixels; wanted is a square of {SQUARE_PIXELS_MIN} to {SQUARE_PIXELS_MAX}"
    )]
    Size(u32, u32),
    /// Not a PNG, or broken.
    #[error(transparent)]
    Picture(#[from] LogoError),
}

/// A picture of premultiplied red, green, blue and alpha, each 0 to 1.
struct Picture {
    side: usize,
    pixels: Vec<[f32; 4]>,
}

fn broken(why: impl std::fmt::Display) -> DeriveError {
    LogoError::NotPng(why.to_string()).into()
}

fn read(bytes: &[u8]) -> Result<Picture, DeriveError> {
    if bytes.len() > SQUARE_BYTES_MAX {
        return Err(DeriveError::TooLarge(bytes.len()));
    }
    let limits = png::Limits {
        bytes: DECODED_BYTES_MAX,
    };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width != height || !(SQUARE_PIXELS_MIN..=SQUARE_PIXELS_MAX).contains(&width) {
        return Err(DeriveError::Size(width, height));
    }
    let size = reader
        .output_buffer_size()
        .filter(|size| *size <= DECODED_BYTES_MAX)
        .ok_or_else(|| broken("the decoded picture is too large"))?;
    let mut decoded = vec![0; size];
    let frame = reader.next_frame(&mut decoded).map_err(broken)?;
    let channels = frame.color_type.samples();
    let one = |pixel: &[u8]| -> [f32; 4] {
        let part = |at: usize| pixel.get(at).map_or(1.0, |byte| f32::from(*byte) / 255.0);
        let (red, green, blue, alpha) = match channels {
            1 => (part(0), part(0), part(0), 1.0),
            2 => (part(0), part(0), part(0), part(1)),
            3 => (part(0), part(1), part(2), 1.0),
            _ => (part(0), part(1), part(2), part(3)),
        };
        [red * alpha, green * alpha, blue * alpha, alpha]
    };
    let side = width as usize;
    let pixels: Vec<[f32; 4]> = decoded
        .chunks_exact(channels)
        .take(side * side)
        .map(one)
        .collect();
    if pixels.len() != side * side {
        return Err(broken("the picture ends early"));
    }
    Ok(Picture { side, pixels })
}

/// Which source lines cover a target line, and how much of each.
fn cover(source: usize, target: usize, at: usize) -> impl Iterator<Item = (usize, f32)> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "pixel counts are far below what f32 holds exactly"
    )]
    let (step, start) = (
        source as f32 / target as f32,
        at as f32 * (source as f32 / target as f32),
    );
    let end = start + step;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both lie within the picture"
    )]
    let (first, last) = (start.floor() as usize, (end.ceil() as usize).min(source));
    (first..last).map(move |line| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "pixel counts are far below what f32 holds exactly"
        )]
        let line_start = line as f32;
        (
            line,
            (end.min(line_start + 1.0) - start.max(line_start)).max(0.0),
        )
    })
}

fn average(picture: &Picture, target: usize, (x, y): (usize, usize)) -> [u8; 4] {
    let (mut sum, mut weights) = ([0.0_f32; 4], 0.0_f32);
    for (row, high) in cover(picture.side, target, y) {
        for (column, wide) in cover(picture.side, target, x) {
            let weight = high * wide;
            weights += weight;
            for (total, part) in sum
                .iter_mut()
                .zip(picture.pixels[row * picture.side + column])
            {
                *total += part * weight;
            }
        }
    }
    let alpha = sum[3] / weights;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=255 before"
    )]
    let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
    if alpha <= 0.0 {
        return [0; 4];
    }
    [sum[0], sum[1], sum[2]]
        .map(|part| byte(part / weights / alpha))
        .into_iter()
        .chain([byte(alpha)])
        .collect::<Vec<u8>>()
        .try_into()
        .unwrap_or([0; 4])
}

fn write(width: u32, height: u32, pixels: &[u8]) -> Result<Vec<u8>, DeriveError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().map_err(broken)?;
    writer.write_image_data(pixels).map_err(broken)?;
    writer.finish().map_err(broken)?;
    Ok(bytes)
}

/// Makes the four logos.
///
/// # Errors
/// What is wrong with the picture.
pub fn derive(bytes: &[u8]) -> Result<Vec<(LogoSlot, Vec<u8>)>, DeriveError> {
    let picture = read(bytes)?;
    let mut logos = Vec::with_capacity(LogoSlot::ALL.len());
    for slot in LogoSlot::ALL {
        let (width, height) = slot.pixels();
        let side = height as usize;
        let left = (width as usize - side) / 2;
        let mut pixels = vec![0_u8; width as usize * side * 4];
        for y in 0..side {
            for x in 0..side {
                let at = (y * width as usize + left + x) * 4;
                pixels[at..at + 4].copy_from_slice(&average(&picture, side, (x, y)));
            }
        }
        logos.push((slot, write(width, height, &pixels)?));
    }
    Ok(logos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: u32, pixel: [u8; 4]) -> Vec<u8> {
        write(side, side, &pixel.repeat((side * side) as usize)).unwrap()
    }

    #[test]
    fn every_slot_gets_a_logo_that_passes() {
        for side in [115, 256, 333] {
            let logos = derive(&square(side, [200, 30, 40, 255])).unwrap();
            assert_eq!(logos.len(), 4);
            for (slot, bytes) in logos {
                assert_eq!(super::super::check(slot, &bytes), Ok(()));
                let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
                    .read_info()
                    .unwrap();
                let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
                reader.next_frame(&mut pixels).unwrap();
                let (width, height) = slot.pixels();
                let middle = ((height / 2 * width + width / 2) * 4) as usize;
                assert_eq!(pixels[middle..middle + 4], [200, 30, 40, 255], "{slot:?}");
            }
        }
    }

    #[test]
    fn what_is_no_square_is_refused() {
        let oblong = write(200, 100, &[0; 200 * 100 * 4]).unwrap();
        assert_eq!(derive(&oblong), Err(DeriveError::Size(200, 100)));
        assert_eq!(derive(&square(64, [0; 4])), Err(DeriveError::Size(64, 64)));
        assert!(matches!(derive(b"GIF89a"), Err(DeriveError::Picture(_))));
        assert_eq!(
            derive(&vec![0; SQUARE_BYTES_MAX + 1]),
            Err(DeriveError::TooLarge(SQUARE_BYTES_MAX + 1))
        );
    }
}

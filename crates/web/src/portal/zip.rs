//! Writes a ZIP archive of a few small files, stored without compression: pictures have theirs already.
//!
//! Left out: files over 4 GiB, folders as entries, and reading.

/// The marker that names are UTF-8 (APPNOTE 4.4.4, bit 11).
const UTF8: u16 = 0x0800;
/// 1 January 1980: archives of the same files are the same bytes.
const DOS_DATE: u16 = 0x0021;

/// The checksum that ZIP wants (CRC-32, reflected polynomial 0xEDB88320).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

/// Sizes and counts that do not fit end up as the largest value, which readers refuse.
fn size(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// What the local and the central header have in common, from "version needed" to the length of extra fields.
fn common(out: &mut Vec<u8>, name: &str, crc: u32, length: usize) {
    for number in [20, UTF8, 0, 0, DOS_DATE] {
        out.extend(number.to_le_bytes());
    }
    for number in [crc, size(length), size(length)] {
        out.extend(number.to_le_bytes());
    }
    out.extend(short(name.len()).to_le_bytes());
    out.extend(0_u16.to_le_bytes());
}

/// An archive of files by name, in the order given.
pub(super) fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let (start, crc) = (size(out.len()), crc32(bytes));
        out.extend(0x0403_4B50_u32.to_le_bytes());
        common(&mut out, name, crc, bytes.len());
        out.extend(name.as_bytes());
        out.extend(bytes);
        directory.extend(0x0201_4B50_u32.to_le_bytes());
        directory.extend(20_u16.to_le_bytes());
        common(&mut directory, name, crc, bytes.len());
        // No comment, first disk, no attributes.
        directory.extend([0; 6 + 4]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (size(out.len()), short(files.len()));
    out.extend(&directory);
    out.extend(0x0605_4B50_u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size(directory.len()).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn an_archive_has_its_parts_where_it_says() {
        let files = [
            ("a.txt".to_owned(), b"one".to_vec()),
            ("b/c".to_owned(), Vec::new()),
        ];
        let bytes = archive(&files);
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
        let start = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) as usize;
        assert_eq!(&bytes[start..start + 4], b"PK\x01\x02");
        // Local header 30, name 5, content 3; local header 30, name 3.
        assert_eq!(start, 38 + 33);
        let length = u32::from_le_bytes(bytes[end + 12..end + 16].try_into().unwrap()) as usize;
        assert_eq!(start + length, end);
        assert_eq!(length, 46 + 5 + 46 + 3);
    }
}

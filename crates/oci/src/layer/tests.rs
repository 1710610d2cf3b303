//! Layers made by hand, honest and hostile.

use super::*;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::io::Write;
use tar::{EntryType, Header};

const TAR: &str = media_type::OCI_LAYER_TAR;
const GZIP: &str = media_type::OCI_LAYER_TAR_GZIP;

/// Entries with their content.
type Seen = Vec<(Entry, Vec<u8>)>;

/// One raw entry; the name is written as it is, without the checks of a builder.
fn raw(kind: EntryType, name: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_uid(1000);
    header.set_gid(100);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    raw(EntryType::Regular, name.as_bytes(), b"", content)
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend([0; 1024]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pax(key: &str, value: &str) -> Vec<u8> {
    let body = format!(" {key}={value}\n");
    let mut length = body.len() + 1;
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    raw(
        EntryType::XHeader,
        b"pax",
        b"",
        format!("{length}{body}").as_bytes(),
    )
}

fn list(
    bytes: &[u8],
    media_type: &str,
    limits: LayerLimits,
) -> Result<(Seen, LayerSummary), LayerError> {
    let mut seen = Vec::new();
    let summary = walk(bytes, media_type, &limits, |entry, content| {
        let mut bytes = Vec::new();
        // A failed read is reported by the walk itself.
        let _ = content.read_to_end(&mut bytes);
        seen.push((entry.clone(), bytes));
        ControlFlow::Continue(())
    })?;
    Ok((seen, summary))
}

fn error(entries: &[Vec<u8>]) -> String {
    list(&archive(entries), TAR, LayerLimits::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn files_links_and_directories() {
    let bytes = archive(&[
        raw(EntryType::Directory, b"./app/", b"", b""),
        file("/app//run", b"program"),
        raw(EntryType::Symlink, b"app/link", b"../../etc/passwd", b""),
        raw(EntryType::Link, b"app/hard", b"./app/run", b""),
        raw(EntryType::Char, b"dev/null", b"", b""),
        file("app/.wh.old", b""),
        file("app/.wh..wh..opq", b""),
        file(".wh.top", b""),
    ]);
    for (packed, media_type) in [(bytes.clone(), TAR), (gzip(&bytes), GZIP)] {
        let (seen, summary) = list(&packed, media_type, LayerLimits::default()).unwrap();
        let kinds: Vec<_> = seen
            .iter()
            .take(5)
            .map(|(entry, _)| (entry.path.as_str(), entry.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("app", EntryKind::Directory),
                ("app/run", EntryKind::File),
                ("app/link", EntryKind::Symlink),
                ("app/hard", EntryKind::HardLink),
                ("dev/null", EntryKind::CharacterDevice),
            ]
        );
        let (run, content) = &seen[1];
        assert_eq!(
            (run.mode, run.uid, run.gid, run.size),
            (0o4755, 1000, 100, 7)
        );
        assert_eq!(content, b"program");
        assert_eq!(seen[2].0.link.as_deref(), Some("../../etc/passwd"));
        assert_eq!(seen[3].0.link.as_deref(), Some("app/run"));
        assert_eq!(
            seen[5].0.whiteout(),
            Some(Whiteout::Path("app/old".to_owned()))
        );
        assert_eq!(
            seen[6].0.whiteout(),
            Some(Whiteout::Directory("app".to_owned()))
        );
        assert_eq!(seen[7].0.whiteout(), Some(Whiteout::Path("top".to_owned())));
        assert_eq!(run.whiteout(), None);
        assert_eq!(
            (summary.entries, summary.unpacked_bytes),
            (8, bytes.len() as u64)
        );
        assert_eq!(summary.diff_id, Some(Digest::sha256_of(&bytes)));
    }
}

#[test]
fn long_names_of_gnu_and_pax() {
    let long = "d/".repeat(150) + "file";
    let gnu = archive(&[
        raw(
            EntryType::GNULongName,
            b"././@LongLink",
            b"",
            format!("{long}\0").as_bytes(),
        ),
        file("cut", b"x"),
    ]);
    let records = archive(&[pax("path", &long), file("cut", b"x"), file("next", b"")]);
    for bytes in [gnu, records] {
        let (seen, _) = list(&bytes, TAR, LayerLimits::default()).unwrap();
        assert_eq!(seen[0].0.path, long);
        assert!(seen.get(1).is_none_or(|(entry, _)| entry.path == "next"));
    }
}

#[test]
fn a_pax_size_moves_the_frame() {
    // The header says 0 bytes, the pax record 512: the block that follows is content, not a header.
    let hidden = file("hidden", b"");
    let bytes = archive(&[pax("size", "512"), file("outer", b""), hidden.clone()]);
    let (seen, _) = list(&bytes, TAR, LayerLimits::default()).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].0.path.as_str(), &seen[0].1), ("outer", &hidden));
}

#[test]
fn path_tricks_are_refused() {
    assert!(error(&[file("../etc/passwd", b"")]).contains("'..' part"));
    assert!(error(&[file("a/../../b", b"")]).contains("'..' part"));
    assert!(error(&[file("/..", b"")]).contains("'..' part"));
    assert!(error(&[pax("path", "a\0b"), file("x", b"")]).contains("NUL"));
    assert!(error(&[pax("path", "../x"), file("x", b"")]).contains("'..' part"));
    assert!(error(&[raw(EntryType::Link, b"a", b"../b", b"")]).contains("'..' part"));
    assert!(
        error(&[pax("path", &"p".repeat(5000)), file("x", b"")]).contains("path of 5000 bytes")
    );
    assert!(
        error(&[
            pax("linkpath", &"p".repeat(5000)),
            raw(EntryType::Symlink, b"a", b"b", b"")
        ])
        .contains("5000 bytes")
    );
}

#[test]
fn structure_that_readers_treat_differently_is_refused() {
    assert!(
        error(&[raw(EntryType::Symlink, b"a", b"b", b"content")]).contains("no file has content")
    );
    assert!(error(&[raw(EntryType::Symlink, b"a", b"", b"")]).contains("no target"));
    assert!(error(&[raw(EntryType::GNUSparse, b"a", b"", b"")]).contains("sparse"));
    assert!(error(&[pax("GNU.sparse.major", "1"), file("x", b"")]).contains("sparse"));
    assert!(error(&[pax("size", "-1"), file("x", b"")]).contains("pax number"));
    assert!(error(&[pax("path", "x")]).contains("followed by no entry"));
    assert!(
        error(&[raw(EntryType::XHeader, b"pax", b"", b"999 path=x\n")]).contains("wrong length")
    );
    assert!(
        error(&[raw(EntryType::XGlobalHeader, b"pax", b"", b"10 path=x\n")])
            .contains("overrides entries")
    );
    assert!(
        list(
            &archive(&[
                raw(EntryType::XGlobalHeader, b"pax", b"", b"13 comment=x\n"),
                file("x", b"")
            ]),
            TAR,
            LayerLimits::default()
        )
        .is_ok()
    );
    let mut damaged = file("x", b"");
    damaged[0] = b'y';
    assert!(error(&[damaged]).contains("checksum"));
    let mut huge = Header::new_gnu();
    huge.set_entry_type(EntryType::GNULongName);
    huge.set_size(1 << 40);
    huge.set_cksum();
    assert!(error(&[huge.as_bytes().to_vec()]).contains("larger than 1 MiB"));
}

#[test]
fn a_plain_layer_that_begins_as_compressed_data_is_refused() {
    // A name may hold any bytes, so an archive can be both.
    for name in [
        &b"\x1f\x8b\x08\x04app"[..],
        b"BZh9app",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfdapp",
    ] {
        let both = raw(EntryType::Regular, name, b"", b"small here");
        let refused = error(std::slice::from_ref(&both));
        assert!(refused.contains("it is compressed"), "{refused}");
        let packed = gzip(&archive(&[both]));
        assert!(list(&packed, GZIP, LayerLimits::default()).is_ok());
    }
    assert!(list(b"", TAR, LayerLimits::default()).is_ok());
}

#[test]
fn damaged_streams() {
    let whole = archive(&[file("x", &[7; 2000])]);
    let cut = |length: usize| {
        list(&whole[..length], TAR, LayerLimits::default())
            .unwrap_err()
            .to_string()
    };
    assert!(cut(100).contains("inside a header"));
    assert!(cut(1000).contains("inside an entry"));
    let packed = gzip(&whole);
    assert!(matches!(
        list(&packed[..packed.len() - 12], GZIP, LayerLimits::default()),
        Err(LayerError::Read(_))
    ));
    assert!(matches!(
        list(&whole, GZIP, LayerLimits::default()),
        Err(LayerError::Read(_))
    ));
    assert!(matches!(
        list(&packed, TAR, LayerLimits::default()),
        Err(LayerError::Malformed { .. })
    ));
    let (seen, _) = list(&gzip(&[]), GZIP, LayerLimits::default()).unwrap();
    assert!(seen.is_empty());
    // Several gzip members are one stream.
    let (first, second) = whole.split_at(700);
    let members = [gzip(first), gzip(second)].concat();
    assert_eq!(
        list(&members, GZIP, LayerLimits::default())
            .unwrap()
            .1
            .diff_id,
        Some(Digest::sha256_of(&whole))
    );
}

#[test]
fn bombs_stop_at_the_limit() {
    let limits = LayerLimits {
        entries_max: 3,
        unpacked_bytes_max: 1 << 20,
        path_bytes_max: 64,
    };
    let zeros = vec![0; 64 << 20];
    let in_a_file = gzip(&archive(&[file("zeros", &zeros)]));
    let after_the_end = gzip(&[archive(&[]), zeros].concat());
    for bomb in [in_a_file, after_the_end] {
        assert!(matches!(
            list(&bomb, GZIP, limits),
            Err(LayerError::TooManyBytes { limit: 1_048_576 })
        ));
    }
    let entries: Vec<_> = (0..4)
        .map(|number| file(&format!("f{number}"), b""))
        .collect();
    assert!(list(&archive(&entries[..3]), TAR, limits).is_ok());
    assert!(matches!(
        list(&archive(&entries), TAR, limits),
        Err(LayerError::TooManyEntries { limit: 3 })
    ));
}

#[test]
fn an_endless_entry_stops_at_the_limit() {
    let limits = LayerLimits {
        unpacked_bytes_max: 1 << 20,
        ..LayerLimits::default()
    };
    let mut endless = Header::new_gnu();
    endless.set_path("endless").unwrap();
    endless.set_size(u64::MAX);
    endless.set_cksum();
    let source = endless.as_bytes().chain(std::io::repeat(1));
    let found = walk(source, TAR, &limits, |_, _| ControlFlow::Continue(()));
    assert!(
        matches!(found, Err(LayerError::TooManyBytes { .. })),
        "{found:?}"
    );
}

#[test]
fn a_visitor_may_stop_or_leave_content() {
    let bytes = archive(&[file("a", &[1; 3000]), file("b", b"second")]);
    let mut paths = Vec::new();
    let summary = walk(
        bytes.as_slice(),
        TAR,
        &LayerLimits::default(),
        |entry, content| {
            paths.push(entry.path.clone());
            let mut start = [0; 10];
            content.read_exact(&mut start[..1]).unwrap();
            if entry.path == "b" {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    )
    .unwrap();
    assert_eq!(paths, ["a", "b"]);
    assert_eq!((summary.entries, summary.diff_id), (2, None));
}

#[test]
fn types_that_cannot_be_read() {
    for media_type in [
        media_type::OCI_LAYER_TAR_ZSTD,
        media_type::DOCKER_LAYER_TAR_ZSTD,
        media_type::OCI_CONFIG,
        "",
    ] {
        assert!(matches!(
            list(b"", media_type, LayerLimits::default()),
            Err(LayerError::Unsupported { .. })
        ));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes: Vec<u8>, packed: bool) {
        let _ = list(&bytes, if packed { GZIP } else { TAR }, LayerLimits::default());
    }

    #[test]
    fn a_damaged_archive_never_shows_a_path_outside(at in 0usize..3000, bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let mut archive = archive(&[pax("path", "a/b/c"), file("x", b"content"), raw(EntryType::Link, b"l", b"a", b"")]);
        for (offset, byte) in bytes.iter().enumerate() {
            let at = (at + offset) % archive.len();
            archive[at] = *byte;
        }
        // Headers get their checksum again, so that damage reaches the fields behind it.
        for block in archive.as_chunks_mut::<512>().0 {
            let mut header = Header::new_old();
            header.as_mut_bytes().copy_from_slice(block);
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
        }
        let limits = LayerLimits { unpacked_bytes_max: 1 << 20, ..LayerLimits::default() };
        let mut paths = Vec::new();
        let _ = walk(archive.as_slice(), TAR, &limits, |entry, _| {
            paths.push(entry.path.clone());
            ControlFlow::Continue(())
        });
        for path in paths {
            prop_assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."));
        }
    }
}

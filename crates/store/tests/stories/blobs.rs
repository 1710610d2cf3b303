//! Blobs in a folder, on S3 and in an Azure container: whole, right, or not there at all.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use oci::{Digest, DigestAlgorithm};
use store::blobs::{PART_BYTES, StoredBlob, WHOLE_BYTES_MAX};
use store::{BlobError, Blobs, CommitError};
use testkit::folder::Folder;
use testkit::{azurite, s3};

/// Which keys there are, asked past the code under test.
type Objects<'a> = &'a (dyn Fn() -> Vec<String> + Sync);

/// One chunk of an upload; its key.
async fn chunk(
    blobs: &Blobs,
    upload: &str,
    offset: u64,
    bytes: Bytes,
) -> Result<String, CommitError> {
    let body = stream::iter([Ok::<_, Infallible>(bytes)]);
    let kept = blobs.put_chunk_stream(upload, offset, body, u64::MAX).await;
    kept.map(|(key, _)| key)
}

/// Runs a story on a folder, then on an S3 bucket, then in an Azure container.
async fn for_each_storage<F, Told>(story: F)
where
    F: Fn(Blobs, Box<dyn Fn() -> Vec<String> + Send + Sync>) -> Told,
    Told: Future<Output = ()>,
{
    eprintln!("in a folder:");
    let folder = Folder::new("blobs").unwrap();
    let blobs = Blobs::at(&format!("file://{}", folder.path().display()), None).unwrap();
    let root = folder.path().to_owned();
    story(blobs, Box::new(move || files(&root))).await;
    eprintln!("on S3:");
    let server = Arc::new(s3::start().await);
    let _running = Arc::clone(&server);
    let blobs = Blobs::at(&server.storage_url("a/b"), Some(&server.keys())).unwrap();
    let objects = move || {
        let objects = server.objects();
        let under = |key: &String| key.strip_prefix("a/b/").map(str::to_owned);
        objects.iter().filter_map(under).collect()
    };
    story(blobs, Box::new(objects)).await;
    eprintln!("on Azure:");
    let server = Arc::new(azurite::start().await);
    let _running = Arc::clone(&server);
    let blobs = Blobs::at(&server.storage_url("a/b"), Some(&server.keys())).unwrap();
    story(blobs, Box::new(move || server.objects("a/b/"))).await;
}

fn files(root: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

fn blobs_among(objects: Objects<'_>) -> Vec<String> {
    objects()
        .into_iter()
        .filter(|key| key.starts_with("blobs/"))
        .collect()
}

/// Bytes that do not repeat within a part.
fn noise(length: usize) -> Bytes {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8))
        .flat_map(|_| next())
        .take(length)
        .collect()
}

fn pieces(
    bytes: &Bytes,
    size: usize,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let pieces: Vec<_> = bytes
        .chunks(size)
        .map(Bytes::copy_from_slice)
        .map(Ok)
        .collect();
    stream::iter(pieces)
}

async fn read(
    blobs: &Blobs,
    digest: &Digest,
    range: Option<std::ops::Range<u64>>,
) -> Option<(u64, Vec<u8>)> {
    let (size, bytes) = blobs.open(digest, range).await.unwrap()?;
    let bytes: Vec<Bytes> = bytes.try_collect().await.unwrap();
    Some((size, bytes.concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_chunks_becomes_one_blob() {
    for_each_storage(|blobs, objects| async move {
        let all = noise(PART_BYTES + 700_000);
        let digest = Digest::sha256_of(&all);
        let cut = 300_000;
        let first = chunk(&blobs, "upload-1", 0, all.slice(..cut))
            .await
            .unwrap();
        let rest = pieces(&all.slice(cut..), 100_001);
        let (second, length) = blobs
            .put_chunk_stream("upload-1", cut as u64, rest, u64::MAX)
            .await
            .unwrap();
        assert_eq!(length, (all.len() - cut) as u64);
        assert_eq!(blobs.size(&digest).await.unwrap(), None);
        let keys = [first, second];
        // Twice: a process may die between the commit and its row.
        for _ in 0..2 {
            assert_eq!(
                blobs.commit(&keys, &digest).await.unwrap(),
                all.len() as u64
            );
        }
        assert_eq!(blobs.size(&digest).await.unwrap(), Some(all.len() as u64));
        assert!(
            read(&blobs, &digest, None).await.unwrap().1 == all,
            "the bytes came back changed"
        );

        blobs.delete_chunks("upload-1").await.unwrap();
        let hex = digest.hex();
        assert_eq!(objects(), [format!("blobs/sha256/{}/{hex}", &hex[..2])]);
        blobs.delete(&digest).await.unwrap();
        blobs.delete(&digest).await.unwrap();
        assert_eq!(objects(), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_chunk_an_empty_blob_and_sha512() {
    for_each_storage(|blobs, _| async move {
        let all = noise(1_000_000);
        let digest = Digest::of(DigestAlgorithm::Sha512, &all);
        let key = chunk(&blobs, "u", 0, all.clone()).await.unwrap();
        assert_eq!(blobs.commit(&[key], &digest).await.unwrap(), 1_000_000);
        blobs.delete_chunks("u").await.unwrap();
        assert!(read(&blobs, &digest, None).await.unwrap().1 == all);
        assert_eq!(blobs.read(&digest).await.unwrap(), all);

        let nothing = Digest::sha256_of(b"");
        assert_eq!(blobs.commit(&[], &nothing).await.unwrap(), 0);
        assert_eq!(read(&blobs, &nothing, None).await, Some((0, Vec::new())));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_leave_nothing_visible() {
    for_each_storage(|blobs, objects| async move {
        let small = noise(1_000);
        let large = noise(PART_BYTES * 2 + 5);
        let promised = Digest::sha256_of(b"something else");
        for bytes in [&small, &large] {
            let half = bytes.len() / 2;
            let first = chunk(&blobs, "u", 0, bytes.slice(..half)).await.unwrap();
            let second = chunk(&blobs, "u", half as u64, bytes.slice(half..)).await.unwrap();
            for keys in [vec![first.clone(), second.clone()], vec![first.clone()]] {
                let refused = blobs.commit(&keys, &promised).await.unwrap_err();
                assert!(matches!(refused, CommitError::Mismatch { .. }) && refused.is_content(), "{refused}");
            }
            let refused = blobs.put_verified(&promised, pieces(bytes, 65_536), u64::MAX).await.unwrap_err();
            let CommitError::Mismatch { expected, found, size } = refused else { panic!("{refused}") };
            assert_eq!((expected, found, size), (promised.clone(), Digest::sha256_of(bytes), bytes.len() as u64));
        }
        assert_eq!(blobs.size(&promised).await.unwrap(), None);
        assert_eq!(blobs_among(&*objects), [""; 0]);
        assert!(matches!(blobs.read(&promised).await, Err(BlobError::Missing(digest)) if digest == promised));
        assert_eq!(read(&blobs, &promised, Some(0..5)).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_bytes_and_a_broken_line_leave_nothing() {
    for_each_storage(|blobs, objects| async move {
        let all = noise(PART_BYTES + 5);
        let digest = Digest::sha256_of(&all);
        let max = all.len() as u64 - 1;
        let refused = blobs
            .put_verified(&digest, pieces(&all, 65_536), max)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, CommitError::TooLarge { max: limit } if limit == max),
            "{refused}"
        );
        assert_eq!(
            blobs
                .put_verified(&digest, pieces(&all, 65_536), max + 1)
                .await
                .unwrap(),
            max + 1
        );
        blobs.delete(&digest).await.unwrap();

        let broken = || {
            let sent = all
                .chunks(1_000_000)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)));
            let end = Err(std::io::Error::other("the line broke"));
            stream::iter(sent.take(9).chain([end]).collect::<Vec<_>>())
        };
        let cut = blobs
            .put_verified(&digest, broken(), u64::MAX)
            .await
            .unwrap_err();
        assert!(
            matches!(cut, CommitError::Source(_)) && cut.to_string().contains("the line broke"),
            "{cut}"
        );
        let cut = blobs
            .put_chunk_stream("u", 0, broken(), u64::MAX)
            .await
            .unwrap_err();
        assert!(matches!(cut, CommitError::Source(_)), "{cut}");
        let full = blobs
            .put_chunk_stream("u", 0, pieces(&all, 65_536), 100)
            .await
            .unwrap_err();
        assert!(matches!(full, CommitError::TooLarge { max: 100 }), "{full}");
        assert_eq!(objects(), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_blob() {
    for_each_storage(|blobs, _| async move {
        let all = noise(600_000);
        let digest = Digest::sha256_of(&all);
        blobs
            .put_verified(&digest, pieces(&all, 70_000), u64::MAX)
            .await
            .unwrap();
        for range in [
            0..1,
            0..600_000,
            262_143..262_145,
            599_999..600_000,
            5..5,
            599_990..700_000,
        ] {
            let expected = &all[range.start..range.end.min(all.len())];
            let asked = range.start as u64..range.end as u64;
            let (size, found) = read(&blobs, &digest, Some(asked)).await.unwrap();
            assert_eq!(size, 600_000);
            assert!(found == expected, "{range:?} has {} bytes", found.len());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_gone_or_named_by_a_stranger() {
    for_each_storage(|blobs, _| async move {
        let one = chunk(&blobs, "u1", 0, noise(10)).await.unwrap();
        let same_place = chunk(&blobs, "u1", 0, noise(20)).await.unwrap();
        assert_ne!(
            one, same_place,
            "the loser of a race must not overwrite the winner"
        );
        blobs.delete_chunk(&same_place).await.unwrap();
        let digest = Digest::sha256_of(&noise(10));
        assert_eq!(
            blobs
                .commit(std::slice::from_ref(&one), &digest)
                .await
                .unwrap(),
            10
        );
        let gone = blobs
            .commit(&[one, same_place.clone()], &digest)
            .await
            .unwrap_err();
        assert!(
            matches!(&gone, CommitError::ChunkMissing { key } if key.contains(&same_place)),
            "{gone}"
        );

        for id in ["", "..", "a/b", "a%2fb", "a\0", &"a".repeat(65)] {
            let refused = chunk(&blobs, id, 0, noise(1)).await.unwrap_err();
            let named = matches!(refused, CommitError::Storage(BlobError::Name(_)));
            assert!(named, "{id}: {refused}");
            assert!(blobs.delete_chunks(id).await.is_err(), "{id}");
        }
        for key in [
            "blobs/sha256/aa/x",
            "uploads/../x",
            "uploads/u1",
            "uploads/u1/",
            "/etc/passwd",
        ] {
            assert!(blobs.delete_chunk(key).await.is_err(), "{key}");
            assert!(
                blobs.commit(&[key.to_owned()], &digest).await.is_err(),
                "{key}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_kept_apart_from_blobs() {
    for_each_storage(|blobs, objects| async move {
        let picture = noise(3_000);
        let digest = Digest::sha256_of(&picture);
        blobs.put_media(&digest, picture.clone()).await.unwrap();
        assert_eq!(
            blobs.get_media(&digest).await.unwrap(),
            Some(picture.clone())
        );
        assert_eq!(blobs.size(&digest).await.unwrap(), None);
        let other = Digest::sha256_of(b"other");
        assert!(matches!(
            blobs.put_media(&other, picture).await,
            Err(CommitError::Mismatch { .. })
        ));
        assert_eq!(blobs.get_media(&other).await.unwrap(), None);
        let large = Bytes::from(vec![0; usize::try_from(WHOLE_BYTES_MAX).unwrap() + 1]);
        let refused = blobs.put_media(&Digest::sha256_of(&large), large).await;
        assert!(matches!(refused, Err(CommitError::TooLarge { .. })));
        assert_eq!(objects().len(), 1);
    })
    .await;
}

fn micros(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_takes_old_chunks_and_leaves_blobs() {
    for_each_storage(|blobs, objects| async move {
        let key = chunk(&blobs, "u1", 0, noise(10)).await.unwrap();
        blobs
            .commit(&[key], &Digest::sha256_of(&noise(10)))
            .await
            .unwrap();
        let hour = Duration::from_secs(3600);
        let (before, after) = (SystemTime::now() - hour, SystemTime::now() + hour);
        let none = BTreeSet::new();
        assert_eq!(blobs.sweep(micros(before), &none).await.unwrap(), 0);
        assert_eq!(objects().len(), 2);
        // However old: somebody continues it.
        let under_way = BTreeSet::from(["u1".to_owned()]);
        assert_eq!(blobs.sweep(micros(after), &under_way).await.unwrap(), 0);
        assert_eq!(blobs.sweep(micros(after), &none).await.unwrap(), 1);
        assert_eq!(blobs_among(&*objects), objects());
        assert_eq!(objects().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_half_way_leaves_only_what_the_sweep_takes() {
    let folder = Folder::new("blobs").unwrap();
    let blobs = Blobs::at(&format!("file://{}", folder.path().display()), None).unwrap();
    let digest = Digest::sha256_of(&noise(100));
    let path = blobs.blob_path(&digest).unwrap();
    // What a kill leaves between writing and renaming.
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let staged = format!("{}#1", path.display());
    std::fs::write(&staged, &noise(100)[..50]).unwrap();
    assert_eq!(blobs.size(&digest).await.unwrap(), None);
    assert!(blobs.open(&digest, None).await.unwrap().is_none());

    // The same blob still can be written, beside the leftover.
    blobs
        .put_verified(&digest, pieces(&noise(100), 7), 100)
        .await
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), noise(100));
    let hour = Duration::from_secs(3600);
    let (before, after) = (SystemTime::now() - hour, SystemTime::now() + hour);
    let none = BTreeSet::new();
    assert_eq!(blobs.sweep(micros(before), &none).await.unwrap(), 0);
    assert_eq!(blobs.sweep(micros(after), &none).await.unwrap(), 1);
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_answer_is_an_error_not_an_empty_one() {
    let server = s3::start().await;
    let mut keys = server.keys();
    keys.secret_access_key = "wrong".to_owned();
    let blobs = Blobs::at(&server.storage_url("x"), Some(&keys)).unwrap();
    assert!(blobs.blob_path(&Digest::sha256_of(b"")).is_none());
    let refused = blobs
        .open(&Digest::sha256_of(b""), None)
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, BlobError::Storage { .. }), "{refused}");
    assert!(!refused.to_string().contains("wrong"));
}

/// An address that opens one blob to whoever has it, without the keys, and the wrong hands nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_opens_one_blob() {
    let bytes = noise(100_000);
    let (digest, other) = (Digest::sha256_of(&bytes), Digest::sha256_of(b"other"));
    let minute = Duration::from_secs(60);
    let s3 = s3::start().await;
    let azure = azurite::start().await;
    for (url, keys) in [
        (s3.storage_url("a"), s3.keys()),
        (azure.storage_url("a"), azure.keys()),
    ] {
        let blobs = Blobs::at(&url, Some(&keys)).unwrap();
        for (name, body) in [
            (&digest, bytes.clone()),
            (&other, Bytes::from_static(b"other")),
        ] {
            blobs
                .put_verified(name, pieces(&body, 9_999), u64::MAX)
                .await
                .unwrap();
        }
        let address = blobs
            .signed_address(&digest, minute)
            .await
            .unwrap()
            .unwrap();
        let got = reqwest::get(&address).await.unwrap();
        assert_eq!(got.status(), 200, "{address}");
        assert!(got.bytes().await.unwrap() == bytes);
        let ranged = reqwest::Client::new()
            .get(&address)
            .header("range", "bytes=10-19");
        let ranged = ranged.send().await.unwrap();
        assert_eq!(ranged.status(), 206);
        assert!(ranged.bytes().await.unwrap() == bytes.slice(10..20));
        let stolen = address.replace(digest.hex(), other.hex());
        let stolen = stolen.replace(
            &format!("/{}/", &digest.hex()[..2]),
            &format!("/{}/", &other.hex()[..2]),
        );
        let stolen = reqwest::get(&stolen).await.unwrap();
        assert_eq!(stolen.status(), 403);
        let elsewhere = format!("{url}&client_endpoint=http://storage.example:9000/x");
        let outside = Blobs::at(&elsewhere, Some(&keys)).unwrap();
        let address = outside
            .signed_address(&digest, minute)
            .await
            .unwrap()
            .unwrap();
        assert!(
            address.starts_with("http://storage.example:9000/x"),
            "{address}"
        );
    }
    let folder = Folder::new("blobs").unwrap();
    let blobs = Blobs::at(&format!("file://{}", folder.path().display()), None).unwrap();
    assert_eq!(blobs.signed_address(&digest, minute).await.unwrap(), None);
}

/// Storages copy by themselves up to a size only, S3 5 GiB, and Azure says done before it is: beyond that the bytes go
/// through here.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_storage_does_not_copy_goes_through_here() {
    // More than two parts.
    let bytes = noise(2 * PART_BYTES + 1_000);
    let digest = Digest::sha256_of(&bytes);
    let s3 = s3::start().await;
    let azure = azurite::start().await;
    let by_itself = Blobs::at(&s3.storage_url("itself"), Some(&s3.keys())).unwrap();
    let limited = Blobs::at(&s3.storage_url("limited"), Some(&s3.keys())).unwrap();
    let limited = limited.copying_at_most(bytes.len() as u64 - 1);
    let on_azure = Blobs::at(&azure.storage_url("limited"), Some(&azure.keys())).unwrap();
    for (blobs, copies) in [(by_itself, 1), (limited, 0), (on_azure, 0)] {
        let before = s3.copies();
        let (key, _) = blobs
            .put_chunk_stream("upload-1", 0, pieces(&bytes, 1_000_000), u64::MAX)
            .await
            .unwrap();
        let size = blobs.commit(&[key], &digest).await.unwrap();
        assert_eq!(size, bytes.len() as u64);
        assert_eq!(s3.copies() - before, copies, "{blobs:?}");
        let (_, found) = read(&blobs, &digest, None).await.unwrap();
        assert!(found == bytes);
        // Putting aside never leaves it to the storage, whatever the size.
        let before = s3.copies();
        let seen = blobs.find(&digest).await.unwrap().unwrap();
        let aside = blobs.quarantine(&seen).await.unwrap().unwrap();
        assert_eq!(s3.copies(), before);
        assert!(aside.contains("quarantine/"), "{aside}");
        assert_eq!(blobs.size(&digest).await.unwrap(), None);
    }
    let aside: Vec<String> = s3.objects();
    let aside = aside.iter().filter(|key| key.contains("/quarantine/"));
    assert_eq!(aside.count(), 2);
}

/// Whoever saw a spoiled blob puts aside that one, and not the right bytes that came in its place meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_meanwhile_is_not_put_aside() {
    for_each_storage(|blobs, objects| async move {
        let bytes = noise(100_000);
        let digest = Digest::sha256_of(&bytes);
        let put = async || {
            let kept = blobs
                .put_verified(&digest, pieces(&bytes, 65_536), u64::MAX)
                .await;
            kept.unwrap();
            blobs.find(&digest).await.unwrap().unwrap()
        };
        let first = put().await;
        let spoiled = StoredBlob {
            size: first.size - 1,
            ..first
        };
        assert_eq!(blobs.quarantine(&spoiled).await.unwrap(), None);
        assert_eq!(objects().len(), 1, "{:?}", objects());
        assert!(read(&blobs, &digest, None).await.unwrap().1 == bytes);
        let now = put().await;
        assert!(blobs.quarantine(&now).await.unwrap().is_some());
        assert_eq!(blobs.size(&digest).await.unwrap(), None);
        assert_eq!(blobs.quarantine(&now).await.unwrap(), None, "it is gone");
        assert_eq!(objects().len(), 1, "{:?}", objects());
    })
    .await;
}

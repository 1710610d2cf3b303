//! An honest registry: tags, manifests byte for byte, blobs whole and in part, lists.

use app::upstream::UpstreamError;
use oci::{Digest, Reference};
use testkit::image::ImageBuilder;
use testkit::registry::{Mode, Registry};

use crate::common::{REPOSITORY, collect, egress, fetch_largest, registry, tag};

#[tokio::test]
async fn a_tag_is_resolved_and_its_manifest_comes_byte_for_byte() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    for (name, image) in [
        ("oci", ImageBuilder::all_platforms().build()),
        ("docker", ImageBuilder::all_platforms().docker().build()),
        (
            "single",
            ImageBuilder::new().platform("linux/amd64").single().build(),
        ),
    ] {
        upstream.push_image(REPOSITORY, name, &image).await.unwrap();
        let registry = registry(&egress(), &upstream.host, None);
        let resolved = registry.tagged(&tag(name)).await.unwrap();
        assert_eq!(resolved.digest.as_str(), image.top().digest);
        assert_eq!(resolved.media_type, image.top().media_type);
        assert_eq!(resolved.bytes[..], image.top().bytes[..]);
        for expected in &image.manifests {
            let digest: Digest = expected.digest.parse().unwrap();
            let manifest = registry.manifest(&Reference::Digest(digest)).await.unwrap();
            assert_eq!(manifest.bytes[..], expected.bytes[..]);
            assert_eq!(manifest.media_type, expected.media_type);
        }
    }
}

#[tokio::test]
async fn blobs_come_whole_and_from_the_middle() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::new()
        .platform("linux/amd64")
        .noise(300_000)
        .build();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    let (digest, bytes) = image.largest_blob();
    assert!(bytes.len() > 300_000);
    assert_eq!(fetch_largest(&registry, &image).await.unwrap(), *bytes);
    let digest = digest.parse().unwrap();
    let size = bytes.len() as u64;
    for from in [1, 100_000, size - 1, size] {
        let stream = registry.blob(&digest, size, from).await.unwrap();
        let part = collect(stream).await.unwrap();
        assert_eq!(part, bytes[usize::try_from(from).unwrap()..], "from {from}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::new().platform("linux/amd64").build();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    let missing = registry.tagged(&tag("9.9")).await.unwrap_err();
    assert!(
        matches!(missing, UpstreamError::NotFound { .. }),
        "{missing}"
    );
    let text = missing.to_string();
    assert!(
        text.contains("tag 9.9") && text.contains(REPOSITORY) && text.contains(&upstream.host),
        "{text}"
    );
    let Err(blob) = registry.blob(&Digest::sha256_of(b"x"), 1, 0).await else {
        panic!("a blob that is not there was opened");
    };
    assert!(matches!(blob, UpstreamError::BlobMissing { .. }), "{blob}");
    assert!(
        registry
            .referrers(&Digest::sha256_of(b"x"), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn every_tag_is_listed() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::new().platform("linux/amd64").single().build();
    for name in ["1.0", "1.1", "latest"] {
        upstream.push_image(REPOSITORY, name, &image).await.unwrap();
    }
    let registry = registry(&egress(), &upstream.host, None);
    let mut tags = registry.tags().await.unwrap();
    tags.sort();
    assert_eq!(tags, [tag("1.0"), tag("1.1"), tag("latest")]);
}

#[tokio::test]
async fn nothing_is_listening() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = registry(&egress(), &host, None)
        .tagged(&tag("1.0"))
        .await
        .unwrap_err();
    assert!(error.may_pass());
    assert!(
        error
            .to_string()
            .contains(&format!("no connection to `{host}`")),
        "{error}"
    );
}

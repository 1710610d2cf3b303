//! Planning a copy: everything reachable, each once, within bounds, and holes named.

use app::upstream::{Choice, CopyLimits, UpstreamError, plan_copy};
use testkit::hostile::{self, Trick};
use testkit::http::{Response, Server};
use testkit::image::ImageBuilder;
use testkit::registry::{Mode, Registry};

use crate::common::{REPOSITORY, egress, registry};

/// As a plan says that was read from `offer.yaml`.
fn choice(platforms: &[&str]) -> Choice {
    let plan = serde_json::json!({
        "plan": "standard", "platforms": platforms, "image": {"declared_only": true},
    });
    Choice::of(&serde_json::from_value(plan).unwrap())
}

#[tokio::test]
async fn a_plan_holds_everything_the_tags_reach_once() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::all_platforms().attestation().nested().build();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    upstream
        .push_image(REPOSITORY, "latest", &image)
        .await
        .unwrap();
    let child = ImageBuilder::all_platforms().single().build();
    upstream
        .push_image(REPOSITORY, "amd64", &child)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    let tags = ["amd64", "1.0", "absent", "latest"];
    let plan = plan_copy(&registry, &tags, &CopyLimits::default(), &Choice::all())
        .await
        .unwrap();

    assert_eq!(plan.missing, ["absent"]);
    assert_eq!(plan.tags.len(), 3);
    assert_eq!(plan.tags["1.0"], plan.tags["latest"]);
    assert_eq!(plan.tags["1.0"].as_str(), image.top().digest);
    assert_eq!(plan.tags["amd64"].as_str(), child.top().digest);

    let mut found: Vec<&str> = plan
        .manifests
        .iter()
        .map(|found| found.digest.as_str())
        .collect();
    let mut expected: Vec<&str> = image
        .manifests
        .iter()
        .map(|made| made.digest.as_str())
        .collect();
    for (at, manifest) in plan.manifests.iter().enumerate() {
        for listed in manifest.children() {
            let place = found
                .iter()
                .position(|digest| *digest == listed.digest.as_str());
            assert!(
                place.is_some_and(|place| place < at),
                "children stand before their index"
            );
        }
    }
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);

    let mut blobs: Vec<&str> = plan.blobs.iter().map(|blob| blob.digest.as_str()).collect();
    let mut made: Vec<&str> = image
        .blobs
        .iter()
        .map(|(digest, _)| digest.as_str())
        .collect();
    blobs.sort_unstable();
    made.sort_unstable();
    assert_eq!(blobs, made);
    let bytes: usize = image
        .blobs
        .iter()
        .map(|(_, bytes)| bytes.len())
        .sum::<usize>()
        + image
            .manifests
            .iter()
            .map(|made| made.bytes.len())
            .sum::<usize>();
    assert_eq!(plan.total_bytes, bytes as u64);
}

#[tokio::test]
async fn an_absent_child_is_named_with_its_platform() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::all_platforms().build();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    let child = &image.manifests[1];
    upstream
        .delete_manifest(REPOSITORY, &child.digest)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    let error = plan_copy(&registry, &["1.0"], &CopyLimits::default(), &Choice::all())
        .await
        .unwrap_err();
    let UpstreamError::ChildMissing {
        index,
        child: missing,
        platform,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(index.as_str(), image.top().digest);
    assert_eq!(missing.as_str(), child.digest);
    assert_eq!(platform, "linux/arm64");
    assert!(error.to_string().contains("linux/arm64"), "{error}");
}

#[tokio::test]
async fn a_missing_blob_is_named_when_it_is_fetched() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let image = ImageBuilder::new().platform("linux/amd64").build();
    upstream
        .push_image(REPOSITORY, "1.0", &image)
        .await
        .unwrap();
    let gone = &image.largest_blob().0;
    upstream.delete_blob(REPOSITORY, gone).await.unwrap();
    let registry = registry(&egress(), &upstream.host, None);
    let plan = plan_copy(&registry, &["1.0"], &CopyLimits::default(), &Choice::all())
        .await
        .unwrap();
    let blob = plan
        .blobs
        .iter()
        .find(|blob| blob.digest.as_str() == gone)
        .unwrap();
    let Err(error) = registry.blob(&blob.digest, blob.size, 0).await else {
        panic!("a blob that is gone was opened");
    };
    assert!(
        matches!(error, UpstreamError::BlobMissing { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(gone), "{error}");
}

#[tokio::test]
async fn bounds_are_named_with_what_to_do() {
    let image = ImageBuilder::all_platforms().build();
    let server = hostile::serve(&image, REPOSITORY, "1.0", Trick::None)
        .await
        .unwrap();
    let registry = registry(&egress(), &server.host(), None);
    let open = CopyLimits::default();
    for (limits, what) in [
        (
            CopyLimits {
                manifests_max: 3,
                ..open
            },
            "manifests of one image",
        ),
        (
            CopyLimits {
                image_bytes_max: 1_500,
                ..open
            },
            "bytes of one image",
        ),
        (
            CopyLimits {
                blob_bytes_max: 100,
                ..open
            },
            "bytes of one layer",
        ),
    ] {
        let error = plan_copy(&registry, &["1.0"], &limits, &Choice::all())
            .await
            .unwrap_err();
        assert!(matches!(error, UpstreamError::Limit { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(!error.may_pass());
    }
    let error = plan_copy(&registry, &["a b"], &open, &Choice::all())
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Tag { .. }), "{error}");
    let many: Vec<String> = (0..101).map(|number| format!("t{number}")).collect();
    let error = plan_copy(&registry, &many, &open, &Choice::all())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("tags of one plan"), "{error}");
}

#[tokio::test]
async fn addresses_of_foreign_layers_are_never_contacted() {
    let server = Server::start(|_| Response::new(200, "bytes"))
        .await
        .unwrap();
    for url in [
        server.url("/layer").as_str(),
        "http://169.254.169.254/x",
        "file:///etc/passwd",
    ] {
        let image = ImageBuilder::new()
            .platform("linux/amd64")
            .foreign_layer(url)
            .build();
        let upstream = hostile::serve(&image, REPOSITORY, "1.0", Trick::None)
            .await
            .unwrap();
        let reader = registry(&egress(), &upstream.host(), None);
        let plan = plan_copy(&reader, &["1.0"], &CopyLimits::default(), &Choice::all())
            .await
            .unwrap();
        assert_eq!(plan.blobs.len(), 2, "configuration and own layer");
        assert_eq!(plan.manifests[0].layers().len(), 2, "the manifest keeps it");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}

#[tokio::test]
async fn a_moved_tag_is_read_as_it_stands_now() {
    let upstream = Registry::start(Mode::Open).await.unwrap();
    let old = ImageBuilder::new().platform("linux/amd64").build();
    let new = ImageBuilder::new()
        .platform("linux/amd64")
        .annotation("version", "2")
        .build();
    let registry = registry(&egress(), &upstream.host, None);
    let mut seen = Vec::new();
    for image in [&old, &new] {
        upstream.push_image(REPOSITORY, "1.0", image).await.unwrap();
        let plan = plan_copy(&registry, &["1.0"], &CopyLimits::default(), &Choice::all())
            .await
            .unwrap();
        seen.push(plan.tags["1.0"].to_string());
    }
    assert_eq!(seen, [old.top().digest.clone(), new.top().digest.clone()]);
}

#[tokio::test]
async fn only_chosen_platforms_are_asked_for() {
    let image = ImageBuilder::all_platforms().attestation().nested().build();
    let trick = Trick::None;
    let upstream = hostile::serve(&image, REPOSITORY, "1.0", trick)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host(), None);
    let only = choice(&["linux/arm64/v8"]);
    let plan = plan_copy(&registry, &["1.0"], &CopyLimits::default(), &only)
        .await
        .unwrap();
    let top = plan.manifest(&image.top().digest.parse().unwrap()).unwrap();
    assert_eq!(
        top.bytes.to_vec(),
        image.top().bytes,
        "the index stays as it is"
    );
    let left: Vec<&str> = plan.left_out.values().map(String::as_str).collect();
    let mut left = left;
    left.sort_unstable();
    assert_eq!(left, ["linux/amd64", "linux/arm/v7"]);
    for digest in plan.left_out.keys() {
        assert!(plan.manifest(digest).is_none());
        let asked = upstream.requests();
        assert!(
            asked
                .iter()
                .all(|request| !request.path.contains(digest.as_str()))
        );
    }
    // The two indexes, the chosen image, and an attestation that says of nothing what it is about.
    assert_eq!(plan.manifests.len(), 4);
}

#[tokio::test]
async fn what_a_tag_names_directly_is_always_taken() {
    let image = ImageBuilder::all_platforms().single().build();
    let upstream = hostile::serve(&image, REPOSITORY, "1.0", Trick::None)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host(), None);
    let only = choice(&["linux/arm64"]);
    let plan = plan_copy(&registry, &["1.0"], &CopyLimits::default(), &only)
        .await
        .unwrap();
    assert_eq!((plan.manifests.len(), plan.left_out.len()), (1, 0));
}

#[tokio::test]
async fn bounds_of_one_manifest_are_told() {
    let image = ImageBuilder::all_platforms().build();
    let upstream = hostile::serve(&image, REPOSITORY, "1.0", Trick::None)
        .await
        .unwrap();
    let registry = registry(&egress(), &upstream.host(), None);
    let open = CopyLimits::default();
    for (limits, what) in [
        (
            CopyLimits {
                manifest_bytes_max: 100,
                ..open
            },
            "bytes of one manifest",
        ),
        (
            CopyLimits {
                manifest_entries_max: 2,
                ..open
            },
            "entries of one manifest",
        ),
        (
            CopyLimits {
                layers_max: 0,
                ..open
            },
            "layers of one image",
        ),
    ] {
        let error = plan_copy(&registry, &["1.0"], &limits, &Choice::all())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

//! Debian's own clients against the registry: skopeo, podman and buildah decide whether we speak the protocol.

use std::path::{Path, PathBuf};
use std::process::Output;

use oci::Manifest;
use testkit::folder::Folder;
use testkit::image::{ImageBuilder, TestImage};
use tokio::process::Command;

use crate::market::{DEV, INBOX, LIVE, Market, PASSWORD, on_both, on_both_with, small};
use crate::redirect::redirecting;

/// A client's own corner: configuration, credentials and image storage away from the machine's.
struct Corner {
    folder: Folder,
}

impl Corner {
    fn new() -> Self {
        let folder = Folder::new("clients").unwrap();
        let at = folder.path();
        std::fs::write(
            at.join("policy.json"),
            r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
        )
        .unwrap();
        std::fs::write(
            at.join("registries.conf"),
            "unqualified-search-registries = []\n",
        )
        .unwrap();
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
            at.display()
        );
        std::fs::write(at.join("storage.conf"), storage).unwrap();
        // What a container host without CAP_SYS_RESOURCE and with hybrid control groups needs.
        let engine = "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n\
            [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
        std::fs::write(at.join("containers.conf"), engine).unwrap();
        // buildah wants the file to be there before anyone has signed in.
        std::fs::write(at.join("auth.json"), "{}").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let at = self.folder.path();
        let output = Command::new(program)
            .args(arguments)
            .env("HOME", at)
            .env("XDG_RUNTIME_DIR", at)
            .env("REGISTRY_AUTH_FILE", at.join("auth.json"))
            .env("CONTAINERS_CONF", at.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", at.join("storage.conf"))
            .env("CONTAINERS_REGISTRIES_CONF", at.join("registries.conf"))
            .env("BUILDAH_ISOLATION", "chroot")
            .kill_on_drop(true)
            .output()
            .await;
        output.unwrap_or_else(|error| {
            panic!("{program} is needed by this test (apt-get install {program}): {error}")
        })
    }

    async fn ok(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn skopeo(&self, arguments: &[&str]) -> String {
        let policy = self.path("policy.json").display().to_string();
        let mut all = vec!["--policy", policy.as_str()];
        all.extend_from_slice(arguments);
        self.ok("skopeo", &all).await
    }
}

/// Writes an image as an OCI layout, so that a client can push it.
fn layout(folder: &Path, image: &TestImage, tag: &str) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let manifests = image
        .manifests
        .iter()
        .map(|manifest| (&manifest.digest, &manifest.bytes));
    for (digest, bytes) in image
        .blobs
        .iter()
        .map(|(digest, bytes)| (digest, bytes))
        .chain(manifests)
    {
        std::fs::write(blobs.join(digest.strip_prefix("sha256:").unwrap()), bytes).unwrap();
    }
    std::fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    let top = image.top();
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [{
        "mediaType": top.media_type, "digest": top.digest, "size": top.bytes.len(),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }]});
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_copies_every_platform_in_and_out() {
    on_both(copies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_follows_to_the_object_store() {
    on_both_with(redirecting(), copies).await;
}

async fn copies(market: Market) {
    let corner = Corner::new();
    // A layer over one read slice and over one part of the object store.
    let image = ImageBuilder::all_platforms().noise(9 * 1024 * 1024).build();
    layout(&corner.path("in"), &image, "1.0.0");
    let source = format!("oci:{}:1.0.0", corner.path("in").display());
    let inbox = format!("docker://{}/{INBOX}:1.0.0", market.peer);
    let credentials = format!("{DEV}:{PASSWORD}");
    let push = [
        "copy",
        "--all",
        "--dest-tls-verify=false",
        "--dest-creds",
        &credentials,
        &source,
        &inbox,
    ];
    corner.skopeo(&push).await;
    let got = market
        .ask(
            "GET",
            &format!("/v2/{INBOX}/manifests/1.0.0"),
            &[("Authorization", &market.pusher(INBOX).await)],
            b"",
        )
        .await;
    assert!(
        got.body == image.top().bytes,
        "the index arrived byte for byte"
    );
    // Again: everything is there, nothing breaks.
    corner.skopeo(&push).await;
    // From one repository to another of ours: by mount.
    let second = format!("docker://{}/incoming/contoso/second:1.0.0", market.peer);
    let both = [
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds",
        &credentials,
        "--dest-creds",
        &credentials,
        &inbox,
        &second,
    ];
    corner.skopeo(&both).await;
    // Out, anonymously, by digest.
    market.release(LIVE, "latest", &image, true).await;
    let live = format!("docker://{}/{LIVE}@{}", market.peer, image.top().digest);
    let out = format!("oci:{}:out", corner.path("out").display());
    corner
        .skopeo(&["copy", "--all", "--src-tls-verify=false", &live, &out])
        .await;
    for (digest, bytes) in &image.blobs {
        let file = corner
            .path("out/blobs/sha256")
            .join(digest.strip_prefix("sha256:").unwrap());
        assert!(std::fs::read(file).unwrap() == *bytes, "{digest}");
    }
    let listed = corner
        .skopeo(&[
            "list-tags",
            "--tls-verify=false",
            &format!("docker://{}/{LIVE}", market.peer),
        ])
        .await;
    assert!(listed.contains("\"latest\""), "{listed}");
    // What is not public is not had without credentials.
    let output = corner
        .run(
            "skopeo",
            &["inspect", "--raw", "--tls-verify=false", &inbox],
        )
        .await;
    assert!(!output.status.success());
    // And deleted with them.
    corner
        .skopeo(&[
            "delete",
            "--tls-verify=false",
            "--creds",
            &credentials,
            &second,
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_signs_in_pulls_and_searches() {
    let market = small().await;
    let corner = Corner::new();
    let host = market.peer.to_string();
    let wrong = [
        "login",
        "--tls-verify=false",
        "-u",
        DEV,
        "-p",
        "wrong password",
        &host,
    ];
    let output = corner.run("podman", &wrong).await;
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("invalid username/password"),
        "{output:?}"
    );
    let told = corner
        .ok(
            "podman",
            &[
                "login",
                "--tls-verify=false",
                "-u",
                DEV,
                "-p",
                PASSWORD,
                &host,
            ],
        )
        .await;
    assert!(told.contains("Login Succeeded"), "{told}");
    let image = ImageBuilder::all_platforms().build();
    market.push_image(INBOX, "1.0.0", &image).await;
    market.release(LIVE, "latest", &image, true).await;
    // Signed in, one's own; signed out, what is public.
    let own = format!("{host}/{INBOX}:1.0.0");
    corner
        .ok("podman", &["pull", "--quiet", "--tls-verify=false", &own])
        .await;
    corner.ok("podman", &["logout", &host]).await;
    let output = corner
        .run(
            "podman",
            &[
                "pull",
                "--quiet",
                "--tls-verify=false",
                &format!("{host}/{INBOX}:none"),
            ],
        )
        .await;
    assert!(!output.status.success());
    for name in [
        format!("{host}/{LIVE}:latest"),
        format!("{host}/{LIVE}@{}", image.top().digest),
    ] {
        corner
            .ok("podman", &["pull", "--quiet", "--tls-verify=false", &name])
            .await;
    }
    let tags = corner
        .ok(
            "podman",
            &[
                "search",
                "--tls-verify=false",
                "--list-tags",
                &format!("{host}/{LIVE}"),
            ],
        )
        .await;
    assert!(tags.contains("latest"), "{tags}");
    corner
        .ok(
            "podman",
            &["search", "--tls-verify=false", &format!("{host}/sensor")],
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buildah_builds_and_pushes() {
    let market = small().await;
    let corner = Corner::new();
    std::fs::write(
        corner.path("Containerfile"),
        "FROM scratch\nCOPY policy.json /policy.json\nENV GREETING=hello\n",
    )
    .unwrap();
    let context = corner.folder.path().display().to_string();
    let file = corner.path("Containerfile").display().to_string();
    let name = format!("{}/{INBOX}:2.0.0", market.peer);
    corner
        .ok(
            "buildah",
            &["bud", "--quiet", "-f", &file, "-t", &name, &context],
        )
        .await;
    let credentials = format!("{DEV}:{PASSWORD}");
    corner
        .ok(
            "buildah",
            &[
                "push",
                "--quiet",
                "--tls-verify=false",
                "--creds",
                &credentials,
                &name,
            ],
        )
        .await;
    let token = market.pusher(INBOX).await;
    let got = market
        .ask(
            "GET",
            &format!("/v2/{INBOX}/manifests/2.0.0"),
            &[("Authorization", &token)],
            b"",
        )
        .await;
    let manifest = Manifest::parse(Some(got.header("content-type")), &got.body).unwrap();
    assert_eq!(manifest.layers().len(), 1);
}

//! A marketplace with its jobs running, the publisher's own registry, and people who use the binary.

mod lint;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use app::accounts::{SignUp, create_account, verify_password};
use app::clock::Clock;
use app::egress::{Egress, EgressPolicy};
use app::publishers::{BecomePublisher, become_publisher};
use app::registry::TokenKeys;
use app::secrets::SecretKeys;
use app::settings::{Limits, RegistrySettings, Runs, Settings, Transfers};
use app::{App, Parts};
use domain::actor::Actor;
use serde_json::Value;
use testkit::folder::Folder;
use testkit::image::{TestImage, TestManifest};
use testkit::registry::{Mode, Registry};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::watch;

pub(crate) const PASSWORD: &str = "a long enough password";
pub(crate) const OWNER: &str = "owner@contoso.example";
pub(crate) const OPERATOR: &str = "operator@market.example";

/// A marketplace that listens, the publisher's own registry, and a folder for the users of the command line.
pub(crate) struct Market {
    pub(crate) app: App,
    pub(crate) url: String,
    pub(crate) upstream: Registry,
    pub(crate) folder: Folder,
    stop: watch::Sender<bool>,
}

impl Drop for Market {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

impl Market {
    pub(crate) async fn open() -> Self {
        Self::with_engine(None).await
    }

    /// One that runs what it certifies.
    pub(crate) async fn with_engine(engine: Option<String>) -> Self {
        let folder = Folder::new("cli-market").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let database = format!("sqlite://{}", path("edgemart.db"));
        let store = store::open(&database, &format!("file://{}", path("blobs")), None)
            .await
            .unwrap();
        let upstream = Registry::start(Mode::Open).await.unwrap();
        let mut egress = EgressPolicy::allowing(&[&upstream.host]).unwrap();
        egress.insecure.clone_from(&egress.allow);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let app = App::start(Parts {
            store,
            clock: Clock::System,
            settings: Settings {
                public_url: format!("http://{host}").parse().unwrap(),
                registry_host: host.clone(),
                name: "Test market".into(),
                onboarding_contact: OPERATOR.into(),
                terms_version: "1".into(),
                open_sign_up: true,
                check_links: false,
                limits: Limits::default(),
                runtime: domain::deployment::Runtime::default(),
                registry: RegistrySettings::default(),
                engine,
                runs: Runs::default(),
                transfers: Transfers::default(),
            },
            secrets: SecretKeys::open_or_create(&folder.path().join("secrets.key")).unwrap(),
            token_keys: TokenKeys::ephemeral().unwrap(),
            egress: Egress::new(egress).unwrap(),
        })
        .await
        .unwrap();
        let (stop, stopped) = watch::channel(false);
        app.spawn_background(&stopped);
        let router = web::router(app.clone(), web::Options::default());
        let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let url = format!("http://{host}");
        Self {
            app,
            url,
            upstream,
            folder,
            stop,
        }
    }

    /// An operator, and an owner whose publisher waits for approval.
    pub(crate) async fn people(&self) {
        for (email, operator) in [(OPERATOR, true), (OWNER, false)] {
            let command = SignUp {
                email: email.into(),
                name: email.into(),
                password: PASSWORD.into(),
            };
            create_account(&self.app, &Actor::System, command, operator, operator)
                .await
                .unwrap();
        }
        let owner = verify_password(&self.app, OWNER, PASSWORD)
            .await
            .unwrap()
            .unwrap();
        let command = BecomePublisher {
            id: "contoso".into(),
            title: "Contoso".into(),
            contact_email: OWNER.into(),
            terms_version: "1".into(),
            terms_accepted: true,
            ..BecomePublisher::default()
        };
        become_publisher(&self.app, &Actor::Account(owner), command)
            .await
            .unwrap();
    }

    /// Runs the binary as one of several users, each with a home folder.
    pub(crate) async fn edgemart(&self, user: &str, arguments: &[&str], input: &str) -> Output {
        let home = self.folder.path().join(user);
        std::fs::create_dir_all(&home).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .args(arguments)
            .current_dir(&home)
            .env_clear()
            .env("HOME", &home)
            .env("EDGEMART_URL", &self.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // A verb that does not read its input may be gone already.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .await;
        child.wait_with_output().await.unwrap()
    }

    /// Runs the binary, expects this end, and gives stdout and stderr.
    pub(crate) async fn ends(&self, user: &str, code: i32, arguments: &[&str]) -> (String, String) {
        let input = if arguments.contains(&"--password-stdin") {
            format!("{PASSWORD}\n")
        } else {
            String::new()
        };
        let output = self.edgemart(user, arguments, &input).await;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (told, said) = (text(output.stdout), text(output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}\nstdout:\n{told}\nstderr:\n{said}"
        );
        (told, said)
    }

    pub(crate) async fn seed(&self, repository: &str) {
        for seed in samples::images()
            .unwrap()
            .into_iter()
            .filter(|seed| seed.repository == repository)
        {
            let image = test_image(seed.image);
            for (tag, digest) in &seed.tags {
                let mut tagged = image.clone();
                let at = tagged
                    .manifests
                    .iter()
                    .position(|m| m.digest == *digest)
                    .unwrap();
                let top = tagged.manifests.remove(at);
                if top.digest != image.top().digest {
                    tagged.manifests.clear();
                }
                tagged.manifests.push(top);
                self.upstream
                    .push_image(repository, tag, &tagged)
                    .await
                    .unwrap();
            }
        }
    }

    /// A sample's folder in the owner's home, its images coming from the registry of this test.
    pub(crate) fn sample(&self, name: &str) -> PathBuf {
        let dir = self.folder.path().join("owner").join(name);
        std::fs::create_dir_all(dir.join("logos")).unwrap();
        let sample = samples::offers()
            .into_iter()
            .find(|sample| sample.offer == name)
            .unwrap();
        for (path, bytes) in &sample.files {
            std::fs::write(dir.join(path), bytes).unwrap();
        }
        let yaml = std::fs::read_to_string(dir.join("offer.yaml")).unwrap();
        let ours = |line: &str| match line.trim_start() {
            text if text.starts_with("publisher:") => "publisher: contoso".to_owned(),
            text if text.starts_with("registry:") => {
                format!("      registry: '{}'", self.upstream.host)
            }
            _ => line.to_owned(),
        };
        let yaml: Vec<String> = yaml.lines().map(ours).collect();
        std::fs::write(dir.join("offer.yaml"), yaml.join("\n") + "\n").unwrap();
        dir
    }
}

pub(crate) fn test_image(image: samples::Image) -> TestImage {
    let index = TestManifest {
        digest: image.index_digest,
        media_type: image.index_media_type.into(),
        bytes: image.index,
    };
    let children = image.children.into_iter().map(|child| TestManifest {
        digest: child.digest,
        media_type: child.media_type.into(),
        bytes: child.bytes,
    });
    TestImage {
        manifests: children.chain([index]).collect(),
        blobs: image.blobs,
        absent: Vec::new(),
    }
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Owner and operator sign in at the command line.
pub(crate) async fn sign_in(market: &Market) {
    let login = ["login", "--email", OWNER, "--password-stdin"];
    let wrong = market.edgemart("owner", &login, "not it\n").await;
    assert_eq!(wrong.status.code(), Some(4));
    market.ends("owner", 0, &login).await;
    let kept = market
        .folder
        .path()
        .join("owner/.config/edgemart/credentials.toml");
    assert!(std::fs::read_to_string(&kept).unwrap().contains("emt_"));
    let admin = [
        "login",
        "--email",
        OPERATOR,
        "--password-stdin",
        "--scope",
        "read",
        "--scope",
        "admin",
    ];
    market.ends("operator", 0, &admin).await;
    let (tokens, _) = market
        .ends("owner", 0, &["token", "list", "-o", "json"])
        .await;
    assert_eq!(
        json(&tokens)["items"].as_array().unwrap().len(),
        1,
        "{tokens}"
    );
}

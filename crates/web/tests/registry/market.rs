//! A marketplace in this process: two approved publishers with a member each, a stranger, and a released image.

use std::future::Future;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use app::accounts::{SignUp, create_account, verify_password};
use app::clock::Clock;
use app::egress::{Egress, EgressPolicy};
use app::publishers::{BecomePublisher, Decision, become_publisher, decide_publisher};
use app::registry::TokenKeys;
use app::secrets::SecretKeys;
use app::settings::{Limits, Quota, RegistrySettings, Runs, Settings, Transfers};
use app::{App, Parts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::actor::Actor;
use oci::Digest;
use store::registry::StoredManifest;
use store::{Blobs, Reader, Writer};
use testkit::folder::Folder;
use testkit::image::TestImage;
use testkit::s3::S3Server;

use crate::http::{Answer, send};

/// Everyone's password here.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Member of `contoso`.
pub(crate) const DEV: &str = "dev@contoso.example";
/// Member of `fabrikam`.
pub(crate) const EVE: &str = "eve@fabrikam.example";
/// Member of nothing.
pub(crate) const GUEST: &str = "guest@home.example";
/// Where `contoso` pushes.
pub(crate) const INBOX: &str = "incoming/contoso/sensor";
/// Where `contoso`'s images are served.
pub(crate) const LIVE: &str = "contoso/sensor/standard";

/// Where a marketplace lives; kept until the last of its processes is gone.
#[derive(Clone)]
struct Home {
    database: String,
    storage: String,
    folder: Arc<Folder>,
    s3: Option<Arc<S3Server>>,
    registry: RegistrySettings,
    quota: Quota,
    transfers: Transfers,
}

/// See the module.
pub(crate) struct Market {
    pub(crate) app: App,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) blobs: Blobs,
    pub(crate) peer: SocketAddr,
    home: Home,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Market {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Runs a story on SQLite with a folder, then on PostgreSQL with S3.
pub(crate) async fn on_both<F, Told>(story: F)
where
    F: Fn(Market) -> Told,
    Told: Future<Output = ()>,
{
    on_both_with(RegistrySettings::default(), story).await;
}

/// The same with the operator's decisions about `/v2`.
pub(crate) async fn on_both_with<F, Told>(registry: RegistrySettings, story: F)
where
    F: Fn(Market) -> Told,
    Told: Future<Output = ()>,
{
    eprintln!("on SQLite and a folder:");
    story(small_with(registry.clone()).await).await;
    eprintln!("on PostgreSQL and S3:");
    story(large_with(registry, Quota::default()).await).await;
}

/// The same with bounds on what a publisher may hold.
pub(crate) async fn on_both_within<F, Told>(quota: Quota, story: F)
where
    F: Fn(Market) -> Told,
    Told: Future<Output = ()>,
{
    let registry = RegistrySettings::default();
    eprintln!("on SQLite and a folder:");
    let transfers = Transfers::default();
    story(found_small(registry.clone(), quota, transfers, Clock::System).await).await;
    eprintln!("on PostgreSQL and S3:");
    story(large_with(registry, quota).await).await;
}

/// Every part of an image before its manifest.
pub(crate) fn strict() -> RegistrySettings {
    RegistrySettings {
        sparse_manifests: false,
        ..RegistrySettings::default()
    }
}

/// A marketplace on SQLite and a folder.
pub(crate) async fn small() -> Market {
    small_at(Clock::System).await
}

/// The same with the operator's decisions about `/v2`.
pub(crate) async fn small_with(registry: RegistrySettings) -> Market {
    let transfers = Transfers::default();
    found_small(registry, Quota::default(), transfers, Clock::System).await
}

/// The same with the operator's word on slow clients.
pub(crate) async fn small_paced(transfers: Transfers) -> Market {
    let registry = RegistrySettings::default();
    found_small(registry, Quota::default(), transfers, Clock::System).await
}

/// The same with a clock of the test's own.
pub(crate) async fn small_at(clock: Clock) -> Market {
    let (registry, transfers) = (RegistrySettings::default(), Transfers::default());
    found_small(registry, Quota::default(), transfers, clock).await
}

async fn found_small(
    registry: RegistrySettings,
    quota: Quota,
    transfers: Transfers,
    clock: Clock,
) -> Market {
    let folder = Arc::new(Folder::new("registry").unwrap());
    let path = folder.path().display();
    let home = Home {
        database: format!("sqlite://{path}/edgemart.db"),
        storage: format!("file://{path}/storage"),
        folder: Arc::clone(&folder),
        s3: None,
        registry,
        quota,
        transfers,
    };
    let market = Market::open(home, clock).await;
    market.people().await;
    market
}

/// A marketplace on PostgreSQL and S3.
async fn large_with(registry: RegistrySettings, quota: Quota) -> Market {
    let s3 = testkit::s3::start().await;
    let mut storage = s3.storage_url("market");
    if registry.redirect_seconds.is_some() {
        // Another host name than the registry's, as it is outside tests: clients keep their credentials from it.
        let outside = s3.endpoint.replace("127.0.0.1", "localhost");
        storage.push_str(&format!("&client_endpoint={outside}"));
    }
    let home = Home {
        database: testkit::postgres::create_database(),
        storage,
        folder: Arc::new(Folder::new("registry").unwrap()),
        s3: Some(Arc::new(s3)),
        registry,
        quota,
        transfers: Transfers::default(),
    };
    let market = Market::open(home, Clock::System).await;
    market.people().await;
    market
}

impl Market {
    /// Another process's view of the same marketplace: a replica beside this one, or this one after a restart. It has
    /// the same address for clients and its own socket.
    pub(crate) async fn twin(&self) -> Self {
        Self::open(self.home.clone(), Clock::System).await
    }

    async fn open(home: Home, clock: Clock) -> Self {
        let keys = home.s3.as_ref().map(|s3| s3.keys());
        let store = store::open(&home.database, &home.storage, keys.as_ref())
            .await
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        // The name clients know it by outlives its sockets.
        let host_file = home.folder.path().join("host");
        let host = std::fs::read_to_string(&host_file).unwrap_or_else(|_| peer.to_string());
        std::fs::write(&host_file, &host).unwrap();
        let settings = Settings {
            public_url: format!("http://{host}/").parse().unwrap(),
            registry_host: host,
            name: "Test".into(),
            onboarding_contact: "hello@market.example".into(),
            terms_version: "1".into(),
            open_sign_up: true,
            check_links: false,
            limits: Limits {
                blob_bytes_max: 64 * 1024 * 1024,
                quota: home.quota,
                ..Limits::default()
            },
            runtime: domain::deployment::Runtime::default(),
            engine: None,
            runs: Runs::default(),
            registry: home.registry.clone(),
            transfers: home.transfers,
        };
        let (reader, writer, blobs) = (
            store.reader.clone(),
            store.writer.clone(),
            store.blobs.clone(),
        );
        let parts = Parts {
            store,
            clock,
            settings,
            secrets: SecretKeys::open_or_create(&home.folder.path().join("secret.keys")).unwrap(),
            token_keys: TokenKeys::open_or_create(&home.folder.path().join("token.keys")).unwrap(),
            egress: Egress::new(EgressPolicy::default()).unwrap(),
        };
        let app = App::start(parts).await.unwrap();
        let router = web::registry::router(app.clone());
        let server = tokio::spawn(crate::listen::serve(listener, router, home.transfers));
        Self {
            app,
            reader,
            writer,
            blobs,
            peer,
            home,
            server,
        }
    }

    async fn people(&self) {
        let boss = self.account("boss@market.example", true).await;
        for (email, publisher) in [(DEV, "contoso"), (EVE, "fabrikam")] {
            let owner = self.account(email, false).await;
            let command = BecomePublisher {
                id: publisher.into(),
                title: publisher.into(),
                contact_email: email.into(),
                terms_version: "1".into(),
                terms_accepted: true,
                ..BecomePublisher::default()
            };
            let id = become_publisher(&self.app, &owner, command).await.unwrap();
            decide_publisher(&self.app, &boss, &id, Decision::Approve { verified: false })
                .await
                .unwrap();
        }
        self.account(GUEST, false).await;
    }

    async fn account(&self, email: &str, operator: bool) -> Actor {
        let sign_up = SignUp {
            email: email.into(),
            name: "Someone".into(),
            password: PASSWORD.into(),
        };
        create_account(&self.app, &Actor::System, sign_up, false, operator)
            .await
            .unwrap();
        self.actor(email).await
    }

    /// The account as it acts in the portal.
    pub(crate) async fn actor(&self, email: &str) -> Actor {
        Actor::Account(
            verify_password(&self.app, email, PASSWORD)
                .await
                .unwrap()
                .unwrap(),
        )
    }

    /// Whether its bytes are in an object store.
    pub(crate) fn on_s3(&self) -> bool {
        self.home.s3.is_some()
    }

    /// One request.
    pub(crate) async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        send(self.peer, method, target, headers, body).await
    }

    /// `GET` without anything else.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], b"").await
    }

    /// A token for one account with one scope, as the value of an `Authorization` header.
    pub(crate) async fn token(&self, email: &str, scope: &str) -> String {
        let basic = basic(email, PASSWORD);
        let target = format!("/token?service={}&scope={scope}", self.peer);
        let answer = self
            .ask("GET", &target, &[("Authorization", &basic)], b"")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        format!("Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// A token of `contoso`'s member for everything in one repository.
    pub(crate) async fn pusher(&self, repository: &str) -> String {
        self.token(DEV, &format!("repository:{repository}:pull,push,delete"))
            .await
    }

    /// Pushes a blob in one request; answers its digest.
    pub(crate) async fn push_blob(&self, repository: &str, token: &str, bytes: &[u8]) -> String {
        let digest = testkit::image::digest(bytes);
        let target = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = self
            .ask("POST", &target, &[("Authorization", token)], bytes)
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest
    }

    /// Pushes a manifest under a tag or digest.
    pub(crate) async fn push_manifest(
        &self,
        repository: &str,
        token: &str,
        name: &str,
        (media_type, bytes): (&str, &[u8]),
    ) -> Answer {
        let headers = [("Authorization", token), ("Content-Type", media_type)];
        self.ask(
            "PUT",
            &format!("/v2/{repository}/manifests/{name}"),
            &headers,
            bytes,
        )
        .await
    }

    /// Pushes a whole image, the top manifest under `tag`.
    pub(crate) async fn push_image(&self, repository: &str, tag: &str, image: &TestImage) {
        let token = self.pusher(repository).await;
        for (_, bytes) in &image.blobs {
            self.push_blob(repository, &token, bytes).await;
        }
        for manifest in &image.manifests {
            let pushed = (manifest.media_type.as_str(), manifest.bytes.as_slice());
            let answer = self
                .push_manifest(repository, &token, &manifest.digest, pushed)
                .await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        let top = image.top();
        let answer = self
            .push_manifest(repository, &token, tag, (&top.media_type, &top.bytes))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Links an image into a release repository as go-live does; `public` decides who sees it.
    pub(crate) async fn release(
        &self,
        repository: &str,
        tag: &str,
        image: &TestImage,
        public: bool,
    ) {
        let now = self.app.clock.now();
        let tx = self.writer.begin().await.unwrap();
        for (digest, bytes) in &image.blobs {
            let digest = Digest::from_str(digest).unwrap();
            let body = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.clone().into())]);
            self.blobs
                .put_verified(&digest, body, u64::MAX)
                .await
                .unwrap();
            let size = i64::try_from(bytes.len()).unwrap();
            store::registry::link_blob(&tx, repository, &digest, size, public, now)
                .await
                .unwrap();
        }
        for manifest in &image.manifests {
            let digest = Digest::from_str(&manifest.digest).unwrap();
            let row = StoredManifest {
                digest: digest.clone(),
                media_type: manifest.media_type.clone(),
                bytes: manifest.bytes.clone(),
                subject: None,
                artifact_type: None,
            };
            store::registry::put_manifest(&tx, &row).await.unwrap();
            store::registry::link_manifest(&tx, repository, &digest, public, now)
                .await
                .unwrap();
        }
        if public {
            let top = Digest::from_str(&image.top().digest).unwrap();
            store::registry::set_tag(&tx, repository, tag, &top, now)
                .await
                .unwrap();
            store::catalog_version::bump(&tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// A Basic `Authorization` value.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

//! A marketplace in this process, with people and with modules that are live, written as rows so that no registry and no
//! pipeline is needed. Requests go straight into the router.

#![expect(dead_code, reason = "every test crate uses its own part of it")]

pub mod modules;

use app::accounts::{CreateToken, SignUp, create_account, create_token, sign_in, verify_password};
use app::clock::Clock;
use app::egress::{Egress, EgressPolicy};
use app::publishers::{BecomePublisher, Decision, become_publisher, decide_publisher};
use app::registry::TokenKeys;
use app::secrets::SecretKeys;
use app::settings::{Limits, RegistrySettings, Runs, Settings, Transfers};
use app::{App, Parts};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use domain::actor::Actor;
use domain::role::TokenScope;
use store::{Blobs, Reader, Writer};
use testkit::folder::Folder;
use tower::ServiceExt;

/// Everyone's password here.
pub const PASSWORD: &str = "correct horse battery";
/// Owner of `contoso`, which is verified.
pub const DEV: &str = "dev@contoso.example";
/// Owner of `fabrikam`.
pub const EVE: &str = "eve@fabrikam.example";
/// Member of nothing.
pub const GUEST: &str = "guest@home.example";
/// Operator.
pub const BOSS: &str = "boss@market.example";
/// 2 Mar 2026, 14:05 UTC.
pub const NOW: i64 = 1_772_460_300_000_000;

/// See the module.
pub struct Market {
    pub app: App,
    pub reader: Reader,
    pub writer: Writer,
    pub blobs: Blobs,
    pub router: Router,
    pub folder: Folder,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A marketplace with people and no modules.
pub async fn empty() -> Market {
    let folder = Folder::new("web").unwrap();
    let path = folder.path().display();
    let (database, storage) = (
        format!("sqlite://{path}/edgemart.db"),
        format!("file://{path}/storage"),
    );
    let store = store::open(&database, &storage, None).await.unwrap();
    let (reader, writer, blobs) = (
        store.reader.clone(),
        store.writer.clone(),
        store.blobs.clone(),
    );
    let parts = Parts {
        store,
        clock: Clock::manual(NOW),
        settings: Settings {
            public_url: "http://market.example".parse().unwrap(),
            registry_host: "market.example".into(),
            name: "Test market".into(),
            onboarding_contact: "hello@market.example".into(),
            terms_version: "2026-01".into(),
            open_sign_up: true,
            check_links: false,
            limits: Limits::default(),
            runtime: domain::deployment::Runtime::default(),
            engine: None,
            runs: Runs::default(),
            registry: RegistrySettings::default(),
            transfers: Transfers::default(),
        },
        secrets: SecretKeys::open_or_create(&folder.path().join("secret.keys")).unwrap(),
        token_keys: TokenKeys::ephemeral().unwrap(),
        egress: Egress::new(EgressPolicy::default()).unwrap(),
    };
    let app = App::start(parts).await.unwrap();
    let router = web::router(app.clone(), web::Options::default());
    let market = Market {
        app,
        reader,
        writer,
        blobs,
        router,
        folder,
    };
    market.people().await;
    market
}

/// A marketplace with people and the modules of [`modules`].
pub async fn stocked() -> Market {
    let market = empty().await;
    modules::stock(&market).await;
    market
}

impl Market {
    async fn people(&self) {
        let boss = self.account(BOSS, true).await;
        for (email, publisher, title, verified) in [
            (DEV, "contoso", "Contoso Machines", true),
            (EVE, "fabrikam", "Fabrikam", false),
        ] {
            let owner = self.account(email, false).await;
            let command = BecomePublisher {
                id: publisher.into(),
                title: title.into(),
                summary: "Sensors & gateways since 1987.".into(),
                website: format!("https://{publisher}.example"),
                contact_email: email.into(),
                terms_version: "2026-01".into(),
                terms_accepted: true,
            };
            let id = become_publisher(&self.app, &owner, command).await.unwrap();
            decide_publisher(&self.app, &boss, &id, Decision::Approve { verified })
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

    /// The account as it acts in a browser.
    pub async fn actor(&self, email: &str) -> Actor {
        Actor::Account(
            verify_password(&self.app, email, PASSWORD)
                .await
                .unwrap()
                .unwrap(),
        )
    }

    /// A session: the value of `Cookie`, and its anti-forgery token.
    pub async fn session(&self, email: &str) -> (String, String) {
        let session = sign_in(&self.app, email, PASSWORD, "192.0.2.1")
            .await
            .unwrap();
        (format!("edgemart={}", session.secret), session.csrf)
    }

    /// The value of `Authorization` of a new token.
    pub async fn bearer(&self, email: &str, scopes: &[TokenScope]) -> String {
        let actor = self.actor(email).await;
        let command = CreateToken {
            name: "test".into(),
            scopes: scopes.to_vec(),
            days: 1,
        };
        format!(
            "Bearer {}",
            create_token(&self.app, &actor, command)
                .await
                .unwrap()
                .secret
        )
    }

    /// One request into the router.
    pub async fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "market.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 8 << 20).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    /// `GET` as a visitor.
    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], b"").await
    }

    /// `GET` of a page that must be there.
    pub async fn page(&self, target: &str) -> String {
        let answer = self.get(target).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
        answer.text()
    }

    /// Shows the rows as they are now.
    pub async fn refresh(&self) {
        let tx = self.writer.begin().await.unwrap();
        store::catalog_version::bump(&tx).await.unwrap();
        tx.commit().await.unwrap();
        self.app
            .catalog
            .swap(app::catalog::build(&self.reader).await.unwrap());
    }
}

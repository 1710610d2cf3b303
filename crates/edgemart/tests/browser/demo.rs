//! The one `edgemart demo` of this test process and its people.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::process::Process;
use testkit::runs;
use tokio::sync::Mutex;

/// How long until the whole sample catalog is live; a busy machine with two cores included.
const READY_MAX: Duration = Duration::from_secs(180);

pub const OPERATOR: &str = "operator@market.example";
pub const REVIEWER: &str = "reviewer@market.example";
pub const CUSTOMER: &str = "customer@plant.example";
pub const CONTOSO: &str = "owner@contoso.example";
pub const FABRIKAM: &str = "owner@fabrikam.example";
pub const NORTHWIND: &str = "owner@northwind.example";

static DEMO: OnceLock<Demo> = OnceLock::new();

pub struct Demo {
    _process: Process,
    data: tempfile::TempDir,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    passwords: BTreeMap<String, String>,
    /// Session cookies by address: signing in is throttled, as it should be.
    sessions: Mutex<BTreeMap<String, String>>,
}

/// The demo; the first call starts it.
pub fn demo() -> &'static Demo {
    DEMO.get_or_init(|| {
        let program = env!("CARGO_BIN_EXE_edgemart");
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().display().to_string();
        let mut arguments = vec!["demo", "--listen", "127.0.0.1:0", "--data", &folder];
        arguments.extend(["--engine", "none"]);
        let process = Process::start(program, &arguments);
        // The sign-ins are on the other output than the last line, so either may be read first.
        let (ready, told) = (Cell::new(false), Cell::new(false));
        let complete = |line: &str| {
            ready.set(ready.get() || line.starts_with("ready "));
            told.set(told.get() || line.starts_with("Three things"));
            ready.get() && told.get()
        };
        let lines = process.read_until(complete, READY_MAX);
        let url = lines.iter().find_map(|line| line.strip_prefix("ready "));
        let people = lines.iter().filter(|line| line.starts_with("  "));
        let passwords = people.filter_map(|line| {
            let mut words = line.split_whitespace().rev();
            let (password, email) = (words.next()?, words.next()?);
            email
                .contains('@')
                .then(|| (email.to_owned(), password.to_owned()))
        });
        Demo {
            url: url.unwrap().to_owned(),
            passwords: passwords.collect(),
            sessions: Mutex::default(),
            _process: process,
            data,
        }
    })
}

/// A marketplace on its first day: nobody, nothing, and the set-up link still unused.
pub struct Fresh {
    _process: Process,
    _data: tempfile::TempDir,
    pub url: String,
}

impl Fresh {
    pub fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().display().to_string();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", &folder];
        let process = Process::start(env!("CARGO_BIN_EXE_edgemart"), &arguments);
        let lines = process.read_until(|line| line.starts_with("ready "), READY_MAX);
        let url = lines.last().unwrap().trim_start_matches("ready ");
        Self {
            url: url.to_owned(),
            _process: process,
            _data: data,
        }
    }
}

impl Demo {
    /// Puts down that images of a module were run, as an engine's runs would be, for what is live and for its newest
    /// submission; and that a night broke it, if it is to be so. Waits until the catalog has it.
    pub async fn measured(&self, key: &str, night: bool) {
        let place = |name: &str| self.data.path().join(name).display().to_string();
        let database = format!("sqlite://{}", place("edgemart.db"));
        let storage = format!("file://{}", place("blobs"));
        let store = store::open(&database, &storage, None).await.unwrap();
        let key: domain::ids::OfferKey = key.parse().unwrap();
        let releases = store::releases::of_offer(&store.reader, &key).await;
        let release = releases.unwrap().remove(0);
        let offer = store::offers::find(&store.reader, &key).await.unwrap();
        let live = offer.unwrap().live_submission.unwrap();
        let newest = store::submissions::latest_of_offer(&store.reader, &key).await;
        let mut submissions = vec![live, newest.unwrap().unwrap().id];
        submissions.dedup();
        for submission in submissions {
            let now = release.released_at + 1_000_000;
            let mut run = runs::ran(&store, &submission, &release.platforms[0], now).await;
            run.summary.plan = release.plan.clone();
            let why = "the engine's machine runs no arm64, and has no emulator for it";
            let mut all = vec![runs::not_run(&run, &release.platforms[1], why)];
            if night {
                all.push(runs::broke(&run, now + 1_000_000));
            }
            all.push(run);
            runs::keep(&store, &all).await;
        }
        let (publisher, offer) = (&key.publisher, &key.offer);
        let address = format!("{}/api/v1/modules/{publisher}/{offer}", self.url);
        let wanted = if night { "RUN-05" } else { "Podman Engine" };
        let shown = async {
            while !reqwest::get(&address)
                .await
                .unwrap()
                .text()
                .await
                .unwrap()
                .contains(wanted)
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let shown = tokio::time::timeout(READY_MAX, shown).await;
        shown.expect("the catalog did not follow");
    }

    pub fn password(&self, email: &str) -> &str {
        self.passwords
            .get(email)
            .unwrap_or_else(|| panic!("the demo printed no sign-in of {email}"))
    }

    /// The value of a person's session cookie; signs in at the first call.
    pub async fn session(&self, email: &str) -> String {
        let mut sessions = self.sessions.lock().await;
        if let Some(cookie) = sessions.get(email) {
            return cookie.clone();
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let answer = client
            .post(format!("{}/account/sign-in", self.url))
            .header("origin", &self.url)
            .form(&[("email", email), ("password", self.password(email))])
            .send()
            .await
            .unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
        sessions.insert(email.to_owned(), value.to_owned());
        value.to_owned()
    }
}

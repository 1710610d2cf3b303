//! The one `edgemart demo` of this test process and its people.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::process::Process;
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
        let process = Process::start(
            program,
            &["demo", "--listen", "127.0.0.1:0", "--engine", "none"],
        );
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

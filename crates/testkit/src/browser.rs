//! A real browser: headless Chromium, driven through Debian's chromedriver. One chromedriver a test process, one fresh
//! browser a window; nothing is fetched from outside this machine. Panics when Chromium is missing: a test that needs
//! it must not pass without it. Left out: what is looked at; that is the stories'.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::{ChromiumLikeCapabilities as _, DesiredCapabilities};
use thirtyfour::{WebDriver, WebDriverBuilder};

use crate::process::Process;

const STARTS_MAX: u32 = 10;
const START_MAX: Duration = Duration::from_secs(30);
/// How long a page may take to show what a story waits for.
const WAIT_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Answers of chromedriver to one command, a page load included.
const COMMAND_MAX: Duration = Duration::from_secs(120);

static DRIVER: OnceLock<(Process, String)> = OnceLock::new();

/// Address of this test process's chromedriver; the first call starts it.
fn driver() -> &'static str {
    let (_, url) = DRIVER.get_or_init(|| {
        // The HTTP client looks for a TLS provider even where it speaks plain HTTP. Another one may be there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The port that is free for one family of addresses may be taken for the other; then it gives up.
        let started = (0..STARTS_MAX).find_map(|_| start());
        started.unwrap_or_else(|| panic!("chromedriver found no port in {STARTS_MAX} starts"))
    });
    url
}

fn start() -> Option<(Process, String)> {
    let process = Process::start("chromedriver", &["--port=0", "--log-level=SEVERE"]);
    let done = |line: &str| line.contains("started successfully") || line.contains("Exiting");
    let said = process.read_until(done, START_MAX);
    let words = said.last()?.trim_end_matches('.').rsplit(' ').next()?;
    let port: u16 = words.parse().ok()?;
    Some((process, format!("http://127.0.0.1:{port}")))
}

/// Whether pages may run script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// As people browse.
    On,
    /// As a person who switched it off.
    Off,
}

/// A browser of its own, with an empty profile. Closed when dropped.
#[derive(Debug)]
pub struct Browser {
    /// Its WebDriver session.
    pub driver: WebDriver,
    /// The profile, gone with the browser.
    _profile: TempDir,
}

impl Drop for Browser {
    /// Ends the session here and now: what the library does at this point waits for a runtime that may be gone, or that
    /// this very thread keeps from running.
    fn drop(&mut self) {
        let address = driver().trim_start_matches("http://");
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n",
            self.driver.session_id()
        );
        let ended = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(START_MAX))?;
            stream.write_all(request.as_bytes())?;
            let mut first = [0; 1];
            stream.read_exact(&mut first)
        });
        if let Err(error) = ended {
            eprintln!("a browser was not closed: {error}");
        }
        // Already ended is fine.
        let _ = self.driver.clone().leak();
    }
}

/// Opens a browser.
pub async fn open(script: Script) -> Browser {
    let profile = tempfile::Builder::new()
        .prefix("edgemart-chromium-")
        .tempdir()
        .unwrap_or_else(|e| panic!("no folder for a browser profile: {e}"));
    let mut wishes = DesiredCapabilities::chrome();
    let folder = format!("--user-data-dir={}", profile.path().display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
        "--force-color-profile=srgb",
        "--hide-scrollbars",
        "--window-size=1366,768",
        // Not even by mistake does a page reach another machine.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        &folder,
    ];
    for argument in arguments {
        wishes
            .add_arg(argument)
            .unwrap_or_else(|e| panic!("{argument}: {e}"));
    }
    let javascript = if script == Script::On { 1 } else { 2 };
    let preferences = json!({"profile.managed_default_content_settings.javascript": javascript});
    wishes
        .add_experimental_option("prefs", preferences)
        .and_then(|()| wishes.set_browser_log_level(LoggingPrefsLogLevel::All))
        .unwrap_or_else(|e| panic!("browser settings: {e}"));
    let builder: WebDriverBuilder = WebDriver::builder(driver(), wishes)
        .request_timeout(COMMAND_MAX)
        .poller(Arc::new(ElementPollerWithTimeout::new(
            WAIT_MAX, LOOK_EVERY,
        )));
    let driver = builder.await.unwrap_or_else(|e| {
        panic!("Chromium did not open (apt-get install chromium chromium-driver): {e}")
    });
    Browser {
        driver,
        _profile: profile,
    }
}

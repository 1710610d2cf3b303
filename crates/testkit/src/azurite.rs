//! An Azure Blob server beside the tests: npm's `azurite` on a free loopback port, with one container. `scripts/azurite.sh`
//! fetches it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use ring::hmac;

use crate::folder::Folder;
use crate::process::Process;

const START_MAX: Duration = Duration::from_secs(60);
/// The account every Azurite has, and its well-known key.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const CONTAINER: &str = "edgemart-test";
const LISTENS: &str = "successfully listens on ";

/// A running server. It ends when dropped or with the test process.
#[derive(Debug)]
pub struct Azurite {
    /// Such as `http://127.0.0.1:40123/devstoreaccount1`.
    pub endpoint: String,
    _process: Process,
    _folder: Folder,
}

/// Starts a server on a free port and makes the container. Panics when it cannot.
pub async fn start() -> Azurite {
    let main = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/azurite/node_modules/azurite/dist/src/blob/main.js");
    assert!(
        main.is_file(),
        "{} is missing; scripts/azurite.sh fetches it",
        main.display()
    );
    let folder = match Folder::new("azurite") {
        Ok(folder) => folder,
        Err(error) => panic!("could not make a temporary folder: {error}"),
    };
    let (main, location) = (
        main.display().to_string(),
        folder.path().display().to_string(),
    );
    let arguments = [
        &main,
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        "0",
        "--location",
        &location,
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--silent",
    ];
    let process = Process::start("node", &arguments);
    let lines = process.read_until(|line| line.contains(LISTENS), START_MAX);
    let address = lines
        .last()
        .and_then(|line| line.split_once(LISTENS))
        .map(|(_, address)| address.trim().to_owned())
        .unwrap_or_default();
    let endpoint = format!("{address}/{ACCOUNT}");
    make_container(&endpoint).await;
    Azurite {
        endpoint,
        _process: process,
        _folder: folder,
    }
}

impl Azurite {
    /// The storage address of a folder in the container, as `store::open` reads it.
    pub fn storage_url(&self, prefix: &str) -> String {
        format!(
            "az://{CONTAINER}/{prefix}?endpoint={}&allow_http=true",
            self.endpoint
        )
    }

    /// The account for `store::open`.
    pub fn keys(&self) -> store::StorageKeys {
        store::StorageKeys {
            access_key_id: ACCOUNT.to_owned(),
            secret_access_key: KEY.to_owned(),
        }
    }
}

impl Azurite {
    /// Every object under a prefix, without it, in order; asked past the code under test.
    pub fn objects(&self, prefix: &str) -> Vec<String> {
        let (endpoint, asked) = (self.endpoint.clone(), prefix.to_owned());
        let ask = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let query = [
                ("comp", "list"),
                ("prefix", &asked),
                ("restype", "container"),
            ];
            let (_, body) = runtime.block_on(ask_container(Method::GET, &endpoint, &query))?;
            Ok::<_, std::io::Error>(body)
        };
        // The caller may stand in a runtime, in which another one cannot block.
        let body = match std::thread::spawn(ask).join() {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => panic!("azurite: {error}"),
            Err(_) => panic!("azurite could not be asked"),
        };
        assert!(body.contains("<EnumerationResults"), "azurite: {body}");
        body.split("<Name>")
            .skip(1)
            .filter_map(|rest| rest.split_once("</Name>"))
            .filter_map(|(name, _)| name.strip_prefix(prefix))
            .map(str::to_owned)
            .collect()
    }
}

async fn make_container(endpoint: &str) {
    match ask_container(Method::PUT, endpoint, &[("restype", "container")]).await {
        Ok((201, _)) => {}
        Ok((status, body)) => panic!("azurite did not make a container: {status} {body}"),
        Err(error) => panic!("azurite: {error}"),
    }
}

/// A question about the container, signed with the account's key ("Authorize with Shared Key"); `query` in order of name.
/// Answers status and body.
async fn ask_container(
    method: Method,
    endpoint: &str,
    query: &[(&str, &str)],
) -> std::io::Result<(u16, String)> {
    let (date, version) = (http_date(), "2021-08-06");
    // Eleven empty standard headers, the x-ms headers in order, the resource; an emulator's path has the account twice.
    let mut text = format!(
        "{method}\n{}x-ms-date:{date}\nx-ms-version:{version}\n/{ACCOUNT}/{ACCOUNT}/{CONTAINER}",
        "\n".repeat(11)
    );
    for (name, value) in query {
        text.push_str(&format!("\n{name}:{value}"));
    }
    let key = STANDARD.decode(KEY).map_err(std::io::Error::other)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    // reqwest needs a provider for TLS that is never spoken here; another test may have chosen it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sent = reqwest::Client::new()
        .request(method, format!("{endpoint}/{CONTAINER}"))
        .query(query)
        .header("x-ms-date", date)
        .header("x-ms-version", version)
        .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
        .header("content-length", "0")
        .send()
        .await
        .map_err(std::io::Error::other)?;
    let status = sent.status().as_u16();
    Ok((status, sent.text().await.map_err(std::io::Error::other)?))
}

/// RFC 9110 §5.6.7.
fn http_date() -> String {
    let told = Command::new("date")
        .args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    match told {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => panic!("date: {error}"),
    }
}

//! TLS by certificate files: clients that trust the authority are served, by HTTP/1.1 and HTTP/2; new files count without
//! a restart and leave connections alone; broken ones change nothing; Debian's clients push and pull.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use testkit::certificate::{Authority, Certificate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::place::{EMAIL, PASSWORD, PATIENCE, Place, image};
use crate::server::Server;

struct Secure {
    place: Place,
    authority: Authority,
    server: Server,
}

fn write(folder: &Path, issued: &Certificate) {
    std::fs::write(folder.join("server.key"), issued.key_pem()).unwrap();
    std::fs::write(folder.join("server.pem"), &issued.pem).unwrap();
}

impl Secure {
    async fn start(issued: impl FnOnce(&Authority) -> Certificate) -> Self {
        let place = Place::new(None, None).await;
        let authority = Authority::generate().unwrap();
        let folder = place.folder.path();
        write(folder, &issued(&authority));
        let quoted = |name: &str| format!("{:?}", folder.join(name).display().to_string());
        place.configure("tls_certificate", &quoted("server.pem"));
        place.configure("tls_key", &quoted("server.key"));
        place.found(&place.app().await).await;
        let server = Server::start_with_log(&place.config, &[]).await;
        Self {
            place,
            authority,
            server,
        }
    }

    fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        let pem = self.authority.pem.as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.server.host()).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("127.0.0.1").unwrap(), stream)
            .await
            .unwrap()
    }

    /// The certificate that a new connection is shown.
    async fn shown(&self) -> Vec<u8> {
        let stream = self.connect().await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
}

/// One request on a connection that stays open.
async fn healthy(stream: &mut TlsStream<TcpStream>) -> bool {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"}") {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await.unwrap();
        assert!(length > 0, "closed after {}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&part[..length]);
    }
    got.starts_with(b"HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_count_without_a_restart_and_broken_ones_do_not() {
    let mut secure = Secure::start(|authority| authority.issue("first").unwrap()).await;
    let first = secure.shown().await;
    let mut old = secure.connect().await;
    assert!(healthy(&mut old).await);

    let second = secure.authority.issue("second").unwrap();
    write(secure.folder(), &second);
    let changed = async {
        while secure.shown().await == first {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.unwrap();
    assert_eq!(secure.shown().await, second.der);
    assert!(healthy(&mut old).await, "it began with the first and lives");

    std::fs::write(secure.folder().join("server.pem"), "garbage").unwrap();
    let line = secure.server.logged("is not used").await;
    assert!(line.contains("no certificate"), "{line}");
    assert_eq!(secure.shown().await, second.der);
    // A certificate whose key has not come yet is no pair; when it comes, it is.
    let third = secure.authority.issue("third").unwrap();
    std::fs::write(secure.folder().join("server.pem"), &third.pem).unwrap();
    let line = secure.server.logged("is not used").await;
    assert!(line.contains("together"), "{line}");
    assert_eq!(secure.shown().await, second.der);
    write(secure.folder(), &third);
    secure.server.logged("a new certificate is in use").await;
    assert_eq!(secure.shown().await, third.der);
    assert!(healthy(&mut old).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_the_second_version_and_secure_cookies() {
    let secure = Secure::start(|authority| authority.issue("market").unwrap()).await;
    let root = reqwest::Certificate::from_pem(secure.authority.pem.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let url = &secure.server.url;
    assert!(url.starts_with("https://"), "{url}");
    let got = client.get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!(got.version(), reqwest::Version::HTTP_2);
    assert_eq!(got.status(), 200);
    let form = [("email", EMAIL), ("password", PASSWORD)];
    let got = client
        .post(format!("{url}/account/sign-in"))
        .header("origin", url)
        .form(&form)
        .send()
        .await
        .unwrap();
    let cookie = got.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("Secure"),
        "{cookie}"
    );
    // A client that trusts nobody of ours, and one without TLS, get nowhere and do no harm.
    let other = Authority::generate().unwrap().pem;
    let other = reqwest::Certificate::from_pem(other.as_bytes()).unwrap();
    let stranger = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([other])
        .build()
        .unwrap();
    assert!(stranger.get(format!("{url}/healthz")).send().await.is_err());
    let plain = url.replace("https://", "http://");
    assert!(client.get(plain).send().await.is_err());
    assert_eq!(
        client
            .get(format!("{url}/readyz"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("REGISTRY_AUTH_FILE", folder.join("auth.json"))
        .env("CONTAINERS_STORAGE_CONF", folder.join("storage.conf"))
        .env("CONTAINERS_REGISTRIES_CONF", folder.join("registries.conf"))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| {
            panic!("{program} is needed by this test (apt-get install {program}): {error}")
        });
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_pushes_and_podman_pulls() {
    let secure = Secure::start(|authority| authority.issue("registry").unwrap()).await;
    let folder = secure.folder();
    let trusted = folder.join("trusted");
    std::fs::create_dir_all(&trusted).unwrap();
    std::fs::write(trusted.join("ca.crt"), &secure.authority.pem).unwrap();
    let storage = format!(
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
        folder.display()
    );
    std::fs::write(folder.join("storage.conf"), storage).unwrap();
    std::fs::write(folder.join("registries.conf"), "").unwrap();
    std::fs::write(folder.join("auth.json"), "{}").unwrap();
    let image = image(1);
    let upstream = &secure.place.upstream;
    upstream
        .push_image("contoso/tls", "1.0.0", &image)
        .await
        .unwrap();
    let trusted = trusted.display().to_string();
    let credentials = format!("{EMAIL}:{PASSWORD}");
    let ours = format!("{}/incoming/contoso/tls:1.0.0", secure.server.host());
    run(
        folder,
        "skopeo",
        &[
            "--insecure-policy",
            "copy",
            "--all",
            "--src-tls-verify=false",
            "--dest-cert-dir",
            &trusted,
            "--dest-creds",
            &credentials,
            &format!("docker://{}/contoso/tls:1.0.0", upstream.host),
            &format!("docker://{ours}"),
        ],
    )
    .await;
    run(
        folder,
        "podman",
        &[
            "pull",
            "--quiet",
            "--cert-dir",
            &trusted,
            "--creds",
            &credentials,
            &ours,
        ],
    )
    .await;
}

//! A publisher's registry as it really is: Debian's `docker-registry` on a free loopback port, open, behind Basic, or
//! behind tokens in Docker's or Azure's shape; and a way to push test images into it.

use std::io::Error;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::certificate::Certificate;
use crate::folder::Folder;
use crate::http::Server;
use crate::image::TestImage;
use crate::token::{self, Account, Shape, Signer};

const BINARY: &str = "docker-registry";
const START_MAX: Duration = Duration::from_secs(30);
/// bcrypt (cost 5) of [`PASSWORD`] for [`USERNAME`], as `htpasswd -B` writes it.
const HTPASSWD: &str = "publisher:$2y$05$MmIXcYHDUxRCzOsXRVU6NOGflqrr8uUx5TS6GBi9q0D4uFJ79Y7Za\n";

/// The user that every closed mode knows.
pub const USERNAME: &str = "publisher";
/// And the password.
pub const PASSWORD: &str = "upstream-password";

/// Who may read, and how they sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody, without asking.
    Open,
    /// User and password with every request.
    Basic,
    /// Tokens from a server of Docker's shape, on another port.
    Bearer,
    /// Tokens by `POST /oauth2/token` alone, as Azure Container Registry does.
    Azure,
    /// Docker's shape on another host name (`localhost`) over https.
    BearerElsewhere,
}

/// How to start one.
#[derive(Clone, Debug)]
pub struct Options {
    /// How to sign in.
    pub mode: Mode,
    /// With tokens: repositories that anybody may pull.
    pub public: Vec<String>,
    /// With tokens: their lifetime.
    pub token_expires: Duration,
}

/// A running registry; stopped, and its data removed, when dropped.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    /// How it lets in.
    pub mode: Mode,
    /// The token server, in the modes that have one.
    pub tokens: Option<Server>,
    /// What the token server's TLS and signatures rest on.
    pub certificate: Certificate,
    /// Scratch space that lives as long as the registry.
    pub folder: Folder,
    signer: Arc<Signer>,
    client: reqwest::Client,
    _child: Child,
}

impl Registry {
    /// Starts one with tokens of five minutes and nothing public.
    ///
    /// # Errors
    /// When `docker-registry` is not installed or does not start.
    pub async fn start(mode: Mode) -> std::io::Result<Self> {
        Self::start_with(Options {
            mode,
            public: Vec::new(),
            token_expires: Duration::from_secs(300),
        })
        .await
    }

    /// Starts one as told.
    ///
    /// # Errors
    /// As [`Registry::start`].
    pub async fn start_with(options: Options) -> std::io::Result<Self> {
        let folder = Folder::new("registry")?;
        let certificate = Certificate::generate()?;
        let signer = Arc::new(Signer::new(&certificate)?);
        let tokens = token_server(&options, &certificate, &signer).await?;
        let auth = auth(options.mode, tokens.as_ref(), &certificate, &folder)?;
        let config = config(&folder, &auth);
        let config_path = folder.path().join("config.yml");
        std::fs::write(&config_path, config)?;
        let mut child = Command::new(BINARY)
            .arg("serve")
            .arg(&config_path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Error::other(format!(
                    "{BINARY} (Debian package docker-registry): {error}"
                ))
            })?;
        let host = tokio::time::timeout(START_MAX, listening(&mut child))
            .await
            .map_err(|_| Error::other(format!("{BINARY} did not listen in time")))??;
        Ok(Self {
            host,
            mode: options.mode,
            tokens,
            certificate,
            folder,
            signer,
            client: client()?,
            _child: child,
        })
    }

    /// Pushes `image` and points `tag` at its top manifest.
    ///
    /// # Errors
    /// When the registry refuses a part of it, with its answer.
    pub async fn push_image(
        &self,
        repository: &str,
        tag: &str,
        image: &TestImage,
    ) -> std::io::Result<()> {
        for (digest, bytes) in &image.blobs {
            self.push_blob(repository, digest, bytes.clone()).await?;
        }
        for manifest in &image.manifests {
            let references = [manifest.digest.as_str(), tag];
            let count = if manifest == image.top() { 2 } else { 1 };
            for reference in &references[..count] {
                let path = format!("/v2/{repository}/manifests/{reference}");
                let request = self
                    .request(reqwest::Method::PUT, repository, &path)?
                    .header("Content-Type", &manifest.media_type)
                    .body(manifest.bytes.clone());
                expect(request, 201).await?;
            }
        }
        Ok(())
    }

    /// Pushes one blob.
    ///
    /// # Errors
    /// As [`Registry::push_image`].
    pub async fn push_blob(
        &self,
        repository: &str,
        digest: &str,
        bytes: Vec<u8>,
    ) -> std::io::Result<()> {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let request = self.request(reqwest::Method::POST, repository, &path)?;
        let started = expect(request, 202).await?;
        let location = started
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| Error::other("an upload without Location"))?;
        let joint = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{joint}digest={digest}");
        let url = url
            .strip_prefix(&format!("http://{}", self.host))
            .unwrap_or(&url);
        let request = self
            .request(reqwest::Method::PUT, repository, url)?
            .header("Content-Type", "application/octet-stream")
            .body(bytes);
        expect(request, 201).await.map(drop)
    }

    /// Removes one manifest by its digest, so that an index which lists it is left with a hole.
    ///
    /// # Errors
    /// As [`Registry::push_image`].
    pub async fn delete_manifest(&self, repository: &str, digest: &str) -> std::io::Result<()> {
        let path = format!("/v2/{repository}/manifests/{digest}");
        let request = self.request(reqwest::Method::DELETE, repository, &path)?;
        expect(request, 202).await.map(drop)
    }

    /// Removes one blob, so that a manifest which names it is left with a hole.
    ///
    /// # Errors
    /// As [`Registry::push_image`].
    pub async fn delete_blob(&self, repository: &str, digest: &str) -> std::io::Result<()> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let request = self.request(reqwest::Method::DELETE, repository, &path)?;
        expect(request, 202).await.map(drop)
    }

    fn request(
        &self,
        method: reqwest::Method,
        repository: &str,
        path: &str,
    ) -> std::io::Result<reqwest::RequestBuilder> {
        let url = format!("http://{}{path}", self.host);
        let request = self.client.request(method, url);
        Ok(match self.mode {
            Mode::Open => request,
            Mode::Basic => request.basic_auth(USERNAME, Some(PASSWORD)),
            Mode::Bearer | Mode::Azure | Mode::BearerElsewhere => {
                let access = json!([{
                    "type": "repository", "name": repository, "actions": ["pull", "push", "delete", "*"],
                }]);
                let expires = Duration::from_secs(60);
                request.bearer_auth(self.signer.token("pusher", &access, expires)?)
            }
        })
    }
}

async fn expect(
    request: reqwest::RequestBuilder,
    status: u16,
) -> std::io::Result<reqwest::Response> {
    let response = request.send().await.map_err(Error::other)?;
    if response.status() == status {
        return Ok(response);
    }
    let (url, found) = (response.url().clone(), response.status());
    let body = response.text().await.unwrap_or_default();
    Err(Error::other(format!(
        "{url}: {status} expected, {found} found: {body}"
    )))
}

/// A client for loopback; its TLS is never used, but must be there.
fn client() -> std::io::Result<reqwest::Client> {
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .map_err(Error::other)
}

async fn token_server(
    options: &Options,
    certificate: &Certificate,
    signer: &Arc<Signer>,
) -> std::io::Result<Option<Server>> {
    let (shape, tls) = match options.mode {
        Mode::Open | Mode::Basic => return Ok(None),
        Mode::Bearer => (Shape::Docker, None),
        Mode::Azure => (Shape::Azure, None),
        Mode::BearerElsewhere => (Shape::Docker, Some(certificate)),
    };
    let account = Account {
        username: USERNAME.to_owned(),
        password: PASSWORD.to_owned(),
        public: options.public.clone(),
        expires: options.token_expires,
    };
    token::serve(shape, account, Arc::clone(signer), tls)
        .await
        .map(Some)
}

fn auth(
    mode: Mode,
    tokens: Option<&Server>,
    certificate: &Certificate,
    folder: &Folder,
) -> std::io::Result<String> {
    let realm = match (mode, tokens) {
        (Mode::Basic, _) => {
            let path = folder.path().join("htpasswd");
            std::fs::write(&path, HTPASSWD)?;
            let path = path.display();
            return Ok(format!(
                "auth: {{htpasswd: {{realm: testkit, path: \"{path}\"}}}}\n"
            ));
        }
        (Mode::Bearer, Some(tokens)) => tokens.url("/token"),
        (Mode::Azure, Some(tokens)) => tokens.url("/oauth2/token"),
        (Mode::BearerElsewhere, Some(tokens)) => {
            format!("https://localhost:{}/token", tokens.address.port())
        }
        (Mode::Open, _) | (_, None) => return Ok(String::new()),
    };
    let bundle = certificate.write(folder.path())?;
    Ok(format!(
        "auth: {{token: {{realm: \"{realm}\", service: {}, issuer: {}, rootcertbundle: \"{}\"}}}}\n",
        token::SERVICE,
        token::ISSUER,
        bundle.display()
    ))
}

fn config(folder: &Folder, auth: &str) -> String {
    let data = folder.path().join("data");
    let data = data.display();
    format!(
        "version: 0.1\n\
         log: {{level: info, formatter: json, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: \"{data}\"}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"127.0.0.1:0\", secret: testkit}}\n\
         validation: {{manifests: {{urls: {{allow: [\".*\"]}}}}}}\n\
         {auth}"
    )
}

/// Reads the registry's log until it says where it listens, and keeps reading so that it never blocks.
async fn listening(child: &mut Child) -> std::io::Result<String> {
    let stderr = child
        .stderr
        .take()
        .ok_or_else(|| Error::other("no log to read"))?;
    let mut lines = BufReader::new(stderr).lines();
    let mut seen = String::new();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once("listening on ") {
            let end = rest.find(['"', '\\', ',']).unwrap_or(rest.len());
            let host = rest[..end].to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(host);
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    Err(Error::other(format!("{BINARY} ended at once:\n{seen}")))
}

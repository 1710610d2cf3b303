//! Reading a publisher's registry: any OCI or Docker registry, on any terms it sets, through the egress guard.
//!
//! [`Registry`] asks for tags, manifests and blobs and verifies what comes; [`copy::plan_copy`] walks everything that
//! some tags reach, [`find_attached`] what is attached to it. Nothing is written here: the import job puts blobs into the store and links them.
//! Protocol: OCI Distribution 1.1, the token documents of the Docker registry (GET and OAuth2 POST), RFC 9110.

pub mod attached;
mod auth;
mod blob;
mod challenge;
mod choice;
pub mod copy;
mod credentials;
mod error;
mod list;
mod manifest;
mod patience;

use std::sync::Arc;

use oci::RepositoryName;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use tokio::sync::OnceCell;
use url::Url;

use crate::egress::{Answer, Egress, EgressError, Outgoing};

pub use attached::{Attached, find_attached};
pub use choice::Choice;
pub use copy::{CopyLimits, CopyPlan, LAYERS_MAX, plan_copy};
pub use credentials::Credentials;
pub use error::{At, UpstreamError};
pub use patience::UpstreamLimits;

/// One repository of one registry; a cheap handle that remembers how the registry wants to be asked.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    egress: Egress,
    limits: UpstreamLimits,
    /// As people write it and as it stands in messages.
    at: At,
    /// The `https` form of the host, before anybody was asked.
    named: Url,
    repository: RepositoryName,
    credentials: Option<Credentials>,
    /// The form of the host that answers.
    base: OnceCell<Url>,
    auth: auth::State,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Registry({})", self.0.at)
    }
}

/// A question to the registry.
struct Ask<'a> {
    method: Method,
    url: Url,
    headers: HeaderMap,
    /// For messages: `tag 1.0`.
    what: &'a str,
}

impl<'a> Ask<'a> {
    fn get(url: Url, what: &'a str) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            what,
        }
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Registry {
    /// The repository `repository` of the registry at `host` (`registry.example.com`, `10.0.0.1:5000`). Docker Hub's
    /// names are understood as Docker understands them. Nothing is sent yet.
    ///
    /// # Errors
    /// [`UpstreamError::Egress`] when `host` is no host.
    pub fn new(
        egress: &Egress,
        host: &str,
        repository: &RepositoryName,
        credentials: Option<Credentials>,
    ) -> Result<Self, UpstreamError> {
        Self::with_limits(
            egress,
            host,
            repository,
            credentials,
            UpstreamLimits::default(),
        )
    }

    /// The same with other bounds.
    ///
    /// # Errors
    /// As [`Registry::new`].
    pub fn with_limits(
        egress: &Egress,
        host: &str,
        repository: &RepositoryName,
        credentials: Option<Credentials>,
        limits: UpstreamLimits,
    ) -> Result<Self, UpstreamError> {
        let at = At {
            host: host.to_owned(),
            repository: repository.to_string(),
        };
        let (host, repository) = docker_hub(host, repository);
        let named = crate::egress::registry_url(host)
            .map_err(|refused| UpstreamError::egress(&at, refused.into()))?;
        Ok(Self(Arc::new(Inner {
            egress: egress.clone(),
            limits,
            at,
            named,
            repository,
            credentials,
            base: OnceCell::new(),
            auth: auth::State::default(),
        })))
    }

    /// Host and repository as they were given.
    pub fn at(&self) -> &At {
        &self.0.at
    }

    /// `https://host/v2/repository/…`, or http where only that is spoken and the operator allows it.
    async fn url(&self, tail: &str) -> Result<Url, UpstreamError> {
        let mut url = self.base().await?.clone();
        url.set_path(&format!("/v2/{}/{tail}", self.0.repository));
        Ok(url)
    }

    /// Finds out which scheme the host speaks. Only hosts the operator lists can end at http, and only when the port
    /// answers without TLS: a bad certificate never leads there.
    async fn base(&self) -> Result<&Url, UpstreamError> {
        self.0.base.get_or_try_init(|| self.find_base()).await
    }

    async fn find_base(&self) -> Result<Url, UpstreamError> {
        let inner = &*self.0;
        let wrap = |error| UpstreamError::egress(&inner.at, error);
        let schemes = inner.egress.schemes(&inner.named).await.map_err(wrap)?;
        let (Some(first), second) = (schemes.first(), schemes.get(1)) else {
            return Ok(inner.named.clone());
        };
        let with = |scheme: &str| crate::egress::with_scheme(&inner.named, scheme);
        let Some(second) = second else {
            return Ok(with(first));
        };
        let mut ping = with(first);
        ping.set_path("/v2/");
        match self.patiently(&Outgoing::new(Method::GET, ping)).await {
            Err(UpstreamError::Egress {
                source: EgressError::NotTls { .. },
                ..
            }) => Ok(with(second)),
            Err(error) => Err(error),
            Ok(_) => Ok(with(first)),
        }
    }

    /// Asks, authenticating once when the registry demands it. Any status but 401 is for the caller to judge.
    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, UpstreamError> {
        let mut authenticated = false;
        loop {
            let used = self.0.auth.current();
            // A token that anybody may have is no secret.
            if used.is_some() && self.0.credentials.is_some() {
                self.check_secret(&ask.url).await?;
            }
            let request = Outgoing {
                headers: ask.headers.clone(),
                authorization: used.clone(),
                ..Outgoing::new(ask.method.clone(), ask.url.clone())
            };
            let answer = self.patiently(&request).await?;
            let asks_us =
                answer.response.status() == 401 && answer.url.origin() == ask.url.origin();
            if !asks_us {
                return Ok(answer);
            }
            if authenticated {
                return Err(self.rejected(answer, ask.what).await);
            }
            authenticated = true;
            let challenges: Vec<challenge::Challenge> = answer
                .response
                .headers()
                .get_all(WWW_AUTHENTICATE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(challenge::parse)
                .collect();
            self.authenticate(&challenges, used.as_ref()).await?;
        }
    }

    async fn check_secret(&self, url: &Url) -> Result<(), UpstreamError> {
        let checked = self.0.egress.check_secret(url).await;
        checked.map_err(|error| UpstreamError::egress(&self.0.at, error))
    }
}

/// Docker's short names: `docker.io/nginx` is `registry-1.docker.io/library/nginx`.
fn docker_hub<'a>(host: &'a str, repository: &RepositoryName) -> (&'a str, RepositoryName) {
    if !matches!(
        host,
        "docker.io" | "index.docker.io" | "registry-1.docker.io"
    ) {
        return (host, repository.clone());
    }
    let official = format!("library/{repository}");
    let repository = match official.parse() {
        Ok(official) if repository.components().count() == 1 => official,
        _ => repository.clone(),
    };
    ("registry-1.docker.io", repository)
}

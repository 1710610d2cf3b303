//! Signing in at a registry: anonymous, Basic, Bearer by GET, Bearer by OAuth2 POST (Azure's `/oauth2/token`).
//!
//! A password goes to the registry's own host, or over https to the token server the publisher named; nowhere else,
//! whatever a challenge says. Only `pull` is ever asked for. Specification: the Docker registry's token and oauth
//! documents; research notes on peers stand in their tests.

use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::challenge::Challenge;
use super::{Credentials, Registry, UpstreamError};
use crate::egress::{Answer, Outgoing, authority, read_bounded, shown};

/// The largest answer of a token server.
const TOKEN_BODY_BYTES_MAX: u64 = 256 * 1024;
/// The longest token that is used.
const TOKEN_BYTES_MAX: usize = 32 * 1024;
/// A token without `expires_in` lives this long (token document of the Docker registry).
const TOKEN_SECONDS_DEFAULT: u64 = 60;
/// No token is kept longer, whatever its server says.
const TOKEN_SECONDS_MAX: u64 = 24 * 3600;
/// A token is not used in its last seconds.
const TOKEN_SECONDS_SPARE: u64 = 5;
/// The most scopes of a challenge that are asked for.
const SCOPES_MAX: usize = 8;
/// Azure: this user's password is a refresh token.
const REFRESH_TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// What is sent with every question until it expires, and the lock that lets one task renew it.
#[derive(Default)]
pub(super) struct State {
    current: StdMutex<Option<Current>>,
    /// A refresh token and the realm that gave it.
    renewing: Mutex<Option<(Url, Zeroizing<String>)>>,
}

struct Current {
    header: HeaderValue,
    until: Option<Instant>,
}

impl State {
    pub(super) fn current(&self) -> Option<HeaderValue> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current
            .as_ref()
            .filter(|current| current.until.is_none_or(|until| Instant::now() < until))
            .map(|current| current.header.clone())
    }

    fn set(&self, header: HeaderValue, until: Option<Instant>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Current { header, until });
    }
}

/// What the token server is asked.
struct Demand<'a> {
    realm: Url,
    service: Option<&'a str>,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct TokenDocument {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Number>,
    #[serde(default)]
    refresh_token: Option<String>,
}

impl Registry {
    /// Answers a challenge: afterwards [`State::current`] holds something better than `used`.
    pub(super) async fn authenticate(
        &self,
        challenges: &[Challenge],
        used: Option<&HeaderValue>,
    ) -> Result<(), UpstreamError> {
        let inner = &*self.0;
        let mut refresh = inner.auth.renewing.lock().await;
        if let Some(current) = inner.auth.current()
            && Some(&current) != used
        {
            // Another task was challenged at the same time and has answered already.
            return Ok(());
        }
        let by_scheme = |scheme: &str| challenges.iter().find(|found| found.scheme == scheme);
        if let Some(bearer) = by_scheme("bearer") {
            let demand = self.demand(bearer).await?;
            let document = self.token(&demand, &mut refresh).await?;
            return self.accept(&demand, document, &mut refresh);
        }
        match (by_scheme("basic"), &inner.credentials) {
            (Some(_), Some(credentials)) => {
                let base = self.base().await?.clone();
                self.check_secret(&base).await?;
                inner.auth.set(basic(credentials, self)?, None);
                Ok(())
            }
            (Some(_), None) => Err(UpstreamError::CredentialsRequired {
                at: inner.at.clone(),
                answered: "it asks for user name and password".to_owned(),
            }),
            (None, _) => Err(UpstreamError::Challenge {
                at: inner.at.clone(),
                found: challenges.first().map_or_else(
                    || "401 without WWW-Authenticate".to_owned(),
                    |found| shown(&found.scheme),
                ),
            }),
        }
    }

    async fn demand<'a>(&self, bearer: &'a Challenge) -> Result<Demand<'a>, UpstreamError> {
        let text = bearer.parameter("realm").unwrap_or_default();
        let realm = self.base().await?.join(text);
        let realm =
            realm
                .ok()
                .filter(|_| !text.is_empty())
                .ok_or_else(|| UpstreamError::Challenge {
                    at: self.0.at.clone(),
                    found: format!("Bearer realm=\"{}\"", shown(text)),
                })?;
        let own = format!("repository:{}:pull", self.0.repository);
        let mut scopes: Vec<String> = bearer
            .parameter("scope")
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|scope| pull_only(scope, &self.0.repository))
            .take(SCOPES_MAX)
            .collect();
        if scopes.is_empty() {
            scopes.push(own);
        }
        Ok(Demand {
            realm,
            service: bearer.parameter("service"),
            scopes,
        })
    }

    /// May the password go to `realm`?
    async fn check_realm(
        &self,
        realm: &Url,
        credentials: &Credentials,
    ) -> Result<(), UpstreamError> {
        let base = self.base().await?;
        let host = realm.host_str().unwrap_or_default();
        let elsewhere = || UpstreamError::CredentialsElsewhere {
            at: self.0.at.clone(),
            realm: format!("{}://{}", realm.scheme(), authority(realm)),
        };
        let own = base.host_str() == Some(host);
        let downgraded = base.scheme() == "https" && realm.scheme() != "https";
        let trusted = realm.scheme() == "https" && credentials.trusts(host, &authority(realm));
        if !(trusted || own && !downgraded) {
            return Err(elsewhere());
        }
        self.check_secret(realm).await
    }

    async fn token(
        &self,
        demand: &Demand<'_>,
        refresh: &mut Option<(Url, Zeroizing<String>)>,
    ) -> Result<TokenDocument, UpstreamError> {
        let Some(credentials) = &self.0.credentials else {
            let answer = self.get_token(demand, None).await?;
            return self.token_document(demand, answer).await;
        };
        self.check_realm(&demand.realm, credentials).await?;
        if let Some((realm, token)) = refresh.take()
            && realm == demand.realm
        {
            let grant = [
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", token.as_str().to_owned()),
            ];
            let answer = self.post_token(demand, grant).await?;
            if answer.response.status().is_success() {
                return self.token_document(demand, answer).await;
            }
        }
        let header = basic(credentials, self)?;
        let answer = self.get_token(demand, Some(header)).await?;
        if !matches!(answer.response.status().as_u16(), 404 | 405) {
            return self.token_document(demand, answer).await;
        }
        let answer = if credentials.username == REFRESH_TOKEN_USER {
            let grant = [
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", credentials.password.clone()),
            ];
            self.post_token(demand, grant).await?
        } else {
            let grant = [
                ("grant_type", "password".to_owned()),
                ("username", credentials.username.clone()),
                ("password", credentials.password.clone()),
            ];
            self.post_token(demand, grant).await?
        };
        self.token_document(demand, answer).await
    }

    async fn get_token(
        &self,
        demand: &Demand<'_>,
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, UpstreamError> {
        let mut url = demand.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = demand.service {
                query.append_pair("service", service);
            }
            for scope in &demand.scopes {
                query.append_pair("scope", scope);
            }
        }
        let mut request = Outgoing::new(Method::GET, url);
        request.authorization = authorization;
        self.patiently(&request).await
    }

    async fn post_token<const N: usize>(
        &self,
        demand: &Demand<'_>,
        grant: [(&'static str, String); N],
    ) -> Result<Answer, UpstreamError> {
        let mut request = Outgoing::new(Method::POST, demand.realm.clone());
        request.form.extend(grant);
        request.form.push(("client_id", "edgemart".to_owned()));
        if let Some(service) = demand.service {
            request.form.push(("service", service.to_owned()));
        }
        request.form.push(("scope", demand.scopes.join(" ")));
        self.patiently(&request).await
    }

    async fn token_document(
        &self,
        demand: &Demand<'_>,
        answer: Answer,
    ) -> Result<TokenDocument, UpstreamError> {
        let inner = &*self.0;
        let status = answer.response.status().as_u16();
        // RFC 6749 §5.2: a wrong password at an OAuth2 endpoint may be a 400.
        let refused = matches!(status, 401 | 403) || status == 400 && inner.credentials.is_some();
        if refused {
            return Err(self.rejected(answer, "its token server").await);
        }
        if status != 200 {
            let what = format!("answered with {}", self.said(answer).await.text);
            return Err(self.token_error(demand, what));
        }
        let deadline = Instant::now() + inner.limits.document_time_max;
        let body = read_bounded(&inner.egress, answer, TOKEN_BODY_BYTES_MAX, deadline)
            .await
            .map_err(|error| UpstreamError::egress(&inner.at, error))?;
        serde_json::from_slice(&body)
            .map_err(|error| self.token_error(demand, format!("sent no token document ({error})")))
    }

    fn accept(
        &self,
        demand: &Demand<'_>,
        document: TokenDocument,
        refresh: &mut Option<(Url, Zeroizing<String>)>,
    ) -> Result<(), UpstreamError> {
        let token = document.token.filter(|token| !token.is_empty());
        let token = token
            .or(document.access_token)
            .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
            .ok_or_else(|| self.token_error(demand, "sent no usable token".to_owned()))?;
        let header = secret_header(format!("Bearer {token}"))
            .ok_or_else(|| self.token_error(demand, "sent a token that is no text".to_owned()))?;
        let seconds = document
            .expires_in
            .and_then(|number| number.as_u64())
            .unwrap_or(TOKEN_SECONDS_DEFAULT)
            .clamp(1, TOKEN_SECONDS_MAX);
        // Even a token that dies at once serves the question it was fetched for.
        let kept = seconds.saturating_sub(TOKEN_SECONDS_SPARE).max(1);
        *refresh = document
            .refresh_token
            .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
            .map(|token| (demand.realm.clone(), Zeroizing::new(token)));
        let until = Instant::now() + Duration::from_secs(kept);
        self.0.auth.set(header, Some(until));
        Ok(())
    }

    fn token_error(&self, demand: &Demand<'_>, what: String) -> UpstreamError {
        UpstreamError::Token {
            at: self.0.at.clone(),
            realm: authority(&demand.realm),
            what,
        }
    }
}

/// The challenge's scope, narrowed to pulling; `None` when it is about something else.
///
/// A registry may call our repository by another name in scopes (a proxy's prefix), so the name is kept; but a
/// challenge that asks for more than pulling is not given more, since the token goes to whoever wrote it.
fn pull_only(scope: &str, own: &oci::RepositoryName) -> Option<String> {
    let rest = scope.strip_prefix("repository:")?;
    let (name, _actions) = rest.rsplit_once(':')?;
    let same_end = name == own.as_str() || name.ends_with(&format!("/{own}"));
    same_end.then(|| format!("repository:{name}:pull"))
}

fn basic(credentials: &Credentials, registry: &Registry) -> Result<HeaderValue, UpstreamError> {
    let pair = Zeroizing::new(format!("{}:{}", credentials.username, credentials.password));
    let header = secret_header(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    header.ok_or_else(|| UpstreamError::CredentialsWrong {
        at: registry.0.at.clone(),
        username: shown(&credentials.username),
        answered: "they cannot be sent".to_owned(),
    })
}

fn secret_header(text: String) -> Option<HeaderValue> {
    let text = Zeroizing::new(text);
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_narrowed_to_pulling_our_repository() {
        let own = "a/b".parse().unwrap();
        let narrow = |scope| pull_only(scope, &own);
        assert_eq!(
            narrow("repository:a/b:pull,push").as_deref(),
            Some("repository:a/b:pull")
        );
        assert_eq!(
            narrow("repository:host:5000/a/b:*").as_deref(),
            Some("repository:host:5000/a/b:pull")
        );
        assert_eq!(narrow("repository:other:pull"), None);
        assert_eq!(narrow("registry:catalog:*"), None);
        assert_eq!(narrow("repository:xa/b:pull"), None);
        assert_eq!(narrow(""), None);
    }
}

//! Who is asking, found once for a request: a session cookie, or an access token in `Authorization: Bearer`.
//! A token that is given and wrong is an error, never a visitor.

use app::accounts::{Session, account_by_token, actor_of_session};
use axum::extract::FromRequestParts;
use domain::actor::{Account, Actor, Forbidden};
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

use crate::layout::{Layout, SignedIn};
use crate::problem::Problem;
use crate::state::Web;

/// The person behind a request.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// For use-cases.
    pub actor: Actor,
    /// The browser session, with its anti-forgery token; `None` for visitors and for tokens.
    pub session: Option<Session>,
    /// Path and query of this request.
    pub here: String,
}

impl Visitor {
    /// The account, or the way to sign in.
    pub(crate) fn account(&self) -> Result<&Account, Problem> {
        self.actor
            .account()
            .map_err(|refused: Forbidden| app::error::Refused::from(refused).into())
    }

    /// The frame of a page for this person.
    pub(crate) fn layout(&self, section: &'static str) -> Layout {
        let person = match &self.actor {
            Actor::Account(account) => Some(SignedIn {
                name: account.name.clone(),
                publisher: !account.publishers.is_empty(),
                reviewer: account.reviewer,
                operator: account.operator,
            }),
            _ => None,
        };
        Layout {
            section,
            person,
            csrf: self
                .session
                .as_ref()
                .map(|s| s.csrf.clone())
                .unwrap_or_default(),
            here: self.here.clone(),
            ..Layout::default()
        }
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let headers = parts.headers.get_all(COOKIE).iter();
    let mut pairs = headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The secret of the session cookie, for ending the session; `None` without one.
pub(crate) struct SessionSecret(pub(crate) Option<String>);

impl FromRequestParts<Web> for SessionSecret {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        web: &Web,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(Self(cookie(parts, web.session_cookie()).map(str::to_owned)))
    }
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let here = parts
            .uri
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_owned();
        let mut visitor = Self {
            actor: Actor::Anonymous,
            session: None,
            here,
        };
        if let Some(given) = parts.headers.get(AUTHORIZATION) {
            let secret = given
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("Bearer "));
            let account = match secret {
                Some(secret) => account_by_token(&web.app, secret.trim()).await?,
                None => None,
            };
            let account = account.ok_or_else(|| {
                Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "This token does not work",
                    "It is unknown, expired or revoked. Create another one under Account › Tokens.",
                )
            })?;
            visitor.actor = Actor::Account(account);
        } else if let Some(secret) = cookie(parts, web.session_cookie())
            && let Some((actor, session)) = actor_of_session(&web.app, secret).await?
        {
            visitor.actor = actor;
            visitor.session = Some(session);
        }
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

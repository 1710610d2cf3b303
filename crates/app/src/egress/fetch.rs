//! Requests through the guard: redirects by hand, secrets to their own host only, every answer bounded.

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::{Egress, EgressError, EgressRefused, authority, pinned::Pinned, shown};

/// One request as the caller means it. Printed without its secrets.
#[derive(Clone)]
pub struct Outgoing {
    /// `GET` and `HEAD` follow redirects; nothing else does, since a body may hold a password.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Fields sent on every hop.
    pub headers: HeaderMap,
    /// Sent to the first URL's scheme, host and port only.
    pub authorization: Option<HeaderValue>,
    /// A form in the body.
    pub form: Vec<(&'static str, String)>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.method, self.url)
    }
}

impl Outgoing {
    /// A bare request.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            form: Vec::new(),
        }
    }
}

/// What came back, and from where.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers; the body is still to be read.
    pub response: Response,
    /// The URL that answered, after redirects.
    pub url: Url,
}

impl Egress {
    /// Sends `request`, following at most [`super::EgressLimits::redirects_max`] redirects.
    ///
    /// # Errors
    /// [`EgressError`]; any HTTP status other than a followed redirect is an [`Answer`].
    pub async fn send(&self, request: Outgoing) -> Result<Answer, EgressError> {
        let first = request.url.clone();
        let mut url = first.clone();
        for _ in 0..=self.limits().redirects_max {
            let pinned = self.admit(&url).await?;
            let secret = request
                .authorization
                .as_ref()
                .filter(|_| url.origin() == first.origin());
            let response = self.once(&pinned, &request, &url, secret).await?;
            let follows = matches!(request.method, Method::GET | Method::HEAD)
                && is_redirect(response.status());
            if !follows {
                return Ok(Answer { response, url });
            }
            url = target(&url, &response)?;
        }
        Err(EgressRefused::Redirect {
            from: authority(&first),
            why: format!("more than {} redirects", self.limits().redirects_max),
        }
        .into())
    }

    /// The status that `url` answers with, after redirects: by HEAD, or by GET where HEAD is not served. No body is
    /// read.
    ///
    /// # Errors
    /// [`EgressError`]; a text that is no URL is [`EgressRefused::Host`].
    pub async fn head_status(&self, url: &str) -> Result<u16, EgressError> {
        let url = Url::parse(url).map_err(|error| EgressRefused::Host {
            given: shown(url),
            why: error.to_string(),
        })?;
        let head = Outgoing::new(Method::HEAD, url.clone());
        let status = self.send(head).await?.response.status();
        if status.is_success() {
            return Ok(status.as_u16());
        }
        // Many web servers answer HEAD with 403, 404, 405 or 501 for pages that GET shows.
        let answer = self.send(Outgoing::new(Method::GET, url)).await?;
        Ok(answer.response.status().as_u16())
    }

    async fn once(
        &self,
        pinned: &Pinned,
        request: &Outgoing,
        url: &Url,
        secret: Option<&HeaderValue>,
    ) -> Result<Response, EgressError> {
        let mut builder = pinned
            .client
            .request(request.method.clone(), url.clone())
            .headers(request.headers.clone())
            // What is digested must come as it is stored.
            .header(ACCEPT_ENCODING, "identity");
        if let Some(secret) = secret {
            let mut secret = secret.clone();
            secret.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, secret);
        }
        if !request.form.is_empty() {
            builder = builder.form(&request.form);
        }
        let response = builder
            .send()
            .await
            .map_err(|error| self.explain(url, &error))?;
        let peer = response.remote_addr().map(|address| address.ip());
        if !pinned
            .addresses
            .iter()
            .any(|address| Some(address.ip()) == peer)
        {
            return Err(EgressRefused::Unpinned {
                host: authority(url),
            }
            .into());
        }
        let found: usize = response
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        if found as u64 > self.limits().header_bytes_max {
            return Err(EgressError::TooBig {
                host: authority(url),
                what: "header fields",
                bytes_max: self.limits().header_bytes_max,
            });
        }
        Ok(response)
    }

    /// What a failure of the client library means to the person who named the host.
    pub fn explain(&self, url: &Url, error: &reqwest::Error) -> EgressError {
        let host = authority(url);
        if let Some(tls) = tls_cause(error) {
            return match tls {
                rustls::Error::InvalidMessage(_) => EgressError::NotTls { host },
                other => EgressError::Tls {
                    host,
                    why: other.to_string(),
                },
            };
        }
        if error.is_timeout() && !error.is_connect() {
            let limit = self.limits().idle_max;
            return EgressError::Slow { host, limit };
        }
        let why = innermost(error);
        if error.is_timeout() {
            let seconds = self.limits().connect_max.as_secs_f32();
            let why = format!("no answer within {seconds} seconds");
            return EgressError::Connect { host, why };
        }
        if error.is_connect() {
            return EgressError::Connect { host, why };
        }
        if error_says(error, "message head is too large") {
            let bytes_max = self.limits().header_bytes_max;
            let what = "header fields";
            return EgressError::TooBig {
                host,
                what,
                bytes_max,
            };
        }
        EgressError::Broken { host, why }
    }
}

/// Reads the whole body, at most `bytes_max`, until `deadline`.
///
/// # Errors
/// [`EgressError`]; nothing over the limit is kept.
pub async fn read_bounded(
    egress: &Egress,
    answer: Answer,
    bytes_max: u64,
    deadline: Instant,
) -> Result<Bytes, EgressError> {
    let Answer { mut response, url } = answer;
    let host = authority(&url);
    let too_big = |host| EgressError::TooBig {
        host,
        what: "a body",
        bytes_max,
    };
    if response
        .content_length()
        .is_some_and(|length| length > bytes_max)
    {
        return Err(too_big(host));
    }
    let started = Instant::now();
    let mut body = BytesMut::new();
    loop {
        let chunk = tokio::time::timeout_at(deadline, response.chunk())
            .await
            .map_err(|_| EgressError::Slow {
                host: host.clone(),
                limit: deadline.saturating_duration_since(started),
            })?
            .map_err(|error| egress.explain(&url, &error))?;
        let Some(chunk) = chunk else {
            return Ok(body.freeze());
        };
        if (body.len() + chunk.len()) as u64 > bytes_max {
            return Err(too_big(host));
        }
        body.extend_from_slice(&chunk);
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn target(from: &Url, response: &Response) -> Result<Url, EgressRefused> {
    let refused = |why: String| EgressRefused::Redirect {
        from: authority(from),
        why,
    };
    let location = response
        .headers()
        .get(LOCATION)
        .ok_or_else(|| refused("it has no Location".to_owned()))?;
    let text = location
        .to_str()
        .map_err(|_| refused("its Location is not text".to_owned()))?;
    let mut to = from
        .join(text)
        .map_err(|error| refused(format!("its Location `{}`: {error}", shown(text))))?;
    to.set_fragment(None);
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(EgressRefused::Downgrade {
            from: authority(from),
            to: authority(&to),
        });
    }
    Ok(to)
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        // `io::Error::source` skips the error it wraps.
        match cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        }
    })
    .take(16)
}

fn tls_cause(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn error_says(error: &reqwest::Error, text: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(text))
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

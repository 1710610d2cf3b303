//! The one door through which the marketplace calls other machines on somebody's word: a publisher's registry, its
//! token server, a redirect, a link in a listing.
//!
//! Everything a stranger can name passes here, so that nobody makes the marketplace talk to itself, to its
//! neighbours or to a cloud's metadata service. A name is resolved once, its addresses are checked, and the
//! connection is pinned to them; redirects are followed by hand, each target checked as if it had been named first.
//! Proxy settings of the environment are ignored, since a proxy would resolve again. Connections the operator
//! configures (database, object store, mail) do not come through here.

mod address;
mod fetch;
mod pinned;
mod policy;
mod refused;
mod tls;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::Instant;
use url::{Host, Url};

pub use address::{Special, special};
pub use fetch::{Answer, Outgoing, read_bounded};
pub use policy::{Allowed, AllowedError, EgressPolicy, Target};
pub use refused::{EgressError, EgressRefused};
pub use tls::EgressSetupError;

use pinned::Pinned;

/// Destinations whose client is kept.
const PINNED_MAX: usize = 64;
/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;
/// How much of a refused text is repeated.
const SHOWN_CHARS_MAX: usize = 120;

/// Bounds on outgoing requests. There is no total deadline: a large layer on a thin line may take hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressLimits {
    /// Finding the addresses of a name.
    pub resolve_max: Duration,
    /// Connecting, TLS included.
    pub connect_max: Duration,
    /// Silence between two pieces of an answer.
    pub idle_max: Duration,
    /// How long checked addresses are used before the name is resolved again.
    pub pin_max: Duration,
    /// Redirects followed for one request.
    pub redirects_max: usize,
    /// All header fields of an answer together.
    pub header_bytes_max: u64,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            resolve_max: Duration::from_secs(10),
            connect_max: Duration::from_secs(15),
            idle_max: Duration::from_secs(60),
            pin_max: Duration::from_secs(60),
            redirects_max: 5,
            header_bytes_max: 64 * 1024,
        }
    }
}

/// The guarded door; a cheap handle.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    policy: EgressPolicy,
    limits: EgressLimits,
    tls: ClientConfig,
    /// Oldest first.
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    host: String,
    port: u16,
    since: Instant,
    pinned: Pinned,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Egress").field(&self.0.policy).finish()
    }
}

impl Egress {
    /// A door that keeps to `policy`.
    ///
    /// # Errors
    /// [`EgressSetupError`] when the operator's file of authorities cannot be used.
    pub fn new(policy: EgressPolicy) -> Result<Self, EgressSetupError> {
        Self::with_limits(policy, EgressLimits::default())
    }

    /// The same with other bounds.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_limits(
        policy: EgressPolicy,
        limits: EgressLimits,
    ) -> Result<Self, EgressSetupError> {
        let tls = tls::client_config(policy.ca_file.as_deref())?;
        Ok(Self(Arc::new(Inner {
            policy,
            limits,
            tls,
            kept: Mutex::default(),
        })))
    }

    /// The bounds in force.
    pub fn limits(&self) -> &EgressLimits {
        &self.0.limits
    }

    /// The addresses of `host` that may be dialled on `port`, checked now.
    ///
    /// Literals in unusual spellings (`0x7f.1`, `2130706433`, `0177.0.0.1`) are read as every browser reads them
    /// and checked as what they are.
    ///
    /// # Errors
    /// [`EgressRefused`] when the name has no address, or none that is allowed.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, EgressRefused> {
        let addresses = match parse_host(host)? {
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(name) => self.look_up(&name, port).await?,
        };
        let permitted = self.0.policy.permit(host, port, &addresses)?;
        Ok(permitted
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    async fn look_up(&self, name: &str, port: u16) -> Result<Vec<IpAddr>, EgressRefused> {
        let policy = &self.0.policy;
        let lists_networks = policy
            .allow
            .iter()
            .any(|entry| matches!(entry.target, Target::Network(_)));
        if !policy.enabled && !policy.names(name, port) && !lists_networks {
            // Not even the question leaves an air-gapped plant.
            return Err(EgressRefused::Disabled {
                host: name.to_owned(),
            });
        }
        let unresolvable = |why: String, passing| EgressRefused::Unresolvable {
            host: name.to_owned(),
            why,
            passing,
        };
        let limit = self.0.limits.resolve_max;
        let found = tokio::time::timeout(limit, tokio::net::lookup_host((name, port)))
            .await
            .map_err(|_| {
                let why = format!("no answer within {} seconds", limit.as_secs());
                unresolvable(why, true)
            })?
            .map_err(|error| {
                // EAI_AGAIN has no kind of its own in the standard library.
                let why = error.to_string();
                let passing = why.contains("Temporary failure");
                unresolvable(why, passing)
            })?;
        Ok(found
            .take(ADDRESSES_MAX)
            .map(|address| address.ip())
            .collect())
    }

    /// Checks everything about `url` and hands out the client tied to its addresses.
    async fn admit(&self, url: &Url) -> Result<Pinned, EgressError> {
        let (host, port) = destination(url)?;
        let pinned = match self.kept(host, port) {
            Some(pinned) => pinned,
            None => {
                let addresses = self.resolve(host, port).await?;
                let pinned = Pinned::new(host, addresses, &self.0.tls, &self.0.limits)?;
                self.keep(host, port, pinned.clone());
                pinned
            }
        };
        if url.scheme() == "http" {
            let plain = self
                .0
                .policy
                .plain_http(host, port, &ips(&pinned.addresses));
            if !plain {
                return Err(EgressRefused::PlainHttp {
                    host: authority(url),
                }
                .into());
            }
        }
        Ok(pinned)
    }

    /// Is `url` fine to open, as far as that can be told without opening it?
    ///
    /// # Errors
    /// [`EgressError`], as a request to it would answer.
    pub async fn check(&self, url: &Url) -> Result<(), EgressError> {
        self.admit(url).await.map(drop)
    }

    /// May a password or token travel to `url`? Over https always; over http only within this machine or to hosts
    /// that the operator lists in `egress.insecure`.
    ///
    /// # Errors
    /// [`EgressError`] with the reason.
    pub async fn check_secret(&self, url: &Url) -> Result<(), EgressError> {
        let pinned = self.admit(url).await?;
        let (host, port) = destination(url)?;
        let fine = url.scheme() == "https"
            || self
                .0
                .policy
                .plain_secret(host, port, &ips(&pinned.addresses));
        if fine {
            return Ok(());
        }
        Err(EgressRefused::PlainSecret {
            host: authority(url),
        }
        .into())
    }

    /// Which schemes may be tried for `host:port` when nobody wrote one: https alone, or plain http first or second.
    ///
    /// # Errors
    /// [`EgressError`] when the host may not be contacted at all.
    pub async fn schemes(&self, authority: &Url) -> Result<&'static [&'static str], EgressError> {
        let (host, port) = destination(authority)?;
        let pinned = self.admit(authority).await?;
        let addresses = ips(&pinned.addresses);
        Ok(if self.0.policy.insecure(host, port, &addresses) {
            &["http"]
        } else if self.0.policy.plain_http(host, port, &addresses) {
            &["https", "http"]
        } else {
            &["https"]
        })
    }

    fn kept(&self, host: &str, port: u16) -> Option<Pinned> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| entry.since.elapsed() < self.0.limits.pin_max);
        kept.iter()
            .find(|entry| entry.host == host && entry.port == port)
            .map(|entry| entry.pinned.clone())
    }

    fn keep(&self, host: &str, port: u16, pinned: Pinned) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PINNED_MAX {
            kept.remove(0);
        }
        kept.push(Kept {
            host: host.to_owned(),
            port,
            since: Instant::now(),
            pinned,
        });
    }
}

fn ips(addresses: &[SocketAddr]) -> Vec<IpAddr> {
    addresses.iter().map(SocketAddr::ip).collect()
}

/// Reads a host as browsers do, so that nobody downstream reads it differently.
fn parse_host(text: &str) -> Result<Host<String>, EgressRefused> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(Host::Ipv6(address));
    }
    Host::parse(text).map_err(|error| EgressRefused::Host {
        given: shown(text),
        why: error.to_string(),
    })
}

/// Host and port of a URL that is http or https and carries no password.
fn destination(url: &Url) -> Result<(&str, u16), EgressRefused> {
    let Some(port) = url
        .port_or_known_default()
        .filter(|_| matches!(url.scheme(), "http" | "https"))
    else {
        return Err(EgressRefused::Scheme {
            url: shown(url.as_str()),
        });
    };
    let host = url.host_str().unwrap_or_default();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressRefused::UserInfo {
            host: host.to_owned(),
        });
    }
    if host.is_empty() || port == 0 {
        return Err(EgressRefused::Host {
            given: shown(url.as_str()),
            why: "host or port is missing".to_owned(),
        });
    }
    Ok((host, port))
}

/// `https://host[:port]/` for a registry's host as people write it: no scheme, path, user or query.
///
/// # Errors
/// [`EgressRefused::Host`].
pub(crate) fn registry_url(host: &str) -> Result<Url, EgressRefused> {
    let refused = |why: &str| EgressRefused::Host {
        given: shown(host),
        why: why.to_owned(),
    };
    let foreign = |c: char| c.is_control() || c.is_whitespace() || "/\\?#@%".contains(c);
    if host.is_empty() || host.contains(foreign) {
        return Err(refused("it must be a bare host, without scheme or path"));
    }
    let url =
        Url::parse(&format!("https://{host}/")).map_err(|error| refused(&error.to_string()))?;
    destination(&url)?;
    Ok(url)
}

/// The same host under another scheme. A port that was not written stays the scheme's own: 443, 80.
pub(crate) fn with_scheme(url: &Url, scheme: &str) -> Url {
    let mut other = url.clone();
    // Cannot fail between http and https; were it to, the guarded https form stays.
    if other.set_scheme(scheme).is_err() {
        return url.clone();
    }
    other
}

/// `host[:port]` of a URL, for messages.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A stranger's text, cut and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS_MAX)
        .collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;

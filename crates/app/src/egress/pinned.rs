//! One HTTP client for one checked destination, tied to the addresses that were checked.

use std::net::SocketAddr;

use reqwest::dns::{Name, Resolve, Resolving};
use rustls::ClientConfig;

use super::{EgressError, EgressLimits};

/// The most header fields in an answer.
const HEADERS_MAX: usize = 100;
/// Idle connections kept to one destination.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// A client that can reach `addresses` and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Pinned {
    pub(super) client: reqwest::Client,
    pub(super) addresses: Vec<SocketAddr>,
}

/// Answers no name: what is not pinned is not reached.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, name: Name) -> Resolving {
        let error = format!("`{}` was not checked by the egress guard", name.as_str());
        Box::pin(async move { Err(error.into()) })
    }
}

impl Pinned {
    pub(super) fn new(
        host: &str,
        addresses: Vec<SocketAddr>,
        tls: &ClientConfig,
        limits: &EgressLimits,
    ) -> Result<Self, EgressError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .http1_max_headers(HEADERS_MAX)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(concat!("edgemart/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(std::sync::Arc::new(NoNames))
            .resolve_to_addrs(host, &addresses)
            .connect_timeout(limits.connect_max)
            .read_timeout(limits.idle_max)
            .tcp_keepalive(std::time::Duration::from_secs(30))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(limits.pin_max)
            .build()
            .map_err(|error| EgressError::Setup {
                why: error.to_string(),
            })?;
        Ok(Self { client, addresses })
    }
}

//! The network address of who is asking, for throttles and the audit log. `X-Forwarded-For` counts only when the
//! connection comes from a proxy that the operator named.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;

use crate::state::Web;

/// The peer's address as text; `unknown` where the server was not told.
pub(crate) struct Peer(pub(crate) String);

fn behind(proxies: &[IpAddr], direct: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !proxies.contains(&direct) {
        return direct;
    }
    let lines = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<Option<IpAddr>> = lines
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|hop| address(hop.trim()))
        .collect();
    // From the right: the first hop that is not one of our proxies is the last one we can believe. What stands left of
    // a hop that cannot be read may be anybody's word.
    let first_foreign = hops
        .into_iter()
        .rev()
        .find(|hop| hop.is_none_or(|hop| !proxies.contains(&hop)));
    first_foreign.flatten().unwrap_or(direct)
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    bare.unwrap_or(hop)
        .parse()
        .ok()
        .or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

impl FromRequestParts<Web> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = connected.map(|ConnectInfo(address)| {
            behind(&web.options.trusted_proxies, address.ip(), &parts.headers).to_string()
        });
        Ok(Self(address.unwrap_or_else(|| "unknown".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(proxies: &[&str], direct: &str, forwarded: &str) -> String {
        let proxies: Vec<IpAddr> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        behind(&proxies, direct.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_named_proxies_are_believed() {
        assert_eq!(seen(&[], "192.0.2.1", "203.0.113.9"), "192.0.2.1");
        assert_eq!(
            seen(&["192.0.2.1"], "192.0.2.1", "203.0.113.9"),
            "203.0.113.9"
        );
        assert_eq!(
            seen(&["192.0.2.1"], "192.0.2.1", "10.0.0.1, 203.0.113.9"),
            "203.0.113.9"
        );
        assert_eq!(
            seen(
                &["192.0.2.1", "192.0.2.2"],
                "192.0.2.1",
                "203.0.113.9, 192.0.2.2"
            ),
            "203.0.113.9"
        );
        assert_eq!(seen(&["192.0.2.1"], "192.0.2.1", "nonsense"), "192.0.2.1");
        for (forwarded, believed) in [
            ("6.6.6.6, 203.0.113.9:4711", "203.0.113.9"),
            ("6.6.6.6, [2001:db8::1]", "2001:db8::1"),
            ("6.6.6.6, [2001:db8::1]:4711", "2001:db8::1"),
            ("6.6.6.6, 2001:db8::1", "2001:db8::1"),
            ("6.6.6.6, unknown", "192.0.2.1"),
        ] {
            let seen = seen(&["192.0.2.1"], "192.0.2.1", forwarded);
            assert_eq!(seen, believed, "{forwarded}");
        }
    }
}

//! What the operator says about outgoing connections: `egress.*` of the configuration.
//!
//! Parsing and matching only. The decision over one destination is taken in [`super::Egress::resolve`].

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::address::{Special, special};
use super::refused::EgressRefused;

/// Where the marketplace may connect to on behalf of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressPolicy {
    /// `false`: nothing outside [`EgressPolicy::allow`] is reached, as in an air-gapped plant.
    pub enabled: bool,
    /// Destinations that are fine although their addresses are not public, such as
    /// `127.0.0.1:5000`, `10.0.0.0/8`, `registry.local`. A host's name opens private and loopback addresses
    /// only; link-local ones (cloud metadata) open by network alone.
    pub allow: Vec<Allowed>,
    /// Destinations spoken to in plain HTTP, passwords included. Opens no address by itself.
    pub insecure: Vec<Allowed>,
    /// PEM file of certificate authorities trusted besides the public ones.
    pub ca_file: Option<PathBuf>,
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            allow: Vec::new(),
            insecure: Vec::new(),
            ca_file: None,
        }
    }
}

impl EgressPolicy {
    /// The default with `allow` opened; a broken entry is an error.
    pub fn allowing(entries: &[&str]) -> Result<Self, AllowedError> {
        let allow = entries
            .iter()
            .map(|entry| entry.parse())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            allow,
            ..Self::default()
        })
    }
}

impl EgressPolicy {
    /// Which of `addresses`, the answers for `host`, may be dialled on `port`. Pure; the caller pins the result.
    ///
    /// # Errors
    /// [`EgressRefused`] when none is left, naming the first refused one.
    pub fn permit(
        &self,
        host: &str,
        port: u16,
        addresses: &[IpAddr],
    ) -> Result<Vec<IpAddr>, EgressRefused> {
        let named = self.names(host, port);
        let mut permitted = Vec::new();
        let mut refused = None;
        for &address in addresses {
            let what = special(address);
            let held = self.allow.iter().any(|entry| entry.holds(address, port));
            let open = held
                || match what {
                    None => named || self.enabled,
                    Some(what) => named && what.opens_by_name(),
                };
            if open {
                permitted.push(address);
            } else {
                refused.get_or_insert((address, what));
            }
        }
        match (permitted.is_empty(), refused) {
            (false, _) => Ok(permitted),
            (true, Some((address, Some(what)))) => Err(EgressRefused::Address {
                host: host.to_owned(),
                port,
                address,
                what,
            }),
            (true, Some((_, None))) => Err(EgressRefused::Disabled {
                host: host.to_owned(),
            }),
            (true, None) => Err(EgressRefused::Unresolvable {
                host: host.to_owned(),
                why: "the name has no address".to_owned(),
                passing: false,
            }),
        }
    }

    /// Does the operator's list name this host (and not only a network it may lie in)?
    pub fn names(&self, host: &str, port: u16) -> bool {
        self.allow.iter().any(|entry| entry.names(host, port))
    }

    /// May `host` at `addresses` be spoken to without TLS? Only what the operator listed, in either list.
    pub fn plain_http(&self, host: &str, port: u16, addresses: &[IpAddr]) -> bool {
        self.names(host, port)
            || self.insecure(host, port, addresses)
            || all(addresses, |address| {
                self.allow.iter().any(|entry| entry.holds(address, port))
            })
    }

    /// May a password go to `host` at `addresses` without TLS? Only within this machine, or where the operator
    /// said so in [`EgressPolicy::insecure`].
    pub fn plain_secret(&self, host: &str, port: u16, addresses: &[IpAddr]) -> bool {
        self.insecure(host, port, addresses)
            || all(addresses, |address| {
                special(address) == Some(Special::Loopback)
            })
    }

    /// Is `host` listed in [`EgressPolicy::insecure`]?
    pub fn insecure(&self, host: &str, port: u16, addresses: &[IpAddr]) -> bool {
        self.insecure.iter().any(|entry| entry.names(host, port))
            || all(addresses, |address| {
                self.insecure.iter().any(|entry| entry.holds(address, port))
            })
    }
}

fn all(addresses: &[IpAddr], test: impl Fn(IpAddr) -> bool) -> bool {
    !addresses.is_empty() && addresses.iter().all(|&address| test(address))
}

/// One destination of a list: a host name, an address or a network, on one port or all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Allowed {
    /// What.
    pub target: Target,
    /// On which port; `None` is every port.
    pub port: Option<u16>,
}

/// See [`Allowed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A host name in lower case, without a final dot.
    Host(String),
    /// A network; an address is a network of one.
    Network(IpNet),
}

/// An entry that is neither host, address nor network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no destination: write a host (registry.local), an address (10.1.2.3, [::1]) or a network \
     (10.0.0.0/8), each with an optional :port"
)]
pub struct AllowedError {
    /// The entry, shortened.
    pub found: String,
}

impl Allowed {
    /// Does this entry name `host` itself?
    pub fn names(&self, host: &str, port: u16) -> bool {
        matches!(&self.target, Target::Host(name) if *name == plain_host(host)) && self.on(port)
    }

    /// Does this entry hold `address`?
    pub fn holds(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.target, Target::Network(network) if network.contains(&address))
            && self.on(port)
    }

    fn on(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

/// Lower case, without the final dot that makes a name absolute.
fn plain_host(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let error = || AllowedError {
            found: text.chars().take(80).collect(),
        };
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::network(IpNet::from(address), None));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::network(network.trunc(), None));
        }
        let (target, port) = match text.rsplit_once(':') {
            Some((target, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => {
                let port: u16 = port.parse().map_err(|_| error())?;
                if port == 0 {
                    return Err(error());
                }
                (target, Some(port))
            }
            _ => (text, None),
        };
        // IPv6 stands in brackets before a port, as in an address bar; without a port brackets are optional.
        let bare = match target.strip_prefix('[') {
            Some(rest) if rest.matches(']').count() == 1 => rest.replace(']', ""),
            Some(_) => return Err(error()),
            None => target.to_owned(),
        };
        let bracketed = target.starts_with('[');
        if let Ok(address) = bare.parse::<IpAddr>()
            && address.is_ipv6() == bracketed
        {
            return Ok(Self::network(IpNet::from(address), port));
        }
        if let Ok(network) = bare.parse::<IpNet>()
            && (port.is_none() || network.addr().is_ipv6() == bracketed)
        {
            return Ok(Self::network(network.trunc(), port));
        }
        match url::Host::parse(target) {
            Ok(url::Host::Domain(name)) if is_host_name(&name) => Ok(Self {
                target: Target::Host(plain_host(&name)),
                port,
            }),
            _ => Err(error()),
        }
    }
}

/// Wildcards and the like would look as if they did something.
fn is_host_name(name: &str) -> bool {
    let plain = plain_host(name);
    !plain.is_empty()
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

impl Allowed {
    fn network(network: IpNet, port: Option<u16>) -> Self {
        Self {
            target: Target::Network(network),
            port,
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Host(name) => out.write_str(name)?,
            Target::Network(network) => {
                let whole = network.prefix_len() == network.max_prefix_len();
                match (network, self.port.is_some()) {
                    (IpNet::V6(network), true) => write!(out, "[{}]", network.addr())?,
                    _ => write!(out, "{}", network.addr())?,
                }
                if !whole {
                    write!(out, "/{}", network.prefix_len())?;
                }
            }
        }
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

impl TryFrom<String> for Allowed {
    type Error = AllowedError;

    fn try_from(text: String) -> Result<Self, AllowedError> {
        text.parse()
    }
}

impl From<Allowed> for String {
    fn from(allowed: Allowed) -> Self {
        allowed.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_parsed_and_written_back() {
        for text in [
            "127.0.0.1:5000",
            "10.0.0.0/8",
            "10.0.0.0/8:443",
            "registry.local",
            "registry.local:80",
            "::1",
            "[::1]:5000",
            "fd00::/8",
            "[fd00::]/8:443",
            "localhost",
        ] {
            let allowed: Allowed = text.parse().unwrap();
            assert_eq!(allowed.to_string(), text);
        }
        assert_eq!(
            "10.1.2.3/8".parse::<Allowed>().unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert_eq!("[::1]".parse::<Allowed>().unwrap().to_string(), "::1");
        assert_eq!(
            "Registry.Local.".parse::<Allowed>().unwrap().to_string(),
            "registry.local"
        );
    }

    #[test]
    fn broken_entries_are_refused() {
        for text in [
            "",
            " ",
            "http://x",
            "a b",
            "10.0.0.0/33",
            "x:0",
            "x:70000",
            "0x7f.1",
            "2130706433",
            "x/8",
            "*",
            "*.example.com",
            "user@host",
            ":5000",
            "[::1",
            "10.0.0.0/8/8",
        ] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_policy_is_read_strictly() {
        let policy: EgressPolicy =
            serde_json::from_str(r#"{"allow":["127.0.0.1:5000","10.0.0.0/8"]}"#).unwrap();
        assert!(policy.enabled);
        assert_eq!(
            policy,
            EgressPolicy::allowing(&["127.0.0.1:5000", "10.0.0.0/8"]).unwrap()
        );
        assert!(serde_json::from_str::<EgressPolicy>(r#"{"alow":[]}"#).is_err());
        let broken = serde_json::from_str::<EgressPolicy>(r#"{"allow":["x y"]}"#).unwrap_err();
        assert!(
            broken.to_string().contains("`x y` is no destination"),
            "{broken}"
        );
    }

    #[test]
    fn ports_and_names_must_match() {
        let allowed: Allowed = "registry.local:5000".parse().unwrap();
        assert!(allowed.names("REGISTRY.local.", 5000));
        assert!(!allowed.names("registry.local", 5001));
        assert!(!allowed.names("evil.registry.local", 5000));
        let network: Allowed = "10.0.0.0/8".parse().unwrap();
        assert!(network.holds("10.9.9.9".parse().unwrap(), 1));
        assert!(!network.holds("11.0.0.1".parse().unwrap(), 1));
        assert!(!network.names("10.0.0.1", 1));
    }

    fn permit(
        policy: &EgressPolicy,
        host: &str,
        addresses: &[&str],
    ) -> Result<Vec<String>, String> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        policy
            .permit(host, 5000, &addresses)
            .map(|list| list.iter().map(ToString::to_string).collect())
            .map_err(|refused| refused.to_string())
    }

    #[test]
    fn special_addresses_need_the_operator() {
        let shut = EgressPolicy::default();
        assert_eq!(permit(&shut, "x", &["8.8.8.8"]).unwrap(), ["8.8.8.8"]);
        let refused = permit(&shut, "x", &["169.254.169.254"]).unwrap_err();
        assert!(
            refused.contains("169.254.169.254") && refused.contains("link-local"),
            "{refused}"
        );
        assert_eq!(
            permit(&shut, "x", &["127.0.0.1", "8.8.8.8", "fd00::1"]).unwrap(),
            ["8.8.8.8"]
        );
        assert!(permit(&shut, "x", &[]).unwrap_err().contains("no address"));

        let open =
            EgressPolicy::allowing(&["10.0.0.0/8", "registry.local:5000", "[::1]:5001"]).unwrap();
        assert!(permit(&open, "x", &["10.2.3.4"]).is_ok());
        assert!(permit(&open, "x", &["192.168.0.1"]).is_err());
        assert!(permit(&open, "registry.local", &["192.168.0.1"]).is_ok());
        assert!(permit(&open, "registry.local", &["127.0.0.1"]).is_ok());
        assert!(permit(&open, "registry.local", &["169.254.169.254"]).is_err());
        assert!(permit(&open, "registry.local", &["0.0.0.0"]).is_err());
        assert!(permit(&open, "registry.local", &["::ffff:10.0.0.1"]).is_err());
        assert!(permit(&open, "x", &["::1"]).is_err(), "another port");
    }

    #[test]
    fn with_egress_off_only_the_list_is_reached() {
        let policy = EgressPolicy {
            enabled: false,
            ..EgressPolicy::allowing(&["10.0.0.0/8", "registry.local"]).unwrap()
        };
        assert!(
            permit(&policy, "x", &["8.8.8.8"])
                .unwrap_err()
                .contains("switched off")
        );
        assert!(permit(&policy, "x", &["10.0.0.1"]).is_ok());
        assert!(permit(&policy, "registry.local", &["8.8.8.8"]).is_ok());
    }

    #[test]
    fn plain_http_is_the_operators_choice() {
        let policy = EgressPolicy {
            insecure: vec!["old.example".parse().unwrap()],
            ..EgressPolicy::allowing(&["10.0.0.0/8", "127.0.0.1"]).unwrap()
        };
        let address = |text: &str| [text.parse::<IpAddr>().unwrap()];
        assert!(!policy.plain_http("x", 80, &address("8.8.8.8")));
        assert!(policy.plain_http("old.example", 80, &address("8.8.8.8")));
        assert!(policy.plain_secret("old.example", 80, &address("8.8.8.8")));
        assert!(policy.plain_http("x", 80, &address("10.0.0.1")));
        assert!(
            !policy.plain_secret("x", 80, &address("10.0.0.1")),
            "a password needs more"
        );
        assert!(policy.plain_secret("x", 80, &address("127.0.0.1")));
        assert!(!policy.plain_http("x", 80, &[]));
    }
}

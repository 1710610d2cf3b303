//! Why a connection was not made, or did not work: texts for the person who named the address.

use std::net::IpAddr;
use std::time::Duration;

use super::address::Special;

/// The guard said no. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressRefused {
    /// Outgoing connections are off and the destination is not listed.
    #[error(
        "`{host}` was not contacted: outgoing connections are switched off here (egress.enabled); the operator can \
         list it in egress.allow"
    )]
    Disabled {
        /// As given.
        host: String,
    },
    /// Not a host at all.
    #[error(
        "`{given}` is no host: {why}; write a host name such as registry.example.com, with :port if it is not 443"
    )]
    Host {
        /// As given, shortened.
        given: String,
        /// What the parser said.
        why: String,
    },
    /// Neither http nor https.
    #[error("`{url}` was not opened: only https (or http, where the operator allows it) is spoken")]
    Scheme {
        /// As given, shortened.
        url: String,
    },
    /// A password in an address would end up in logs.
    #[error(
        "an address of `{host}` carries a user name or password; remove it and give credentials in their own field"
    )]
    UserInfo {
        /// The host.
        host: String,
    },
    /// Plain HTTP where the operator does not allow it.
    #[error(
        "`{host}` was asked for over plain http, which is not allowed for it; use https, or have the operator list the \
         host in egress.insecure"
    )]
    PlainHttp {
        /// With port.
        host: String,
    },
    /// A password over plain HTTP.
    #[error(
        "the password was not sent to `{host}`, because it speaks plain http; use https, or have the operator list the \
         host in egress.insecure"
    )]
    PlainSecret {
        /// With port.
        host: String,
    },
    /// The address is not public.
    #[error(
        "`{host}` was not contacted: it is at {address}, {what}; the marketplace connects to public addresses only, \
         unless the operator lists the address in egress.allow (port {port})"
    )]
    Address {
        /// As given.
        host: String,
        /// The port asked for.
        port: u16,
        /// The address found.
        address: IpAddr,
        /// Why it is refused.
        what: Special,
    },
    /// No address.
    #[error("`{host}` could not be found: {why}; check the spelling of the host")]
    Unresolvable {
        /// As given.
        host: String,
        /// What the resolver said.
        why: String,
        /// The resolver itself was in trouble; the name may be right.
        passing: bool,
    },
    /// From https to http.
    #[error("`{from}` redirects from https to plain http at `{to}`, which is not followed")]
    Downgrade {
        /// The redirecting host.
        from: String,
        /// The target's host.
        to: String,
    },
    /// A redirect that leads nowhere or too far.
    #[error("`{from}` answers with a redirect that is not followed: {why}")]
    Redirect {
        /// The redirecting host.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// The connection ended at an address that was never approved: a broken resolver or connector.
    #[error("the connection to `{host}` ended at an address that was not checked; it was closed")]
    Unpinned {
        /// The host.
        host: String,
    },
}

/// A request that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The guard said no.
    #[error(transparent)]
    Refused(#[from] EgressRefused),
    /// No connection.
    #[error("no connection to `{host}`: {why}")]
    Connect {
        /// With port.
        host: String,
        /// What the system said.
        why: String,
    },
    /// TLS failed: a certificate nobody trusts, another name, an old protocol.
    #[error(
        "no secure connection to `{host}`: {why}; the certificate must be valid for this name and issued by a trusted \
         authority (the operator can add one in egress.ca_file)"
    )]
    Tls {
        /// With port.
        host: String,
        /// What TLS said.
        why: String,
    },
    /// The peer answered our TLS greeting with something that is not TLS.
    #[error(
        "`{host}` does not speak TLS on this port; use its https port, or have the operator list the host in \
         egress.insecure"
    )]
    NotTls {
        /// With port.
        host: String,
    },
    /// Silence for longer than the limit.
    #[error("`{host}` was silent for {} seconds; try again later", .limit.as_secs_f32())]
    Slow {
        /// With port.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// More than the limit.
    #[error("`{host}` sent {what} over the limit of {bytes_max} bytes")]
    TooBig {
        /// With port.
        host: String,
        /// Header or body.
        what: &'static str,
        /// The limit.
        bytes_max: u64,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the connection to `{host}` broke: {why}")]
    Broken {
        /// With port.
        host: String,
        /// What the client library said.
        why: String,
    },
    /// The client could not be built from our own parts.
    #[error("the outgoing client could not be set up: {why}")]
    Setup {
        /// What the library said.
        why: String,
    },
}

impl EgressError {
    /// May the same request work a little later?
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Slow { .. }
                | Self::Broken { .. }
                | Self::Refused(EgressRefused::Unresolvable { passing: true, .. })
        )
    }
}

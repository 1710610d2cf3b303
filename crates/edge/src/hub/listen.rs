//! Sockets that modules come to, also at an address that is not there yet: the bridge of a container network gets its
//! address with its first container, and that one already looks for the hub.

use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::ServerError;

/// Connections that may wait to be taken.
const BACKLOG: i32 = 128;

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Address.
    pub address: IpAddr,
    /// It may not be there yet.
    pub to_come: bool,
}

/// Listens for connections; gives the port, which is another when 0 was asked for.
pub(crate) fn tcp(place: Place, port: u16) -> Result<(TcpListener, u16), ServerError> {
    let address = SocketAddr::new(place.address, port);
    let made = || {
        let socket = bound(place, address, Type::STREAM, Protocol::TCP)?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    };
    made().map_err(|problem| ServerError::Listen { address, problem })
}

/// Listens for packets.
pub(crate) fn udp(place: Place, port: u16) -> std::io::Result<UdpSocket> {
    let address = SocketAddr::new(place.address, port);
    UdpSocket::from_std(bound(place, address, Type::DGRAM, Protocol::UDP)?.into())
}

fn bound(
    place: Place,
    address: SocketAddr,
    kind: Type,
    protocol: Protocol,
) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    // The hub comes back on the same port after an outage, while old connections are still remembered.
    socket.set_reuse_address(kind == Type::STREAM)?;
    if place.to_come {
        match address {
            SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
            SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

//! One TLS connection to the gateway, read by one thread and written by any.
//!
//! Reading waits at the socket without the lock; only what came is worked on under it. So a writer never waits for a
//! reader, and no second descriptor, no `poll` and no event loop is needed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Longest wait for a connection, for the handshake's reads, and for each write.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// A connection.
pub struct Wire {
    stream: TcpStream,
    tls: Mutex<ClientConnection>,
}

/// What reading brought.
pub enum Received {
    Bytes,
    /// Nothing for so long as [`Wire::open`] was told.
    Nothing,
    Ended,
}

impl Wire {
    /// Connects and shakes hands; only `bundle` is trusted. Reading gives up after `patience`.
    pub fn open(
        gateway: &str,
        port: u16,
        bundle: &str,
        patience: Duration,
    ) -> Result<Wire, String> {
        let config = config(bundle)?;
        let name = ServerName::try_from(gateway.to_owned())
            .map_err(|_| format!("the gateway {gateway:?} is no name for TLS"))?;
        let mut stream = connect(gateway, port)?;
        let wrong = |e: std::io::Error| format!("TLS with {gateway}:{port}: {e}");
        stream.set_nodelay(true).map_err(wrong)?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(wrong)?;
        stream.set_write_timeout(Some(TIMEOUT)).map_err(wrong)?;
        let mut tls = ClientConnection::new(Arc::new(config), name)
            .map_err(|e| format!("TLS with {gateway}: {e}"))?;
        // A message and its packet go out whole.
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            tls.complete_io(&mut stream).map_err(wrong)?;
        }
        stream.set_read_timeout(Some(patience)).map_err(wrong)?;
        Ok(Wire {
            stream,
            tls: Mutex::new(tls),
        })
    }

    /// Sends bytes; on an error the connection is of no more use.
    pub fn send(&self, bytes: &[u8]) -> Result<(), String> {
        let mut tls = self.lock();
        let sent = tls
            .writer()
            .write_all(bytes)
            .and_then(|()| self.flush(&mut tls));
        sent.map_err(|e| format!("sending to the hub: {e}"))
    }

    /// Waits for bytes, and appends them.
    pub fn receive(&self, received: &mut Vec<u8>) -> Result<Received, String> {
        let mut piece = [0_u8; PIECE_BYTES];
        let wrong = |what: &dyn std::fmt::Display| format!("receiving from the hub: {what}");
        let count = match (&self.stream).read(&mut piece) {
            Ok(0) => return Ok(Received::Ended),
            Ok(count) => count,
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                return Ok(Received::Nothing);
            }
            Err(e) => return Err(wrong(&e)),
        };
        let mut left = &piece[..count];
        let mut tls = self.lock();
        while !left.is_empty() {
            tls.read_tls(&mut left).map_err(|e| wrong(&e))?;
            let state = tls.process_new_packets().map_err(|e| wrong(&e))?;
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut plain).map_err(|e| wrong(&e))?;
            received.extend_from_slice(&plain);
            if state.peer_has_closed() {
                return Ok(Received::Ended);
            }
        }
        // What TLS itself has to answer, such as a change of keys.
        self.flush(&mut tls).map_err(|e| wrong(&e))?;
        Ok(Received::Bytes)
    }

    /// Ends the connection in good order; whoever reads is woken.
    pub fn close(&self) {
        let mut tls = self.lock();
        tls.send_close_notify();
        // The other side may be gone already: then there is nobody to tell.
        let _ = self.flush(&mut tls);
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn flush(&self, tls: &mut ClientConnection) -> std::io::Result<()> {
        while tls.wants_write() {
            tls.write_tls(&mut &self.stream)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, ClientConnection> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn config(bundle: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        let certificate = certificate.map_err(|e| format!("the trust bundle is no PEM: {e}"))?;
        roots
            .add(certificate)
            .map_err(|e| format!("a certificate of the trust bundle: {e}"))?;
    }
    if roots.is_empty() {
        return Err("the trust bundle holds no certificate".to_owned());
    }
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("no connection to {host}:{port}: {what}");
    let mut last = wrong(&"the name has no address");
    for address in (host, port).to_socket_addrs().map_err(|e| wrong(&e))? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(e) => last = wrong(&e),
        }
    }
    Err(last)
}

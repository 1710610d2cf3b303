//! Who may connect: the checks of the real hub on CONNECT, in its order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::Hub;
use super::username::{self, Username};
use crate::log::Event;
use crate::mqtt::{Connect, ConnectCode};
use crate::token::{Audience, Token};

/// An admitted connection.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) number: u64,
    pub(super) module: Arc<str>,
    pub(super) wake: Arc<Notify>,
    /// The session was there before.
    pub session_present: bool,
    /// How long its token still holds; the hub ends the connection with it.
    pub(super) token_left: Duration,
}

/// Why a CONNECT is refused, with the code to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// CONNACK return code.
    pub code: ConnectCode,
    /// For the log.
    pub reason: String,
}

impl Connection {
    /// The module that connected.
    pub fn module(&self) -> &str {
        &self.module
    }
}

impl Hub {
    /// Admits a module, or says why not. An older connection of it ends.
    ///
    /// # Errors
    /// Identity, token or audience do not fit.
    pub fn connect(&self, connect: &Connect, transport: &str) -> Result<Connection, Refused> {
        let refused = |reason: String| Refused {
            code: ConnectCode::NotAuthorized,
            reason,
        };
        let username = connect
            .username
            .as_deref()
            .ok_or_else(|| refused("no user name".into()))?;
        let user = username::parse(username).map_err(refused)?;
        self.check_identity(connect, &user).map_err(refused)?;
        let token_expires = self.check_token(connect, user.module).map_err(refused)?;

        let mut state = self.lock();
        let number = state.next_number();
        let Some(module) = state.module(user.module) else {
            return Err(refused(format!("no module {:?} in this run", user.module)));
        };
        let name: Arc<str> = module.credentials.module.as_str().into();
        let (wake, session_present) = module.session.attach(number, connect.clean_session);
        self.log.record(
            Some(&name),
            Event::Connected {
                client_type: user.client_type,
                api_version: user.api_version.to_owned(),
                transport: transport.to_owned(),
                clean_session: connect.clean_session,
                session_present,
                keep_alive_seconds: connect.keep_alive_seconds,
                token_expires,
            },
        );
        Ok(Connection {
            number,
            module: name,
            wake,
            session_present,
            token_left: Duration::from_secs(token_expires.saturating_sub(self.now_seconds())),
        })
    }

    /// Hub, device and client identifier agree with each other and with this run.
    fn check_identity(&self, connect: &Connect, user: &Username<'_>) -> Result<(), String> {
        let device = &self.device;
        let host = user.hub;
        if !host.eq_ignore_ascii_case(&device.hub) && !host.eq_ignore_ascii_case(&device.gateway) {
            return Err(format!("hub {host:?}; this run is {:?}", device.hub));
        }
        if !user.device.eq_ignore_ascii_case(&device.device) {
            return Err(format!(
                "device {:?}; this run is {:?}",
                user.device, device.device
            ));
        }
        let wanted = format!("{}/{}", user.device, user.module);
        if !connect.client_id.eq_ignore_ascii_case(&wanted) {
            return Err(format!(
                "client identifier {:?} and user name disagree; it should be {wanted:?}",
                connect.client_id.chars().take(200).collect::<String>()
            ));
        }
        Ok(())
    }

    /// The password is a token of this module that is not over.
    fn check_token(&self, connect: &Connect, module: &str) -> Result<u64, String> {
        let credentials = self
            .lock()
            .module(module)
            .map(|module| Arc::clone(&module.credentials))
            .ok_or_else(|| format!("no module {module:?} in this run"))?;
        let password = connect
            .password
            .as_deref()
            .ok_or("no password; a module shows a SAS token")?;
        let text = std::str::from_utf8(password).map_err(|_| "the password is not UTF-8")?;
        let token = Token::parse(text).map_err(|problem| problem.to_string())?;
        let audience = Audience {
            hub: &self.device.hub,
            gateway: &self.device.gateway,
            device: &self.device.device,
            module: &credentials.module,
        };
        token
            .verify(audience, credentials.key(), self.now_seconds())
            .map_err(|problem| problem.to_string())?;
        Ok(token.expires)
    }

    /// A connection ended. Its session stays, unless it was a clean one or another connection has it.
    pub fn disconnected(&self, connection: &Connection, clean: bool, reason: &str) {
        let mut state = self.lock();
        if let Some(module) = state.module(&connection.module)
            && module.session.is_served_by(connection.number)
        {
            module.session.detach();
        }
        drop(state);
        self.log.record(
            Some(&connection.module),
            Event::Disconnected {
                clean,
                reason: reason.to_owned(),
            },
        );
    }
}

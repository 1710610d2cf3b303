//! What every handler is given.

use std::sync::Arc;

use app::App;
use axum::extract::FromRef;

use crate::traffic::Traffic;

/// The state of the router.
#[derive(Clone)]
pub struct Web {
    /// The marketplace.
    pub app: App,
    /// Options of the HTTP edge.
    pub options: Options,
    /// What this process served.
    pub(crate) traffic: Arc<Traffic>,
}

/// What the operator decided about the HTTP edge.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

impl FromRef<Web> for App {
    fn from_ref(web: &Web) -> Self {
        web.app.clone()
    }
}

impl Web {
    /// Cookies are `Secure` and carry the `__Host-` prefix when people reach us by https.
    pub fn secure(&self) -> bool {
        self.app.settings.public_url.scheme() == "https"
    }

    /// Name of the session cookie.
    pub fn session_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-edgemart"
        } else {
            "edgemart"
        }
    }
}

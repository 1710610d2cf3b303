//! A publisher's sign-in at their own registry, as long as it is needed in memory.

use zeroize::Zeroize as _;

/// User name and password of one registry. Never printed, overwritten when dropped.
#[derive(Clone)]
pub struct Credentials {
    /// The user, or the application id.
    pub username: String,
    /// The password, or an access token used as one.
    pub password: String,
    /// Another host, by the publisher's word, whose token server may be given the password (over https only):
    /// `auth.docker.io` for Docker Hub. The registry's own host needs no word.
    pub realm_host: Option<String>,
}

impl Credentials {
    /// Credentials for the registry's own host alone.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            realm_host: None,
        }
    }

    /// May the password also go to `host`, or `host:port`?
    pub(super) fn trusts(&self, host: &str, authority: &str) -> bool {
        self.realm_host.as_deref().is_some_and(|trusted| {
            trusted.eq_ignore_ascii_case(host) || trusted.eq_ignore_ascii_case(authority)
        })
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &"…")
            .field("realm_host", &self.realm_host)
            .finish()
    }
}

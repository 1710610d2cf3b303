//! Shared access signature tokens: what a module shows instead of a password, read, checked as the real hub checks it,
//! and made (edge-runtime fact sheet §1.4).
//!
//! A token signs `{sr}\n{se}` with the module's key. The time is handed in; nothing here looks at a clock.

use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;

/// Longest token that is read.
pub const TOKEN_BYTES_MAX: usize = 4096;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A token, not yet trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `sr` as written, because that is what is signed.
    audience: String,
    signature: Vec<u8>,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
    /// `se` as written.
    expiry: String,
}

/// Who a token has to be for.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// Host name of the IoT hub.
    pub hub: &'a str,
    /// Host name of the edge device.
    pub gateway: &'a str,
    /// Device id.
    pub device: &'a str,
    /// Module id.
    pub module: &'a str,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token.
    #[error("the password is no SAS token: {0}; it reads SharedAccessSignature sr=…&sig=…&se=…")]
    Form(String),
    /// For another hub or another identity.
    #[error(
        "the token is for {found:?}, the connection is {wanted:?}; sign for the identity that connects"
    )]
    Audience {
        /// Decoded `sr`.
        found: String,
        /// What it should have been.
        wanted: String,
    },
    /// Over.
    #[error("the token ended {ago_seconds} s ago; renew it before its se")]
    Expired {
        /// Seconds since.
        ago_seconds: u64,
    },
    /// Signed with another key or over other bytes.
    #[error(
        "the signature is not the HMAC-SHA256 of sr and se with the module's key; let the workload API sign"
    )]
    Signature,
}

impl Token {
    /// Reads `SharedAccessSignature sr=…&sig=…&se=…`, in any order of fields.
    ///
    /// # Errors
    /// It has not that form.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let form = |what: &str| TokenError::Form(what.to_owned());
        if text.len() > TOKEN_BYTES_MAX {
            return Err(form("longer than 4096 bytes"));
        }
        let fields = text
            .strip_prefix("SharedAccessSignature ")
            .ok_or_else(|| form("another scheme"))?;
        // A `/` or `=` may stand unescaped in sig, so only the first `=` divides.
        let field = |name: &str| {
            fields
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find_map(|(key, value)| (key.trim() == name).then_some(value))
        };
        let audience = field("sr").ok_or_else(|| form("no sr"))?;
        let expiry = field("se").ok_or_else(|| form("no se"))?;
        let signature = field("sig").ok_or_else(|| form("no sig"))?;
        let signature = percent_decode_str(signature)
            .decode_utf8()
            .ok()
            .and_then(|text| BASE64_STANDARD.decode(text.as_bytes()).ok())
            .ok_or_else(|| form("sig is no base64"))?;
        Ok(Self {
            audience: audience.to_owned(),
            signature,
            expires: expiry
                .parse()
                .map_err(|_| form("se is no number of seconds"))?,
            expiry: expiry.to_owned(),
        })
    }

    /// Checks audience, expiry and signature, in that order.
    ///
    /// # Errors
    /// The first that does not fit.
    pub fn verify(
        &self,
        for_whom: Audience<'_>,
        key: &[u8],
        now_seconds: u64,
    ) -> Result<(), TokenError> {
        self.check_audience(for_whom)?;
        if self.expires <= now_seconds {
            return Err(TokenError::Expired {
                ago_seconds: now_seconds - self.expires,
            });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signed = format!("{}\n{}", self.audience, self.expiry);
        hmac::verify(&key, signed.as_bytes(), &self.signature).map_err(|_| TokenError::Signature)
    }

    /// `host/devices/D/modules/M`, compared without regard to case as the hub does.
    fn check_audience(&self, whom: Audience<'_>) -> Result<(), TokenError> {
        let found = percent_decode_str(&self.audience)
            .decode_utf8_lossy()
            .into_owned();
        let wanted = format!(
            "{}/devices/{}/modules/{}",
            whom.hub, whom.device, whom.module
        );
        let fits = match found.split('/').collect::<Vec<_>>().as_slice() {
            [host, "devices", device, "modules", module] => {
                (host.eq_ignore_ascii_case(whom.hub) || host.eq_ignore_ascii_case(whom.gateway))
                    && device.eq_ignore_ascii_case(whom.device)
                    && module.eq_ignore_ascii_case(whom.module)
            }
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(TokenError::Audience {
                found: found.chars().take(200).collect(),
                wanted,
            })
        }
    }
}

/// Makes a token as the SDKs do, signed with `key`.
pub fn make(for_whom: Audience<'_>, key: &[u8], expires: u64) -> String {
    let audience = format!(
        "{}/devices/{}/modules/{}",
        for_whom.hub, for_whom.device, for_whom.module
    );
    let audience = utf8_percent_encode(&audience, ENCODED).to_string();
    let signature = sign(key, format!("{audience}\n{expires}").as_bytes());
    let signature = BASE64_STANDARD.encode(signature);
    let signature = utf8_percent_encode(&signature, ENCODED);
    format!("SharedAccessSignature sr={audience}&sig={signature}&se={expires}")
}

/// HMAC-SHA256, which is also what the workload API's `sign` gives.
pub fn sign(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, data).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"a key of the module";
    const WHOM: Audience<'_> = Audience {
        hub: "sim-hub.azure-devices.net",
        gateway: "edgehub",
        device: "simdev",
        module: "mod1",
    };

    fn verify(text: &str, now: u64) -> Result<(), TokenError> {
        Token::parse(text)?.verify(WHOM, KEY, now)
    }

    #[test]
    fn a_token_signs_the_encoded_audience() {
        let token = make(WHOM, KEY, 1_795_320_620);
        let data = b"sim-hub.azure-devices.net%2Fdevices%2Fsimdev%2Fmodules%2Fmod1\n1795320620";
        let signature = BASE64_STANDARD.encode(sign(KEY, data)).replace('=', "%3D");
        let signature = signature.replace('/', "%2F").replace('+', "%2B");
        assert!(token.contains(&format!("sig={signature}&")), "{token}");
        assert_eq!(verify(&token, 1_795_320_619), Ok(()));
    }

    #[test]
    fn the_edge_device_may_stand_for_the_hub_and_case_does_not_count() {
        for hub in ["edgehub", "EdgeHub", "SIM-HUB.azure-devices.net"] {
            assert_eq!(verify(&make(Audience { hub, ..WHOM }, KEY, 10), 9), Ok(()));
        }
        let module = Audience {
            module: "MOD1",
            ..WHOM
        };
        assert_eq!(verify(&make(module, KEY, 10), 9), Ok(()));
    }

    #[test]
    fn each_way_to_be_refused() {
        assert_eq!(
            verify(&make(WHOM, KEY, 10), 10),
            Err(TokenError::Expired { ago_seconds: 0 })
        );
        assert_eq!(
            verify(&make(WHOM, b"other", 10), 9),
            Err(TokenError::Signature)
        );
        for other in [
            Audience {
                hub: "other",
                ..WHOM
            },
            Audience {
                device: "other",
                ..WHOM
            },
            Audience {
                module: "mod",
                ..WHOM
            },
            Audience {
                module: "mod1/x",
                ..WHOM
            },
        ] {
            let refused = verify(&make(other, KEY, 10), 9);
            assert!(
                matches!(refused, Err(TokenError::Audience { .. })),
                "{refused:?}"
            );
        }
        for text in [
            "",
            "Bearer x",
            "SharedAccessSignature sr=a&se=1",
            "SharedAccessSignature sr=a&sig=!&se=1",
            "SharedAccessSignature sr=a&sig=AA%3D%3D&se=x",
        ] {
            assert!(
                matches!(verify(text, 0), Err(TokenError::Form(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_signature_may_be_unescaped_and_a_policy_name_may_follow() {
        let token = make(WHOM, KEY, 10)
            .replace("%2B", "+")
            .replace("%2F", "/")
            .replace("%3D", "=")
            .replace(
                "sr=sim-hub.azure-devices.net/devices/simdev/modules/mod1",
                "sr=sim-hub.azure-devices.net%2Fdevices%2Fsimdev%2Fmodules%2Fmod1",
            );
        assert_eq!(verify(&format!("{token}&skn=policy"), 9), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(SharedAccessSignature )?(sr=|sig=|se=|&|%|[a-z0-9]){0,20}") {
            let _ = verify(&text, 5);
        }

        #[test]
        fn one_changed_byte_is_noticed(at in 0_usize..120, to in "[a-zA-Z0-9]") {
            let token = make(WHOM, KEY, 1_000_000_000);
            let at = 22 + at % (token.len() - 22);
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(Token::parse(&changed) != Token::parse(&token));
            let refused = verify(&changed, 5);
            prop_assert!(refused.is_err(), "{token} became {changed}");
        }
    }
}

//! Registry tokens: short JWTs signed with Ed25519 (RFC 8037 `EdDSA`), after the distribution project's token
//! specification. Making and reading them is here; who is granted what stands in `grant.rs`.
//!
//! The algorithm is pinned and keys are looked up by `kid` among our own only, so neither `alg` games nor made-up key
//! ids lead anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oci::AccessEntry;
use serde::{Deserialize, Serialize};

use super::keys::TokenKeys;

/// Life of a token. A pull that takes longer only needs it for requests it has yet to begin.
pub const TOKEN_SECONDS_MAX: i64 = 300;
/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// How far another replica's clock may be ahead of ours.
const CLOCK_SKEW_SECONDS_MAX: i64 = 60;

const ACCOUNT: &str = "account:";
const PREVIEW: &str = "preview:";

/// For whom a token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// Anyone.
    Anonymous,
    /// An account, by row id.
    Account(&'a str),
    /// The holder of a preview's pull token, by row id.
    Preview(&'a str),
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// This marketplace's public address.
    pub iss: String,
    /// Empty, `account:{id}` or `preview:{id}`; see [`Claims::bearer`].
    pub sub: String,
    /// The registry's host.
    pub aud: String,
    /// Dies at, in seconds since 1970.
    pub exp: i64,
    /// Valid from.
    pub nbf: i64,
    /// Made at.
    pub iat: i64,
    /// A unique id, for the log.
    pub jti: String,
    /// What it opens.
    pub access: Vec<AccessEntry>,
}

impl Claims {
    /// For whom the token was made. An unknown kind of subject counts as anyone.
    pub fn bearer(&self) -> Bearer<'_> {
        if let Some(id) = self.sub.strip_prefix(ACCOUNT) {
            Bearer::Account(id)
        } else if let Some(id) = self.sub.strip_prefix(PREVIEW) {
            Bearer::Preview(id)
        } else {
            Bearer::Anonymous
        }
    }

    /// Whether the token opens `repository` for `action` (`pull`, `push`, `delete`).
    pub fn opens(&self, repository: &str, action: &str) -> bool {
        self.access.iter().any(|entry| {
            entry.kind == "repository"
                && entry.name == repository
                && entry.actions.iter().any(|a| a == action)
        })
    }
}

/// The `sub` of a token for `bearer`.
pub(super) fn subject(bearer: Bearer<'_>) -> String {
    match bearer {
        Bearer::Anonymous => String::new(),
        Bearer::Account(id) => format!("{ACCOUNT}{id}"),
        Bearer::Preview(id) => format!("{PREVIEW}{id}"),
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64 JSON, or too long.
    #[error("the token is not a token of this registry")]
    Malformed,
    /// Another algorithm than EdDSA.
    #[error("the token is signed with another algorithm than EdDSA")]
    Algorithm,
    /// An unknown key, or not signed by it.
    #[error("the token's signature is not ours")]
    Signature,
    /// Made for another registry.
    #[error("the token was made for another registry")]
    Audience,
    /// Over.
    #[error("the token has expired; ask the token endpoint for a new one")]
    Expired,
    /// From the future.
    #[error("the token is not valid yet; check the clocks")]
    Early,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: String,
    kid: String,
}

/// Whether a bearer credential has a JWT's shape; access tokens and pull tokens have no dots.
pub(super) fn looks_like_jwt(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Signs `claims` with the set's first key.
pub(super) fn mint(keys: &TokenKeys, claims: &Claims) -> Result<String, serde_json::Error> {
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let (message, signature) = keys.sign_with(|kid| {
        let header = Header {
            alg: "EdDSA".into(),
            typ: "JWT".into(),
            kid: kid.to_owned(),
        };
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        Ok::<_, serde_json::Error>(format!("{header}.{body}"))
    })?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(format!("{message}.{signature}"))
}

/// Reads a token made for `issuer` and `audience`; nothing in it is looked at before its signature was found good.
pub(super) fn verify(
    keys: &TokenKeys,
    text: &str,
    (issuer, audience): (&str, &str),
    now_seconds: i64,
) -> Result<Claims, TokenError> {
    if text.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (message, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, body) = message.split_once('.').ok_or(TokenError::Malformed)?;
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| TokenError::Malformed)
    };
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
    if header.alg != "EdDSA" {
        return Err(TokenError::Algorithm);
    }
    if !keys.verifies(&header.kid, message.as_bytes(), &decode(signature)?) {
        return Err(TokenError::Signature);
    }
    let claims: Claims =
        serde_json::from_slice(&decode(body)?).map_err(|_| TokenError::Malformed)?;
    if claims.aud != audience || claims.iss != issuer {
        return Err(TokenError::Audience);
    }
    if claims.exp <= now_seconds {
        return Err(TokenError::Expired);
    }
    if claims.nbf > now_seconds + CLOCK_SKEW_SECONDS_MAX {
        return Err(TokenError::Early);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: (&str, &str) = ("https://market.example/", "market.example");

    fn claims() -> Claims {
        Claims {
            iss: US.0.into(),
            sub: subject(Bearer::Account("a1")),
            aud: US.1.into(),
            exp: 1_300,
            nbf: 1_000,
            iat: 1_000,
            jti: "j".into(),
            access: vec![AccessEntry {
                kind: "repository".into(),
                name: "incoming/contoso/x".into(),
                actions: vec!["pull".into(), "push".into()],
            }],
        }
    }

    fn forged(header: &str, claims: &Claims, keys: &TokenKeys) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap());
        let message = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header));
        let (message, signature) = keys.sign_with(|_| Ok::<_, TokenError>(message)).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signing_kid(keys: &TokenKeys) -> String {
        keys.sign_with(|kid| Ok::<_, TokenError>(kid.to_owned()))
            .unwrap()
            .0
    }

    #[test]
    fn what_is_minted_is_read_back() {
        let keys = TokenKeys::ephemeral().unwrap();
        let text = mint(&keys, &claims()).unwrap();
        assert!(looks_like_jwt(&text));
        let read = verify(&keys, &text, US, 1_299).unwrap();
        assert_eq!(read, claims());
        assert_eq!(read.bearer(), Bearer::Account("a1"));
        assert!(read.opens("incoming/contoso/x", "push"));
        assert!(!read.opens("incoming/contoso/x", "delete"));
        assert!(!read.opens("incoming/contoso/xy", "push"));
    }

    #[test]
    fn wrong_tokens_are_told_apart() {
        let (keys, others) = (
            TokenKeys::ephemeral().unwrap(),
            TokenKeys::ephemeral().unwrap(),
        );
        let good = mint(&keys, &claims()).unwrap();
        let check = |text: &str, now| verify(&keys, text, US, now).unwrap_err();
        assert_eq!(check(&good, 1_300), TokenError::Expired);
        assert_eq!(check(&good, 900), TokenError::Early);
        assert_eq!(
            check(&mint(&others, &claims()).unwrap(), 1_000),
            TokenError::Signature
        );
        let elsewhere = Claims {
            aud: "other.example".into(),
            ..claims()
        };
        assert_eq!(
            check(&mint(&keys, &elsewhere).unwrap(), 1_000),
            TokenError::Audience
        );
        let kid = signing_kid(&keys);
        for alg in ["none", "HS256", "ES256", "eddsa"] {
            let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}"}}"#);
            assert_eq!(
                check(&forged(&header, &claims(), &keys), 1_000),
                TokenError::Algorithm,
                "{alg}"
            );
        }
        let unknown = r#"{"alg":"EdDSA","kid":"0123456789abcdef"}"#;
        assert_eq!(
            check(&forged(unknown, &claims(), &keys), 1_000),
            TokenError::Signature
        );
        for text in ["", "..", "a.b.c", "a.b", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(check(text, 1_000), TokenError::Malformed, "{text:.20}");
        }
        let mut tampered = good.into_bytes();
        let middle = tampered.len() / 2;
        tampered[middle] = if tampered[middle] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            check(&String::from_utf8(tampered).unwrap(), 1_000),
            TokenError::Signature
        );
    }
}

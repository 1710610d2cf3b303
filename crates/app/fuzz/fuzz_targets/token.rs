//! Any text as a registry token, and a good token with some bytes changed: only what we signed is accepted. Lines of the
//! input: changes (pairs of place and byte), the text.
#![no_main]
#![expect(dead_code, reason = "the module has more than is fuzzed")]

#[path = "../../src/registry/key_file.rs"]
mod key_file;
#[path = "../../src/registry/keys.rs"]
mod keys;
#[path = "../../src/registry/token.rs"]
mod token;

use std::sync::OnceLock;

use keys::TokenKeys;
use libfuzzer_sys::fuzz_target;
use token::{Bearer, Claims};

const US: (&str, &str) = ("https://market.example/", "market.example");

fn good() -> &'static (TokenKeys, String) {
    static GOOD: OnceLock<(TokenKeys, String)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let keys = TokenKeys::ephemeral().expect("keys are made");
        let claims = Claims {
            iss: US.0.into(),
            sub: token::subject(Bearer::Account("a1")),
            aud: US.1.into(),
            exp: 1_300,
            nbf: 1_000,
            iat: 1_000,
            jti: "j".into(),
            access: Vec::new(),
        };
        let text = token::mint(&keys, &claims).expect("a token is made");
        (keys, text)
    })
}

fuzz_target!(|input: &[u8]| {
    let (keys, minted) = good();
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (changes, text) = input.split_at(at);
    if let Ok(text) = std::str::from_utf8(text) {
        let text = text.trim_start_matches('\n');
        assert!(token::verify(keys, text, US, 1_100).is_err(), "{text:?}");
        token::looks_like_jwt(text);
    }
    let mut changed = minted.clone().into_bytes();
    for change in changes.chunks_exact(2) {
        let place = usize::from(change[0]) * changed.len() / 256;
        changed[place] = change[1];
    }
    if let Ok(changed) = String::from_utf8(changed) {
        let accepted = token::verify(keys, &changed, US, 1_100).is_ok();
        assert_eq!(accepted, changed == *minted, "{changed:?}");
    }
});

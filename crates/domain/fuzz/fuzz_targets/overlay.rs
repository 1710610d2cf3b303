//! Any text as `certify.yaml`: never a panic; what is read and in order fills the defaults it is for, and written again
//! reads back equal.
#![no_main]

use domain::defaults::NamedText;
use domain::offer::{Offer, Plan};
use domain::{overlay, placeholder};
use libfuzzer_sys::fuzz_target;

// The reader is pure; its crate (`app`) is too large to build for fuzzing.
#[path = "../../../app/src/folder.rs"]
mod folder;

fuzz_target!(|text: &str| {
    let Ok(read) = folder::read_overlay(text) else {
        return;
    };
    let written = serde_saphyr::to_string(&read).expect("an overlay that was read can be written");
    let again = folder::read_overlay(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again, read, "{written}");
    let mut offer = Offer::empty(&"contoso.sensor".parse().expect("a key"));
    let mut plan: Plan = serde_json::from_str(r#"{"plan": "standard"}"#).expect("a plan");
    plan.defaults.env = vec![NamedText::new("SERVER", "tcp://<SERVER>")];
    plan.defaults.routes = vec![NamedText::new("in", "FROM /messages/modules/<FROM>/* INTO $upstream")];
    offer.plans = vec![plan];
    offer.certify = read;
    let found = overlay::check(&offer);
    assert!(found.iter().all(|one| one.field.starts_with("certify.plans.") && !one.fix.is_empty()));
    let Some(given) = offer.certify.plan(&offer.plans[0].plan) else {
        return;
    };
    let filled = placeholder::fill(&offer.plans[0].defaults, &given.placeholders);
    let both = given.placeholders.contains_key("SERVER") && given.placeholders.contains_key("FROM");
    if found.is_empty() && both {
        assert!(filled.is_ok(), "{filled:?}");
    }
});

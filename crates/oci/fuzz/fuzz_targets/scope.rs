//! Any `scope` of a token request: what is read prints as what was meant, and allows no more than it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{Action, Scope};

fuzz_target!(|text: &str| {
    let Ok(scope) = text.parse::<Scope>() else {
        return;
    };
    let printed = scope.to_string();
    assert_eq!(printed.parse().as_ref(), Ok(&scope), "{text:?} → {printed:?}");
    for entry in &scope.0 {
        if let Some(name) = entry.repository_name() {
            assert_eq!(name.as_str(), entry.name);
        }
        for action in [Action::Pull, Action::Push, Action::Delete] {
            assert!(!entry.allows(action) || entry.kind == "repository");
        }
        assert!(!entry.allows(Action::Catalog) || entry.name == "catalog");
    }
});

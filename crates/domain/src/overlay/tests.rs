//! A whole overlay, each fault by its field, and names that nobody thought of.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::defaults::NamedText;
use crate::offer::{Offer, Plan};

fn offer(certify: Value) -> Offer {
    let mut offer = Offer::empty(&"contoso.sensor".parse().expect("a key"));
    let mut plan: Plan = serde_json::from_value(json!({"plan": "standard"})).expect("a plan");
    plan.defaults.env = vec![NamedText::new("SERVER", "tcp://<SERVER>")];
    plan.defaults.routes = vec![NamedText::new(
        "in",
        "FROM /messages/modules/<FROM>/* INTO BrokeredEndpoint(\"/modules/M/inputs/in\")",
    )];
    offer.plans = vec![plan];
    offer.certify = serde_json::from_value(certify).expect("the shape of an overlay");
    offer
}

fn of_plan(overlay: Value) -> Offer {
    offer(json!({"plans": {"standard": overlay}}))
}

#[test]
fn a_whole_overlay_is_in_order() {
    let whole = of_plan(json!({
        "placeholders": {"SERVER": "localhost", "FROM": "Sensor"},
        "outputs": ["readings"],
        "inputs": [{"name": "in", "body": {"temperature": 21}, "properties": {"kind": "a"}}, {"name": "in"}],
        "methods": [{"name": "reset"}, {"name": "set-level", "payload": {"level": 2}}],
        "hosts": ["api.contoso.example", "192.0.2.1", "2001:db8::1"],
    }));
    assert_eq!(check(&whole), []);
    let text = serde_json::to_string(&whole).expect("JSON");
    let again: Offer = serde_json::from_str(&text).expect("an offer");
    assert_eq!(again, whole);
    assert!(
        offer(json!({}))
            .certify
            .plan(&whole.plans[0].plan)
            .is_none()
    );
    assert!(
        !serde_json::to_string(&offer(json!({})))
            .expect("JSON")
            .contains("certify")
    );
}

#[test]
fn each_fault_is_named_with_its_field() {
    let long = "x".repeat(101);
    for (overlay, field, part) in [
        (
            json!({"placeholders": {"SERVR": "x"}}),
            "placeholders.SERVR",
            "nowhere",
        ),
        (
            json!({"placeholders": {"SERVER": " "}}),
            "placeholders.SERVER",
            "1 characters",
        ),
        (
            json!({"placeholders": {"FROM": "a/b"}}),
            "placeholders.FROM",
            "route",
        ),
        (json!({"outputs": ["a b"]}), "outputs[0]", "a b"),
        (json!({"outputs": ["a", "a"]}), "outputs[1]", "\"a\""),
        (json!({"outputs": vec!["a"; 51]}), "outputs", "51 entries"),
        (json!({"inputs": [{"name": ""}]}), "inputs[0].name", "\"\""),
        (
            json!({"inputs": [{"name": "a", "body": "x".repeat(BODY_BYTES_MAX)}]}),
            "inputs[0].body",
            "65538 bytes",
        ),
        (
            json!({"inputs": [{"name": "a", "properties": {"$.ct": "x"}}]}),
            "inputs[0].properties",
            "1 properties",
        ),
        (
            json!({"methods": [{"name": "a/b"}]}),
            "methods[0].name",
            "a/b",
        ),
        (
            json!({"methods": [{"name": long}]}),
            "methods[0].name",
            "xxx",
        ),
        (
            json!({"hosts": ["https://a.example"]}),
            "hosts[0]",
            "https://",
        ),
        (json!({"hosts": ["a.example:443"]}), "hosts[0]", ":443"),
    ] {
        let found = check(&of_plan(overlay));
        let wanted = format!("certify.plans.standard.{field}");
        let one = found.iter().find(|one| one.field == wanted);
        let one = one.unwrap_or_else(|| panic!("{wanted} is not among {found:?}"));
        assert!(one.found.contains(part), "{one}");
        assert!(one.is_error() && !one.fix.is_empty() && !one.limit.is_empty());
    }
    let stray = check(&offer(json!({"plans": {"gold": {}}})));
    assert_eq!(stray[0].field, "certify.plans.gold");
}

#[test]
fn unknown_words_are_refused_by_name() {
    for (text, word) in [
        (r#"{"plan": {}}"#, "plan"),
        (r#"{"plans": {"a": {"waivers": []}}}"#, "waivers"),
        (
            r#"{"plans": {"a": {"methods": [{"name": "x", "body": 1}]}}}"#,
            "body",
        ),
        (r#"{"plans": {"A!": {}}}"#, "A!"),
    ] {
        let refused = serde_json::from_str::<Overlay>(text).expect_err("it is refused");
        assert!(refused.to_string().contains(word), "{refused}");
    }
}

proptest! {
    /// Whatever names are given: checked without a panic, and what passes can be in a topic and a route.
    #[test]
    fn names_that_pass_can_be_used(name in ".{0,12}", host in "[a-zA-Z0-9.:_/-]{0,16}", value in ".{0,12}") {
        let offer = of_plan(json!({
            "placeholders": {"FROM": value, "SERVER": "s"},
            "inputs": [{"name": name}], "methods": [{"name": name}], "outputs": [name], "hosts": [host],
        }));
        let found = check(&offer);
        let passed = |field: &str| !found.iter().any(|one| one.field.contains(field));
        if passed(".outputs[0]") {
            let route = format!("FROM /messages/modules/M/outputs/{name} INTO $upstream");
            prop_assert!(!name.is_empty() && !name.contains('/'));
            // Keywords are legal characters and no name of a path.
            prop_assert_eq!(crate::route::Route::parse(&route).is_ok(), crate::route::is_segment(&name));
        }
        if passed(".methods[0].name") {
            prop_assert!(!name.contains(['/', '+', '#', '?']));
        }
        if passed(".hosts[0]") {
            prop_assert!(!host.contains('/') && !host.is_empty());
        }
        let filled = crate::placeholder::fill(&offer.plans[0].defaults, &offer.certify.plans[&offer.plans[0].plan].placeholders);
        prop_assert_eq!(filled.is_ok(), passed(".placeholders.FROM"));
    }
}

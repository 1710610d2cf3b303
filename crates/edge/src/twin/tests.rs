//! Versions, merging and every limit.

use proptest::prelude::*;

use super::*;

fn twin(desired: &Value) -> Twin {
    Twin::new(desired.as_object().expect("an object")).expect("within limits")
}

fn report(twin: &mut Twin, patch: &Value) -> Result<u64, PatchError> {
    twin.report(patch.to_string().as_bytes())
}

#[test]
fn the_document_has_no_outer_properties_and_a_version_in_each_half() {
    let mut twin = twin(&json!({"interval": 5}));
    assert_eq!(
        twin.document(),
        json!({"desired": {"interval": 5, "$version": 1}, "reported": {"$version": 1}})
    );
    assert_eq!(report(&mut twin, &json!({"a": {"b": 1, "c": 2}})), Ok(2));
    assert_eq!(
        report(&mut twin, &json!({"a": {"b": null}, "d": [1, {"e": true}]})),
        Ok(3)
    );
    assert_eq!(
        twin.document()["reported"],
        json!({"a": {"c": 2}, "d": [1, {"e": true}], "$version": 3})
    );
}

#[test]
fn a_desired_patch_carries_its_version() {
    let mut twin = twin(&json!({"a": 1, "b": {"c": 1}}));
    let patch = json!({"a": null, "b": {"d": 2}});
    let sent = twin.change_desired(patch.as_object().expect("an object"));
    assert_eq!(sent, Ok(json!({"a": null, "b": {"d": 2}, "$version": 2})));
    assert_eq!(
        twin.document()["desired"],
        json!({"b": {"c": 1, "d": 2}, "$version": 2})
    );
}

#[test]
fn a_null_among_the_first_properties_is_not_stored() {
    let twin = twin(&json!({"a": null, "b": {"c": null, "d": 1}}));
    assert_eq!(
        twin.document()["desired"],
        json!({"b": {"d": 1}, "$version": 1})
    );
}

#[test]
fn what_breaks_a_limit_changes_nothing() {
    let nested = |levels: usize| (1..levels).fold(json!(1), |value, _| json!({"n": value}));
    let cases = [
        (json!({"a": nested(DEPTH_MAX + 1)}), "levels"),
        (json!({"a": [[[[[[[[[[[1]]]]]]]]]]]}), "levels"),
        (json!({"a.b": 1}), "property name"),
        (json!({"a": {"$c": 1}}), "property name"),
        (json!({"a\u{a0}b": 1}), "property name"),
        (json!({"": 1}), "property name"),
        (json!({"k".repeat(1025): 1}), "property name"),
        (json!({"a": "x".repeat(4097)}), "4097 bytes"),
        (json!({"a": 4_503_599_627_370_496_u64}), "integer"),
        (json!({"a": -4_503_599_627_370_497_i64}), "integer"),
        (json!({"a": i64::MIN}), "integer"),
        (json!({"a": u64::MAX}), "integer"),
        (json!({"a": [1, null]}), "null inside an array"),
    ];
    let mut twin = twin(&json!({}));
    for (patch, part) in cases {
        let before = twin.clone();
        let error = report(&mut twin, &patch).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(twin, before);
    }
    for text in ["", "[]", "1", "null", "{\"a\":}", "{} x"] {
        assert!(
            matches!(twin.report(text.as_bytes()), Err(PatchError::Json(_))),
            "{text:?}"
        );
    }
    assert_eq!(report(&mut twin, &json!({"a": nested(DEPTH_MAX)})), Ok(2));
    assert_eq!(
        report(
            &mut twin,
            &json!({"a": "x".repeat(4096), "b": -4_503_599_627_370_496_i64})
        ),
        Ok(3)
    );
}

#[test]
fn a_section_has_a_size_once_merged() {
    let mut twin = twin(&json!({}));
    for index in 0..7 {
        report(&mut twin, &json!({format!("k{index}"): "x".repeat(4096)})).expect("fits");
    }
    let error = report(&mut twin, &json!({"k7": "x".repeat(4096)})).expect_err("too large");
    assert!(
        matches!(error, PatchError::Limit(LimitError::Document { .. })),
        "{error}"
    );
    report(&mut twin, &json!({"k0": null, "k7": "x".repeat(4000)})).expect("fits again");
}

#[test]
fn a_json_bomb_is_refused_before_it_is_built() {
    let mut twin = twin(&json!({}));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(matches!(
        twin.report(deep.as_bytes()),
        Err(PatchError::Json(_))
    ));
    let wide = format!("{{\"a\":[{}1]}}", "1,".repeat(100_000));
    assert!(matches!(
        twin.report(wide.as_bytes()),
        Err(PatchError::Limit(_))
    ));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-100..100_i64).prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop::collection::btree_map("[a-c]", inner, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

fn section() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-c]", value(), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn has_null(section: &Map<String, Value>) -> bool {
    section.values().any(|value| match value {
        Value::Null => true,
        Value::Object(inner) => has_null(inner),
        _ => false,
    })
}

proptest! {
    #[test]
    fn merging_twice_is_merging_once_and_leaves_no_null(start in section(), patch in section()) {
        let mut once = Map::new();
        merge(&mut once, &start);
        merge(&mut once, &patch);
        prop_assert!(!has_null(&once));
        let mut twice = once.clone();
        merge(&mut twice, &patch);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other(start in section(), end in section()) {
        let (mut before, mut after) = (Map::new(), Map::new());
        merge(&mut before, &start);
        merge(&mut after, &end);
        let patch = difference(&before, &after);
        prop_assert_eq!(patch.is_empty(), before == after);
        merge(&mut before, &patch);
        prop_assert_eq!(before, after);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(text in r#"[\[\]{}":,a-c0-9nul -]{0,40}"#) {
        let mut twin = Twin::new(&Map::new()).expect("empty");
        let before = twin.clone();
        match twin.report(text.as_bytes()) {
            Ok(version) => prop_assert_eq!(version, 2),
            Err(_) => prop_assert_eq!(twin, before),
        }
    }
}

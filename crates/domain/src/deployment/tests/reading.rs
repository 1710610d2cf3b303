//! Documents from text: what is read, what is noted, what is refused.

use super::*;
use crate::deployment::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, Kind, NoteKind};
use proptest::prelude::*;

fn refused(text: &str) -> (usize, usize, String) {
    let problem = Document::parse(text).expect_err(text);
    (problem.line, problem.column, problem.what)
}

#[test]
fn comments_trailing_commas_and_doubled_keys_are_noted() {
    let text = "\u{feff}// one\r\n{\r\n  \"ä\": 1, /* two */\r\n  \"ä\": [1, 2,],\r\n}\r\n";
    let document = read(text);
    assert_eq!(document.write(), text);
    assert_eq!(*document.value(), json!({"ä": [1, 2]}));
    let told: Vec<(NoteKind, usize, usize)> = document
        .notes()
        .iter()
        .map(|note| (note.kind, note.line, note.column))
        .collect();
    assert_eq!(
        told,
        [
            (NoteKind::Comment, 1, 1),
            (NoteKind::DuplicateKey, 4, 3),
            (NoteKind::TrailingComma, 4, 13),
            (NoteKind::TrailingComma, 4, 15),
        ]
    );
    assert_eq!(document.notes()[1].pointer, "/ä");
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    assert_eq!((1, 1), {
        let r = refused("");
        (r.0, r.1)
    });
    assert!(refused("[1]").2.contains("object"));
    assert_eq!((2, 7), {
        let r = refused("{\n \"a\": 'b'}");
        (r.0, r.1)
    });
    assert!(refused("{\"a\": \"x\u{0}\"}").2.contains("NUL"));
    assert_eq!((1, 9), {
        let r = refused("{\"a\": \"x\n\"}");
        (r.0, r.1)
    });
    assert!(refused("{\"a\": 01}").0 == 1);
    assert!(refused("{} {}").2.contains("one"));
    assert!(refused("{a: 1}").0 == 1);
    assert!(refused("{\"a\": 1 \"b\": 2}").0 == 1);
    let deep = |depth: usize| {
        format!(
            "{}{}",
            "{\"a\":".repeat(depth),
            "1".to_owned() + &"}".repeat(depth)
        )
    };
    read(&deep(DOCUMENT_DEPTH_MAX));
    assert!(refused(&deep(DOCUMENT_DEPTH_MAX + 1)).2.contains("64"));
    assert!(!refused(&deep(20_000)).2.is_empty());
    let large = format!("{{}}{}", " ".repeat(DOCUMENT_BYTES_MAX));
    assert!(refused(&large).2.contains("1048576"));
}

#[test]
fn kinds_are_told_apart() {
    let kind = |value: Value| Document::from_value(&value).kind();
    assert_eq!(kind(sensor_manifest()), Kind::Manifest);
    assert_eq!(kind(json!({"$schema-template": "4.0.0"})), Kind::Template);
    assert_eq!(
        kind(
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": {"x": "${MODULES.a.amd64}"}}}})
        ),
        Kind::Template
    );
    assert_eq!(
        kind(json!({"content": {"modulesContent": {"$edgeAgent": {}}}})),
        Kind::Layered
    );
    assert_eq!(
        kind(json!({"modulesContent": {"$edgeAgent": {}, "$edgeHub": {"properties.desired": {}}}})),
        Kind::Manifest
    );
    assert_eq!(kind(json!({"a": "$upstream"})), Kind::Manifest);
    assert_eq!(kind(json!({"a": "$PASSWORD"})), Kind::Manifest);
}

proptest! {
    #[test]
    fn any_text_is_refused_or_written_as_it_is(text in r#"(?s)[{}\[\]",:/*\\ a\n\r0-9.e+-]{0,60}|.{0,60}"#) {
        if let Ok(document) = Document::parse(&text) {
            prop_assert_eq!(document.write(), text);
        }
    }

    #[test]
    fn plain_json_is_read_as_every_reader_does(keys in prop::collection::vec(".{0,6}", 0..6), number in any::<f64>(), text in ".{0,20}") {
        let value: Value = keys.into_iter().map(|key| (key, json!({"n": number, "t": text.clone(), "l": [null, true, i64::MIN, u64::MAX]})))
            .collect::<serde_json::Map<_, _>>().into();
        for printed in [value.to_string(), serde_json::to_string_pretty(&value).expect("prints")] {
            let by_others: Value = serde_json::from_str(&printed).expect("reads");
            let document = read(&printed);
            prop_assert_eq!(document.value(), &by_others);
        }
    }
}

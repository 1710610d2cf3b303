//! Category, kind, terms, licence and platform promise.

use super::{Fault, complete, judge};
use crate::complete::check;
use crate::matrix::Matrix;
use crate::offer::{ModuleKind, PlatformOption, Terms};

/// Refused.
const PROPERTIES_ERRORS: &[Fault] = &[
    ("properties.categories", "at most 2", "3", |o| {
        o.properties.categories.push("security".into());
    }),
    (
        "properties.categories[0]",
        "one of protocols",
        "games",
        |o| o.properties.categories[0] = "games".into(),
    ),
    ("properties.categories[1]", "once", "simulation", |o| {
        o.properties.categories[1] = "simulation".into();
    }),
    (
        "properties.companion_of",
        "required for a companion",
        "nothing",
        |o| {
            o.properties.kind = ModuleKind::Companion;
        },
    ),
    (
        "properties.companion_of",
        "publisher.offer",
        "nobody",
        |o| {
            o.properties.kind = ModuleKind::Companion;
            o.properties.companion_of = "nobody".into();
        },
    ),
    (
        "properties.companion_of",
        "publisher.offer",
        "itself",
        |o| {
            o.properties.kind = ModuleKind::Companion;
            o.properties.companion_of = "contoso.sensor".into();
        },
    ),
    (
        "properties.companion_of",
        "only for the kind",
        "contoso.other",
        |o| {
            o.properties.companion_of = "contoso.other".into();
        },
    ),
    ("properties.terms", "exactly one", "nothing", |o| {
        o.properties.terms = Terms::default();
    }),
    (
        "properties.terms",
        "exactly one",
        "standard_contract and text",
        |o| {
            o.properties.terms.text = "mine".into();
        },
    ),
    ("properties.terms.text", "100000", "100001", |o| {
        o.properties.terms = Terms {
            text: "x".repeat(100_001),
            ..Terms::default()
        };
    }),
    ("properties.terms.url", "http", "terms.html", |o| {
        o.properties.terms = Terms {
            url: "terms.html".into(),
            ..Terms::default()
        };
    }),
    ("properties.licence", "required", "nothing", |o| {
        o.properties.licence.clear();
    }),
    ("properties.licence", "200", "201", |o| {
        o.properties.licence = "x".repeat(201);
    }),
];

/// Noted.
const PROPERTIES_WARNINGS: &[Fault] = &[("properties.categories", "1 or 2", "nothing", |o| {
    o.properties.categories.clear();
})];

#[test]
fn limits_of_the_properties() {
    judge(true, PROPERTIES_ERRORS);
    judge(false, PROPERTIES_WARNINGS);
    let mut offer = complete();
    offer.properties.platforms = PlatformOption::Any;
    assert_eq!(check(&offer, &Matrix::default()), Vec::new());
    let strict = Matrix {
        any_allowed: false,
        ..Matrix::default()
    };
    assert_eq!(check(&offer, &strict)[0].field, "properties.platforms");
}

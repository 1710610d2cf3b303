//! Plans, image sources and defaults.

use super::{Fault, judge, plan, violations};
use crate::defaults::NamedText;
use crate::offer::{Plan, Price};

/// Refused.
const PLANS_ERRORS: &[Fault] = &[
    ("plans", "1 to 100", "0 plans", |o| o.plans.clear()),
    ("plans", "1 to 100", "101 plans", |o| {
        o.plans = (0..101).map(|number| plan(&format!("p{number}"))).collect();
    }),
    ("plans", "not hidden", "1 hidden", |o| {
        o.plans[0].hidden = true;
    }),
    ("plans.other.title", "unique", "PLAN STANDARD ", |o| {
        o.plans.push(Plan {
            title: "PLAN STANDARD ".into(),
            ..plan("other")
        });
    }),
    ("plans.standard.title", "50", "51", |o| {
        o.plans[0].title = "x".repeat(51);
    }),
    ("plans.standard.title", "one line", "U+0009", |o| {
        o.plans[0].title = "a\tb".into();
    }),
    ("plans.standard.summary", "100", "101", |o| {
        o.plans[0].summary = "x".repeat(101);
    }),
    ("plans.standard.summary", "required", "nothing", |o| {
        o.plans[0].summary.clear();
    }),
    ("plans.standard.description", "2000", "2001", |o| {
        o.plans[0].description = "x".repeat(2_001);
    }),
    (
        "plans.standard.price.licence_instructions",
        "required",
        "nothing",
        |o| {
            o.plans[0].price = Price::Byol {
                licence_instructions: String::new(),
            };
        },
    ),
    (
        "plans.standard.price.licence_instructions",
        "2000",
        "2001",
        |o| {
            o.plans[0].price = Price::Byol {
                licence_instructions: "x".repeat(2_001),
            };
        },
    ),
    (
        "plans.standard.price.restrictions",
        "required",
        "nothing",
        |o| {
            o.plans[0].price = Price::Freemium {
                restrictions: " ".into(),
            };
        },
    ),
    ("plans.standard.release_notes", "5000", "5001", |o| {
        o.plans[0].release_notes = "x".repeat(5_001);
    }),
    ("plans.standard.platforms", "1 to 20", "0 platforms", |o| {
        o.plans[0].platforms.clear();
    }),
    (
        "plans.standard.platforms[0]",
        "os/architecture",
        "pc",
        |o| o.plans[0].platforms[0] = "pc".into(),
    ),
    ("plans.standard.platforms[1]", "once", "linux/x86_64", |o| {
        o.plans[0].platforms[1] = "linux/x86_64".into();
    }),
    ("plans.standard.inputs[0]", "routes can use", "a/b", |o| {
        o.plans[0].inputs[0] = "a/b".into();
    }),
    ("plans.standard.outputs[1]", "once", "out", |o| {
        o.plans[0].outputs.push("out".into());
    }),
    ("plans.standard.outputs[0]", "required", "nothing", |o| {
        o.plans[0].outputs[0].clear();
    }),
    ("plans.standard.outputs", "at most 50", "51 names", |o| {
        o.plans[0].outputs = (0..51).map(|number| format!("o{number}")).collect();
    }),
];

#[test]
fn limits_of_the_plans() {
    judge(true, PLANS_ERRORS);
    let twice = violations(|offer| {
        offer.plans.push(Plan {
            title: "Other".into(),
            ..plan("standard")
        });
    });
    assert_eq!(twice[0].field, "plans.standard.plan");
}

/// Refused.
const IMAGE_ERRORS: &[Fault] = &[
    (
        "plans.standard.image.registry",
        "without scheme",
        "https",
        |o| {
            o.plans[0].image.registry = "https://registry.contoso.example".into();
        },
    ),
    ("plans.standard.image.registry", "host", "contoso/x", |o| {
        o.plans[0].image.registry = "contoso/x".into();
    }),
    ("plans.standard.image.registry", "host", ":0", |o| {
        o.plans[0].image.registry = "contoso.example:0".into();
    }),
    ("plans.standard.image.registry", "host", "65536", |o| {
        o.plans[0].image.registry = "a.example:65536".into();
    }),
    ("plans.standard.image.registry", "host", "user@", |o| {
        o.plans[0].image.registry = "user@a.example".into();
    }),
    (
        "plans.standard.image.repository",
        "required",
        "nothing",
        |o| o.plans[0].image.repository.clear(),
    ),
    (
        "plans.standard.image.repository",
        "lower case",
        "Contoso",
        |o| o.plans[0].image.repository = "Contoso".into(),
    ),
    (
        "plans.standard.image.repository",
        "without host, tag",
        "a:1",
        |o| o.plans[0].image.repository = "a:1".into(),
    ),
    ("plans.standard.image.repository", "name", "a/../b", |o| {
        o.plans[0].image.repository = "a/../b".into();
    }),
    (
        "plans.standard.image.tags",
        "`latest` and at least one",
        "1.0.0",
        |o| {
            o.plans[0].image.tags = vec!["1.0.0".into()];
        },
    ),
    (
        "plans.standard.image.tags",
        "`latest` and at least one",
        "latest",
        |o| {
            o.plans[0].image.tags = vec!["latest".into(), "1.0".into()];
        },
    ),
    (
        "plans.standard.image.tags",
        "`latest` and at least one",
        "nothing",
        |o| o.plans[0].image.tags.clear(),
    ),
    ("plans.standard.image.tags[4]", "X.Y.Z", "v1", |o| {
        o.plans[0].image.tags.push("v1".into());
    }),
    ("plans.standard.image.tags[4]", "once", "latest", |o| {
        o.plans[0].image.tags.push("latest".into());
    }),
    (
        "plans.standard.image.tags",
        "at most 200",
        "201 tags",
        |o| {
            o.plans[0]
                .image
                .tags
                .extend((0..197).map(|number| format!("2.0.{number}")));
        },
    ),
];

#[test]
fn limits_of_the_image_source() {
    judge(true, IMAGE_ERRORS);
    for good in [
        "localhost",
        "localhost:5000",
        "127.0.0.1:1",
        "[::1]:5000",
        "[2001:db8::1]",
        "ghcr.io",
        "a-b.c:65535",
    ] {
        assert_eq!(
            violations(|offer| offer.plans[0].image.registry = good.into()),
            Vec::new(),
            "{good}"
        );
    }
}

#[test]
fn without_a_registry_the_image_comes_from_the_own_incoming_folder() {
    let from = |repository: &'static str| {
        violations(move |offer| {
            offer.plans[0].image.registry.clear();
            offer.plans[0].image.repository = repository.into();
        })
    };
    assert_eq!(from("incoming/contoso/sensor"), Vec::new());
    for bad in ["sensor", "incoming/fabrikam/sensor", "incoming/contoso"] {
        assert_eq!(
            from(bad)[0].field,
            "plans.standard.image.repository",
            "{bad}"
        );
    }
}

#[test]
fn defaults_are_judged_under_the_name_of_their_plan() {
    for bad in ["", "1st", "Sensor-Module", "Sensor Module", &"x".repeat(65)] {
        let found = violations(|offer| offer.plans[0].defaults.module_name = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "plans.standard.defaults.module_name");
    }
    let found = violations(|offer| {
        offer.plans[0].defaults.env = vec![NamedText::new("IOTEDGE_DEVICEID", "x")];
        offer.plans[0].defaults.create_options = "{".into();
        offer.plans[0].defaults.routes = vec![NamedText::new("r", "FROM")];
    });
    let fields: Vec<&str> = found.iter().map(|each| each.field.as_str()).collect();
    for field in ["env.IOTEDGE_DEVICEID", "create_options", "routes.r"] {
        let field = format!("plans.standard.defaults.{field}");
        assert!(
            fields.contains(&field.as_str()),
            "{field} is not among {fields:?}"
        );
    }
}

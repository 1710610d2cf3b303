//! Tables of one fault each: the field, what is put there, and what the violation must say.

use super::{CompleteOffer, check};
use crate::defaults::{Defaults, NamedText};
use crate::matrix::Matrix;
use crate::offer::{
    Contact, ImageSource, Link, Listing, Logos, ModuleKind, Offer, Plan, PlatformOption, Price,
    Properties, Terms,
};
use crate::violation::Violation;

fn complete() -> Offer {
    let mut offer = Offer::empty(&"contoso.sensor".parse().unwrap());
    let contact = |url: &str| Contact {
        name: "Support desk".into(),
        email: "support@contoso.example".into(),
        phone: "+1 (425) 555-0100".into(),
        url: url.into(),
    };
    offer.listing = Listing {
        title: "Contoso™ Sensor®".into(),
        summary: "Reads temperatures".into(),
        short_description: "Reads temperatures\nand sends them on".into(),
        description: "<p>Reads a sensor.</p>\n<p>Minimum hardware requirements: any</p>".into(),
        keywords: vec!["temperature".into(), "sensor".into(), "température".into()],
        logos: Logos {
            small: "a".into(),
            medium: "b".into(),
            large: "c".into(),
            wide: "d".into(),
        },
        privacy_policy_url: "https://contoso.example/privacy".into(),
        documentation_url: "http://contoso.example:8080/a?b=c#d".into(),
        useful_links: Vec::new(),
        support_contact: contact("https://contoso.example/support"),
        engineering_contact: contact(""),
    };
    offer.properties = Properties {
        categories: vec!["simulation".into(), "protocols".into()],
        terms: Terms {
            standard_contract: true,
            ..Terms::default()
        },
        licence: "MIT".into(),
        ..Properties::default()
    };
    offer.plans = vec![plan("standard")];
    offer
}

fn plan(name: &str) -> Plan {
    Plan {
        plan: name.parse().unwrap(),
        title: format!("Plan {name}"),
        summary: "All of it".into(),
        description: "<p>All of it</p>".into(),
        hidden: false,
        price: Price::Free,
        image: ImageSource {
            registry: "registry.contoso.example:5000".into(),
            repository: "contoso/sensor".into(),
            tags: ["latest", "1.0.0", "1.0", "1.0.0-linux-x64"].map(Into::into).to_vec(),
        },
        platforms: vec!["linux/amd64".into(), "linux/arm/v7".into()],
        defaults: Defaults {
            module_name: "SensorModule".into(),
            ..Defaults::default()
        },
        inputs: vec!["in".into()],
        outputs: vec!["out".into()],
        release_notes: "First\nrelease".into(),
    }
}

fn violations(change: impl Fn(&mut Offer)) -> Vec<Violation> {
    let mut offer = complete();
    change(&mut offer);
    check(&offer, &Matrix::default())
}

type Fault = (&'static str, &'static str, &'static str, fn(&mut Offer));

/// Each fault gives exactly one violation, at its field, whose limit and found value hold the words given.
fn judge(errors: bool, table: &[Fault]) {
    let mut wrong = Vec::new();
    for (field, limit, found, change) in table {
        let violations = violations(change);
        let right = matches!(violations.as_slice(), [one] if one.field == *field
            && one.limit.contains(limit)
            && one.found.contains(found)
            && !one.fix.is_empty()
            && one.is_error() == errors);
        if !right {
            wrong.push(format!("{field}, {limit}, {found}: {violations:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_complete_offer_has_no_violation_and_is_cleaned() {
    assert_eq!(violations(|_| ()), Vec::new());
    let mut offer = complete();
    offer.listing.description = "<p onclick=\"x()\">a</p>".into();
    offer.plans[0].description = "<p class=\"b\">b</p>".into();
    let complete = CompleteOffer::try_from_offer(offer, &Matrix::default()).unwrap();
    assert_eq!(complete.offer().listing.description, "<p>a</p>");
    assert_eq!(complete.into_offer().plans[0].description, "<p>b</p>");
}

#[test]
fn an_incomplete_offer_is_refused_with_everything_at_once() {
    let empty = Offer::empty(&"contoso.sensor".parse().unwrap());
    let violations = CompleteOffer::try_from_offer(empty, &Matrix::default()).unwrap_err();
    let fields: Vec<&str> = violations.iter().map(|each| each.field.as_str()).collect();
    for field in [
        "listing.title",
        "listing.summary",
        "listing.short_description",
        "listing.description",
        "listing.logos.small",
        "listing.logos.wide",
        "listing.privacy_policy_url",
        "listing.documentation_url",
        "listing.support_contact.name",
        "listing.support_contact.email",
        "listing.support_contact.phone",
        "listing.support_contact.url",
        "listing.engineering_contact.email",
        "properties.categories",
        "properties.terms",
        "properties.licence",
        "plans",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    assert!(!fields.contains(&"listing.engineering_contact.url"));
}

#[test]
fn limits_of_the_listing() {
    judge(true, &[
        ("listing.title", "200", "201 characters", |o| o.listing.title = "ä".repeat(201)),
        ("listing.title", "required", "nothing", |o| o.listing.title = " ".into()),
        ("listing.title", "no emoji", "U+1F600", |o| o.listing.title = "Hi 😀".into()),
        ("listing.title", "no emoji", "U+2728", |o| o.listing.title = "✨ new".into()),
        ("listing.title", "one line", "U+000A", |o| o.listing.title = "a\nb".into()),
        ("listing.title", "control", "U+202E", |o| o.listing.title = "a\u{202e}b".into()),
        ("listing.summary", "100", "101 characters", |o| o.listing.summary = "x".repeat(101)),
        ("listing.summary", "one line", "U+000D", |o| o.listing.summary = "a\r\nb".into()),
        ("listing.short_description", "256", "257", |o| o.listing.short_description = "x".repeat(257)),
        ("listing.description", "5000", "5001", |o| o.listing.description = "x".repeat(5_001)),
        ("listing.description", "control", "U+0000", |o| o.listing.description = "a\0b".into()),
        ("listing.description", "not markup alone", "<p>", |o| o.listing.description = "<p> </p>".into()),
        ("listing.keywords", "at most 3", "4", |o| o.listing.keywords.push("more".into())),
        ("listing.keywords[1]", "once", "Temperature", |o| o.listing.keywords[1] = "Temperature".into()),
        ("listing.keywords[0]", "50", "51", |o| o.listing.keywords[0] = "x".repeat(51)),
        ("listing.keywords[0]", "required", "nothing", |o| o.listing.keywords[0].clear()),
        ("listing.logos.small", "40×40", "nothing", |o| o.listing.logos.small.clear()),
        ("listing.logos.medium", "90×90", "nothing", |o| o.listing.logos.medium.clear()),
        ("listing.logos.large", "115×115", "nothing", |o| o.listing.logos.large.clear()),
        ("listing.logos.wide", "255×115", "nothing", |o| o.listing.logos.wide.clear()),
        ("listing.useful_links", "at most 25", "26 links", |o| o.listing.useful_links = vec![link(); 26]),
        ("listing.useful_links[0].title", "required", "nothing", |o| {
            o.listing.useful_links = vec![Link { title: String::new(), ..link() }];
        }),
        ("listing.useful_links[0].url", "required", "nothing", |o| {
            o.listing.useful_links = vec![Link { url: String::new(), ..link() }];
        }),
        ("listing.support_contact.name", "100", "101", |o| o.listing.support_contact.name = "x".repeat(101)),
        ("listing.support_contact.url", "required", "nothing", |o| o.listing.support_contact.url.clear()),
        ("listing.engineering_contact.url", "http", "ftp", |o| {
            o.listing.engineering_contact.url = "ftp://contoso.example".into();
        }),
        ("certification_notes", "10000", "10001", |o| o.certification_notes = "x".repeat(10_001)),
    ]);
    judge(false, &[
        ("listing.title", "50", "51 characters", |o| o.listing.title = "x".repeat(51)),
        ("listing.description", "without attributes", "script, a", |o| {
            o.listing.description = "<p>x<script>1</script><a href=\"x\">y</a></p>".into();
        }),
        ("listing.short_description", "plain text", "<b>", |o| o.listing.short_description = "<b>x</b>".into()),
    ]);
}

fn link() -> Link {
    Link {
        title: "Source".into(),
        url: "https://contoso.example/source".into(),
    }
}

#[test]
fn addresses_mail_and_telephone() {
    for bad in [
        "", "contoso.example", "ftp://contoso.example", "javascript:alert(1)", "https://", "https:///x",
        "https://user:secret@contoso.example", "https://con toso.example", "https://contoso.example/\"x",
        " https://contoso.example", "https://[::1", "//contoso.example",
        &format!("https://contoso.example/{}", "x".repeat(2_048)),
    ] {
        let found = violations(|offer| offer.listing.privacy_policy_url = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.privacy_policy_url");
    }
    for bad in [
        "", "support", "@contoso.example", "support@", "support@contoso", "a b@contoso.example", "a@b@c.example ",
        ".a@contoso.example", "a..b@contoso.example", "a@-contoso.example", "a@contoso..example", "<a@contoso.example>",
        &format!("{}@contoso.example", "a".repeat(65)),
    ] {
        let found = violations(|offer| offer.listing.support_contact.email = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.support_contact.email");
    }
    for bad in ["", "12", "call me", "+1 425 555 0100 please", &"1".repeat(21), &format!("123{}", " ".repeat(40))] {
        let found = violations(|offer| offer.listing.engineering_contact.phone = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.engineering_contact.phone");
    }
    for good in ["a+b@contoso.example", "jürgen@contoso.example", "a@b-c.d.example"] {
        assert_eq!(violations(|offer| offer.listing.support_contact.email = good.into()), Vec::new(), "{good}");
    }
    for good in ["112", "+49 30/123456-7", "(425) 555.0100 ext 12"] {
        assert_eq!(violations(|offer| offer.listing.support_contact.phone = good.into()), Vec::new(), "{good}");
    }
}

#[test]
fn limits_of_the_properties() {
    judge(true, &[
        ("properties.categories", "at most 2", "3", |o| o.properties.categories.push("security".into())),
        ("properties.categories[0]", "one of protocols", "games", |o| o.properties.categories[0] = "games".into()),
        ("properties.categories[1]", "once", "simulation", |o| o.properties.categories[1] = "simulation".into()),
        ("properties.companion_of", "required for a companion", "nothing", |o| {
            o.properties.kind = ModuleKind::Companion;
        }),
        ("properties.companion_of", "publisher.offer", "nobody", |o| {
            o.properties.kind = ModuleKind::Companion;
            o.properties.companion_of = "nobody".into();
        }),
        ("properties.companion_of", "publisher.offer", "itself", |o| {
            o.properties.kind = ModuleKind::Companion;
            o.properties.companion_of = "contoso.sensor".into();
        }),
        ("properties.companion_of", "only for the kind", "contoso.other", |o| {
            o.properties.companion_of = "contoso.other".into();
        }),
        ("properties.terms", "exactly one", "nothing", |o| o.properties.terms = Terms::default()),
        ("properties.terms", "exactly one", "standard_contract and text", |o| {
            o.properties.terms.text = "mine".into();
        }),
        ("properties.terms.text", "100000", "100001", |o| {
            o.properties.terms = Terms { text: "x".repeat(100_001), ..Terms::default() };
        }),
        ("properties.terms.url", "http", "terms.html", |o| {
            o.properties.terms = Terms { url: "terms.html".into(), ..Terms::default() };
        }),
        ("properties.licence", "required", "nothing", |o| o.properties.licence.clear()),
        ("properties.licence", "200", "201", |o| o.properties.licence = "x".repeat(201)),
    ]);
    judge(false, &[("properties.categories", "1 or 2", "nothing", |o| o.properties.categories.clear())]);
    let mut offer = complete();
    offer.properties.platforms = PlatformOption::Any;
    assert_eq!(check(&offer, &Matrix::default()), Vec::new());
    let strict = Matrix { any_allowed: false, ..Matrix::default() };
    assert_eq!(check(&offer, &strict)[0].field, "properties.platforms");
}

#[test]
fn limits_of_the_plans() {
    judge(true, &[
        ("plans", "1 to 100", "0 plans", |o| o.plans.clear()),
        ("plans", "1 to 100", "101 plans", |o| {
            o.plans = (0..101).map(|number| plan(&format!("p{number}"))).collect();
        }),
        ("plans", "not hidden", "1 hidden", |o| o.plans[0].hidden = true),
        ("plans.other.title", "unique", "PLAN STANDARD ", |o| {
            o.plans.push(Plan { title: "PLAN STANDARD ".into(), ..plan("other") });
        }),
        ("plans.standard.title", "50", "51", |o| o.plans[0].title = "x".repeat(51)),
        ("plans.standard.title", "one line", "U+0009", |o| o.plans[0].title = "a\tb".into()),
        ("plans.standard.summary", "100", "101", |o| o.plans[0].summary = "x".repeat(101)),
        ("plans.standard.summary", "required", "nothing", |o| o.plans[0].summary.clear()),
        ("plans.standard.description", "2000", "2001", |o| o.plans[0].description = "x".repeat(2_001)),
        ("plans.standard.price.licence_instructions", "required", "nothing", |o| {
            o.plans[0].price = Price::Byol { licence_instructions: String::new() };
        }),
        ("plans.standard.price.licence_instructions", "2000", "2001", |o| {
            o.plans[0].price = Price::Byol { licence_instructions: "x".repeat(2_001) };
        }),
        ("plans.standard.price.restrictions", "required", "nothing", |o| {
            o.plans[0].price = Price::Freemium { restrictions: " ".into() };
        }),
        ("plans.standard.release_notes", "5000", "5001", |o| o.plans[0].release_notes = "x".repeat(5_001)),
        ("plans.standard.platforms", "1 to 20", "0 platforms", |o| o.plans[0].platforms.clear()),
        ("plans.standard.platforms[0]", "os/architecture", "pc", |o| o.plans[0].platforms[0] = "pc".into()),
        ("plans.standard.platforms[1]", "once", "linux/x86_64", |o| o.plans[0].platforms[1] = "linux/x86_64".into()),
        ("plans.standard.inputs[0]", "routes can use", "a/b", |o| o.plans[0].inputs[0] = "a/b".into()),
        ("plans.standard.outputs[1]", "once", "out", |o| o.plans[0].outputs.push("out".into())),
        ("plans.standard.outputs[0]", "required", "nothing", |o| o.plans[0].outputs[0].clear()),
        ("plans.standard.outputs", "at most 50", "51 names", |o| {
            o.plans[0].outputs = (0..51).map(|number| format!("o{number}")).collect();
        }),
    ]);
    let twice = violations(|offer| offer.plans.push(Plan { title: "Other".into(), ..plan("standard") }));
    assert_eq!(twice[0].field, "plans.standard.plan");
}

#[test]
fn limits_of_the_image_source() {
    judge(true, &[
        ("plans.standard.image.registry", "without scheme", "https", |o| {
            o.plans[0].image.registry = "https://registry.contoso.example".into();
        }),
        ("plans.standard.image.registry", "host", "contoso/x", |o| o.plans[0].image.registry = "contoso/x".into()),
        ("plans.standard.image.registry", "host", ":0", |o| o.plans[0].image.registry = "contoso.example:0".into()),
        ("plans.standard.image.registry", "host", "65536", |o| o.plans[0].image.registry = "a.example:65536".into()),
        ("plans.standard.image.registry", "host", "user@", |o| o.plans[0].image.registry = "user@a.example".into()),
        ("plans.standard.image.repository", "required", "nothing", |o| o.plans[0].image.repository.clear()),
        ("plans.standard.image.repository", "lower case", "Contoso", |o| o.plans[0].image.repository = "Contoso".into()),
        ("plans.standard.image.repository", "without host, tag", "a:1", |o| o.plans[0].image.repository = "a:1".into()),
        ("plans.standard.image.repository", "name", "a/../b", |o| o.plans[0].image.repository = "a/../b".into()),
        ("plans.standard.image.tags", "`latest` and at least one", "1.0.0", |o| {
            o.plans[0].image.tags = vec!["1.0.0".into()];
        }),
        ("plans.standard.image.tags", "`latest` and at least one", "latest", |o| {
            o.plans[0].image.tags = vec!["latest".into(), "1.0".into()];
        }),
        ("plans.standard.image.tags", "`latest` and at least one", "nothing", |o| o.plans[0].image.tags.clear()),
        ("plans.standard.image.tags[4]", "X.Y.Z", "v1", |o| o.plans[0].image.tags.push("v1".into())),
        ("plans.standard.image.tags[4]", "once", "latest", |o| o.plans[0].image.tags.push("latest".into())),
        ("plans.standard.image.tags", "at most 200", "201 tags", |o| {
            o.plans[0].image.tags.extend((0..197).map(|number| format!("2.0.{number}")));
        }),
    ]);
    for good in ["localhost", "localhost:5000", "127.0.0.1:1", "[::1]:5000", "[2001:db8::1]", "ghcr.io", "a-b.c:65535"] {
        assert_eq!(violations(|offer| offer.plans[0].image.registry = good.into()), Vec::new(), "{good}");
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
        assert_eq!(from(bad)[0].field, "plans.standard.image.repository", "{bad}");
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
        assert!(fields.contains(&field.as_str()), "{field} is not among {fields:?}");
    }
}

#[test]
fn long_values_are_shown_short() {
    let found = violations(|offer| offer.listing.support_contact.email = "x".repeat(10_000));
    assert!(found[0].found.chars().count() < 80, "{}", found[0].found);
}

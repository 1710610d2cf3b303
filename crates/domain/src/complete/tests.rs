//! Tables of one fault each: the field, what is put there, and what the violation must say.

mod listing;
mod plans;
mod properties;

use super::{CompleteOffer, check};
use crate::defaults::Defaults;
use crate::matrix::Matrix;
use crate::offer::{Contact, ImageSource, Listing, Logos, Offer, Plan, Price, Properties, Terms};
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
            declared_only: false,
            registry: "registry.contoso.example:5000".into(),
            repository: "contoso/sensor".into(),
            tags: ["latest", "1.0.0", "1.0", "1.0.0-linux-x64"]
                .map(Into::into)
                .to_vec(),
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
fn long_values_are_shown_short() {
    let found = violations(|offer| offer.listing.support_contact.email = "x".repeat(10_000));
    assert!(found[0].found.chars().count() < 80, "{}", found[0].found);
}

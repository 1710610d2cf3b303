//! Texts, pictures, links and contacts.

use super::{Fault, judge, violations};
use crate::offer::Link;

/// Refused.
const LISTING_ERRORS: &[Fault] = &[
    ("listing.title", "200", "201 characters", |o| {
        o.listing.title = "ä".repeat(201);
    }),
    ("listing.title", "required", "nothing", |o| {
        o.listing.title = " ".into();
    }),
    ("listing.title", "no emoji", "U+1F600", |o| {
        o.listing.title = "Hi 😀".into();
    }),
    ("listing.title", "no emoji", "U+2728", |o| {
        o.listing.title = "✨ new".into();
    }),
    ("listing.title", "one line", "U+000A", |o| {
        o.listing.title = "a\nb".into();
    }),
    ("listing.title", "control", "U+202E", |o| {
        o.listing.title = "a\u{202e}b".into();
    }),
    ("listing.summary", "100", "101 characters", |o| {
        o.listing.summary = "x".repeat(101);
    }),
    ("listing.summary", "one line", "U+000D", |o| {
        o.listing.summary = "a\r\nb".into();
    }),
    ("listing.short_description", "256", "257", |o| {
        o.listing.short_description = "x".repeat(257);
    }),
    ("listing.description", "5000", "5001", |o| {
        o.listing.description = "x".repeat(5_001);
    }),
    ("listing.description", "control", "U+0000", |o| {
        o.listing.description = "a\0b".into();
    }),
    ("listing.description", "not markup alone", "<p>", |o| {
        o.listing.description = "<p> </p>".into();
    }),
    ("listing.keywords", "at most 3", "4", |o| {
        o.listing.keywords.push("more".into());
    }),
    ("listing.keywords[1]", "once", "Temperature", |o| {
        o.listing.keywords[1] = "Temperature".into();
    }),
    ("listing.keywords[0]", "50", "51", |o| {
        o.listing.keywords[0] = "x".repeat(51);
    }),
    ("listing.keywords[0]", "required", "nothing", |o| {
        o.listing.keywords[0].clear();
    }),
    ("listing.logos.small", "40×40", "nothing", |o| {
        o.listing.logos.small.clear();
    }),
    ("listing.logos.medium", "90×90", "nothing", |o| {
        o.listing.logos.medium.clear();
    }),
    ("listing.logos.large", "115×115", "nothing", |o| {
        o.listing.logos.large.clear();
    }),
    ("listing.logos.wide", "255×115", "nothing", |o| {
        o.listing.logos.wide.clear();
    }),
    ("listing.useful_links", "at most 25", "26 links", |o| {
        o.listing.useful_links = vec![link(); 26];
    }),
    (
        "listing.useful_links[0].title",
        "required",
        "nothing",
        |o| {
            o.listing.useful_links = vec![Link {
                title: String::new(),
                ..link()
            }];
        },
    ),
    ("listing.useful_links[0].url", "required", "nothing", |o| {
        o.listing.useful_links = vec![Link {
            url: String::new(),
            ..link()
        }];
    }),
    ("listing.support_contact.name", "100", "101", |o| {
        o.listing.support_contact.name = "x".repeat(101);
    }),
    ("listing.support_contact.url", "required", "nothing", |o| {
        o.listing.support_contact.url.clear();
    }),
    ("listing.engineering_contact.url", "http", "ftp", |o| {
        o.listing.engineering_contact.url = "ftp://contoso.example".into();
    }),
    ("certification_notes", "10000", "10001", |o| {
        o.certification_notes = "x".repeat(10_001);
    }),
];

/// Noted.
const LISTING_WARNINGS: &[Fault] = &[
    ("listing.title", "50", "51 characters", |o| {
        o.listing.title = "x".repeat(51);
    }),
    (
        "listing.description",
        "without attributes",
        "script, a",
        |o| {
            o.listing.description = "<p>x<script>1</script><a href=\"x\">y</a></p>".into();
        },
    ),
    ("listing.short_description", "plain text", "<b>", |o| {
        o.listing.short_description = "<b>x</b>".into();
    }),
];

#[test]
fn limits_of_the_listing() {
    judge(true, LISTING_ERRORS);
    judge(false, LISTING_WARNINGS);
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
        "",
        "contoso.example",
        "ftp://contoso.example",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://user:secret@contoso.example",
        "https://con toso.example",
        "https://contoso.example/\"x",
        " https://contoso.example",
        "https://[::1",
        "//contoso.example",
        &format!("https://contoso.example/{}", "x".repeat(2_048)),
    ] {
        let found = violations(|offer| offer.listing.privacy_policy_url = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.privacy_policy_url");
    }
    for bad in [
        "",
        "support",
        "@contoso.example",
        "support@",
        "support@contoso",
        "a b@contoso.example",
        "a@b@c.example ",
        ".a@contoso.example",
        "a..b@contoso.example",
        "a@-contoso.example",
        "a@contoso..example",
        "<a@contoso.example>",
        &format!("{}@contoso.example", "a".repeat(65)),
    ] {
        let found = violations(|offer| offer.listing.support_contact.email = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.support_contact.email");
    }
    for bad in [
        "",
        "12",
        "call me",
        "+1 425 555 0100 please",
        &"1".repeat(21),
        &format!("123{}", " ".repeat(40)),
    ] {
        let found = violations(|offer| offer.listing.engineering_contact.phone = bad.into());
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert_eq!(found[0].field, "listing.engineering_contact.phone");
    }
    for good in [
        "a+b@contoso.example",
        "jürgen@contoso.example",
        "a@b-c.d.example",
    ] {
        assert_eq!(
            violations(|offer| offer.listing.support_contact.email = good.into()),
            Vec::new(),
            "{good}"
        );
    }
    for good in ["112", "+49 30/123456-7", "(425) 555.0100 ext 12"] {
        assert_eq!(
            violations(|offer| offer.listing.support_contact.phone = good.into()),
            Vec::new(),
            "{good}"
        );
    }
}

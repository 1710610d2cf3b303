//! The list of pages that are looked at, and the answer to "is any missing?": every GET address of the site stands here,
//! visited by those whose page it is, or named among those that are no pages. A new page without a visit fails.

use std::collections::BTreeSet;

/// A look at a page: its address in the table of routes, what is opened (`{…}` is filled in by the sweep), and a button
/// to press first, "" for none.
pub struct Visit {
    pub route: &'static str,
    pub path: &'static str,
    pub press: &'static str,
}

const fn at(route: &'static str, path: &'static str) -> Visit {
    Visit {
        route,
        path,
        press: "",
    }
}

/// An address without blanks.
const fn on(path: &'static str) -> Visit {
    at(path, path)
}

const fn pressed(route: &'static str, path: &'static str, press: &'static str) -> Visit {
    Visit { route, path, press }
}

/// Addresses that browsers save or programs read.
const NO_PAGES: [&str; 9] = [
    "/modules/{publisher}/{offer}/manifest",
    "/modules/{publisher}/{offer}/runs/{run}/log",
    "/publish/submissions/{id}/runs/{run}/log",
    "/review/{id}/runs/{run}/log",
    "/media/sha256/{hex}",
    "/robots.txt",
    "/publish/{publisher}/leads.csv",
    "/publish/{publisher}/{offer}/export",
    "/metrics",
];

const MODULE: &str = "/modules/{publisher}/{offer}";
const SUBMIT: &str = "main form:not(.waive, .find) button[type=submit]";

pub const VISITOR: &[Visit] = &[
    on("/"),
    on("/modules"),
    at(
        "/modules",
        "/modules?q=forwrader&platform=linux%2Farm64&device=rpi-64",
    ),
    at(
        "/modules",
        "/modules?price=byol&publisher=northwind&sort=title",
    ),
    at("/modules", "/modules?q=zzzzzzzz"),
    at(MODULE, "/modules/fabrikam/http-forwarder"),
    at(MODULE, "/modules/fabrikam/window-aggregator?tab=plans"),
    at(MODULE, "/modules/fabrikam/http-forwarder?tab=configure"),
    pressed(
        MODULE,
        "/modules/fabrikam/http-forwarder?tab=configure",
        "main .form button",
    ),
    at(
        MODULE,
        "/modules/fabrikam/http-forwarder?tab=configure&set.MY_SERVER_IP_ADDRESS=192.0.2.1&form=layered",
    ),
    at(MODULE, "/modules/contoso/heartbeat?tab=certification"),
    // A night broke it.
    at(
        MODULE,
        "/modules/contoso/temperature-sensor?tab=certification",
    ),
    at(MODULE, "/modules/contoso/temperature-sensor?tab=versions"),
    at(
        MODULE,
        "/modules/northwind/file-store?device=linux%2Friscv64",
    ),
    at("/publishers/{publisher}", "/publishers/contoso"),
    at("/categories/{category}", "/categories/simulation"),
    on("/terms"),
    on("/guide"),
    on("/faq"),
    on("/about"),
    on("/account/sign-in"),
    pressed("/account/sign-in", "/account/sign-in", SUBMIT),
    on("/account/sign-up"),
    pressed("/account/sign-up", "/account/sign-up", SUBMIT),
    on("/publish"),
    // The page for what is not there.
    at(MODULE, "/modules/contoso/nothing"),
];

pub const SIGNED_IN: &[Visit] = &[
    on("/"),
    on("/account"),
    on("/account/password"),
    on("/account/erase"),
    on("/account/tokens"),
    pressed("/account/tokens", "/account/tokens", SUBMIT),
    at(
        "/modules/{publisher}/{offer}/get",
        "/modules/contoso/heartbeat/get",
    ),
    pressed(
        "/modules/{publisher}/{offer}/get",
        "/modules/contoso/heartbeat/get",
        SUBMIT,
    ),
    on("/publish"),
    pressed("/publish", "/publish", SUBMIT),
];

const OFFER: &str = "/publish/{publisher}/{offer}";
const SECTION: &str = "/publish/{publisher}/{offer}/{section}";
const PART: &str = "/publish/{publisher}/{offer}/plans/{plan}/{part}";
const NEW_OFFER: &str = "/publish/{publisher}/offers/new";
const MEMBERS: &str = "/publish/{publisher}/members";

pub const MEMBER: &[Visit] = &[
    on("/publish"),
    at("/publish/{publisher}", "/publish/contoso"),
    at(MEMBERS, "/publish/contoso/members"),
    pressed(
        MEMBERS,
        "/publish/contoso/members",
        "form[action$='/members'] button",
    ),
    at("/publish/{publisher}/leads", "/publish/contoso/leads"),
    at(NEW_OFFER, "/publish/contoso/offers/new"),
    pressed(NEW_OFFER, "/publish/contoso/offers/new", SUBMIT),
    at(OFFER, "/publish/contoso/heartbeat"),
    at(SECTION, "/publish/contoso/heartbeat/listing"),
    at(SECTION, "/publish/contoso/heartbeat/links"),
    at(SECTION, "/publish/contoso/heartbeat/properties"),
    at(
        "/publish/{publisher}/{offer}/logos",
        "/publish/contoso/heartbeat/logos",
    ),
    pressed(
        "/publish/{publisher}/{offer}/logos",
        "/publish/contoso/heartbeat/logos",
        SUBMIT,
    ),
    at(
        "/publish/{publisher}/{offer}/plans",
        "/publish/contoso/heartbeat/plans",
    ),
    at(PART, "/publish/contoso/heartbeat/plans/standard/details"),
    at(PART, "/publish/contoso/heartbeat/plans/standard/image"),
    at(
        PART,
        "/publish/contoso/heartbeat/plans/standard/configuration",
    ),
    pressed(
        PART,
        "/publish/contoso/heartbeat/plans/standard/image",
        "form[action$='/credentials'] button",
    ),
    at(
        "/publish/{publisher}/{offer}/review",
        "/publish/contoso/heartbeat/review",
    ),
    at("/publish/{publisher}/profile", "/publish/contoso/profile"),
    at("/publish/submissions/{id}", "{preview}"),
    at("/publish/submissions/{id}/preview", "{preview}/preview"),
    pressed(
        "/publish/submissions/{id}",
        "{preview}",
        "form[action$='/preview-token'] button",
    ),
    pressed(
        OFFER,
        "/publish/contoso/temperature-sensor",
        "form[action$='/stop'] button",
    ),
    // An offer at its very beginning.
    at(OFFER, "/publish/contoso/new-thing"),
    at(SECTION, "/publish/contoso/new-thing/listing"),
    pressed(SECTION, "/publish/contoso/new-thing/listing", SUBMIT),
    at(
        "/publish/{publisher}/{offer}/logos",
        "/publish/contoso/new-thing/logos",
    ),
    at(
        "/publish/{publisher}/{offer}/plans",
        "/publish/contoso/new-thing/plans",
    ),
    at(
        "/publish/{publisher}/{offer}/review",
        "/publish/contoso/new-thing/review",
    ),
];

/// Of the publisher one of whose samples is refused on purpose, and who has no leads.
pub const REFUSED: &[Visit] = &[
    at("/publish/{publisher}", "/publish/fabrikam"),
    at("/publish/{publisher}/leads", "/publish/fabrikam/leads"),
];

pub const REVIEW: &[Visit] = &[
    on("/review"),
    at("/review/{id}", "{review}"),
    pressed(
        "/review/{id}",
        "{review}",
        "form[action$='/reject'] button[type=submit]",
    ),
];

pub const ADMIN: &[Visit] = &[
    on("/admin"),
    on("/admin/publishers"),
    at("/admin/publishers", "/admin/publishers?state=suspended"),
    on("/admin/accounts"),
    at(
        "/admin/accounts",
        "/admin/accounts?email=nobody%40home.example",
    ),
    on("/admin/takedowns"),
    on("/admin/policy"),
];

/// Of a marketplace on its first day.
pub const FIRST_DAY: &[Visit] = &[
    on("/"),
    on("/modules"),
    on("/set-up"),
    pressed("/set-up", "/set-up", SUBMIT),
    on("/publish"),
    on("/account/sign-up"),
];

const ROUNDS: [&[Visit]; 7] = [
    VISITOR, SIGNED_IN, MEMBER, REFUSED, REVIEW, ADMIN, FIRST_DAY,
];

#[test]
fn every_page_is_visited() {
    let visits = ROUNDS.iter().flat_map(|visits| visits.iter());
    let mut named: BTreeSet<&str> = visits.map(|visit| visit.route).collect();
    named.extend(NO_PAGES);
    let pages = web::routes::pages();
    let there: BTreeSet<&str> = pages
        .iter()
        .filter(|(method, _)| *method == "get")
        .map(|(_, path)| *path)
        .collect();
    let unseen: Vec<_> = there.difference(&named).collect();
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(unseen.is_empty(), "pages that nobody looks at: {unseen:?}");
    assert!(
        gone.is_empty(),
        "visits to pages that are not there: {gone:?}"
    );
}

//! Pages that are mostly text: terms, publisher guide, questions, about; and `robots.txt`. The texts stand beside the
//! message file, one HTML piece each, with a few values of this installation filled in.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::layout::Layout;
use crate::messages::t;
use crate::page::page;
use crate::pieces::Link;
use crate::problem::Problem;
use crate::state::Web;
use crate::view::View as _;
use crate::visitor::Visitor;

const TERMS: &str = include_str!("../../messages/en/terms.html");
const GUIDE: &str = include_str!("../../messages/en/guide.html");
const FAQ: &str = include_str!("../../messages/en/faq.html");
const ABOUT: &str = include_str!("../../messages/en/about.html");

/// What crawlers leave alone: pages of accounts, and the endless combinations of filters.
const ROBOTS: &str = "User-agent: *\nDisallow: /account\nDisallow: /publish\nDisallow: /review\nDisallow: /admin\nDisallow: /api/\nDisallow: /modules?\nDisallow: /v2/\n";

#[derive(Template)]
#[template(path = "storefront/text.html")]
struct Text {
    layout: Layout,
    title: &'static str,
    pages: Vec<Link>,
    html: String,
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Fills a text with values of this installation. They are filled in one after the other, so a value that looks like
/// another's place is the operator's own doing.
fn fill(web: &Web, text: &str) -> String {
    let settings = &web.app.settings;
    [
        ("{market}", settings.name.as_str()),
        ("{terms_version}", settings.terms_version.as_str()),
        ("{contact}", settings.onboarding_contact.as_str()),
        ("{registry}", settings.registry_host.as_str()),
        ("{url}", settings.public_url.as_str().trim_end_matches('/')),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (place, value)| {
        text.replace(place, &escaped(value))
    })
}

fn text(
    web: &Web,
    visitor: &Visitor,
    title: &'static str,
    html: &str,
) -> Result<Response, Problem> {
    let all = [
        (t("texts.about"), "/about"),
        (t("texts.guide"), "/guide"),
        (t("texts.faq"), "/faq"),
        (t("texts.terms"), "/terms"),
    ];
    let pages = all.into_iter().map(|(label, href)| Link {
        label: label.to_owned(),
        href: href.to_owned(),
        count: None,
        current: label == title,
    });
    page(&Text {
        layout: visitor.layout(""),
        title,
        pages: pages.collect(),
        html: fill(web, html),
    })
}

pub(super) async fn terms(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    text(&web, &visitor, t("texts.terms"), TERMS)
}

pub(super) async fn guide(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    text(&web, &visitor, t("texts.guide"), GUIDE)
}

pub(super) async fn faq(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    text(&web, &visitor, t("texts.faq"), FAQ)
}

pub(super) async fn about(State(web): State<Web>, visitor: Visitor) -> Result<Response, Problem> {
    text(&web, &visitor, t("texts.about"), ABOUT)
}

pub(super) async fn robots() -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], ROBOTS).into_response()
}

//! LST-04: documentation, privacy policy, terms, support and useful links answer.

use domain::offer::Offer;

use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-04",
    title: "Every link of the listing answers",
    level: Level::Block,
    waivable: true,
    sources: &["T-27", "T-32", "§2.9"],
    why: "A privacy policy, terms or documentation that nobody can read are none.",
    fix: "Correct the address, or make the page public.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    addresses(&subject.offer)
        .into_iter()
        .filter(|(_, url)| !url.is_empty())
        .map(|(field, url)| judge(subject, field, url))
        .collect()
}

fn judge(subject: &Subject, field: String, url: &str) -> Outcome {
    let Some(links) = &subject.links else {
        return Outcome::not_run(field, "outgoing connections are off");
    };
    match links
        .iter()
        .find(|link| link.url == url)
        .map(|link| &link.status)
    {
        None => Outcome::not_run(field, format!("{url} was not asked")),
        // 405 and 429 come from a server that has the page and dislikes the question.
        Some(Ok(status @ (200..=399 | 405 | 429))) => {
            Outcome::passed(field, format!("{url} answered {status}"))
        }
        Some(Ok(status)) => Outcome::failed(field, format!("{url} answered {status}")),
        Some(Err(why)) => Outcome::failed(field, format!("{url} did not answer: {why}")),
    }
}

/// Every address of an offer that customers follow, with its field.
fn addresses(offer: &Offer) -> Vec<(String, &str)> {
    let listing = &offer.listing;
    let mut all = vec![
        (
            "listing.privacy_policy_url".to_owned(),
            listing.privacy_policy_url.as_str(),
        ),
        (
            "listing.documentation_url".to_owned(),
            listing.documentation_url.as_str(),
        ),
        (
            "listing.support_contact.url".to_owned(),
            listing.support_contact.url.as_str(),
        ),
        (
            "properties.terms.url".to_owned(),
            offer.properties.terms.url.as_str(),
        ),
    ];
    for (index, link) in listing.useful_links.iter().enumerate() {
        all.push((
            format!("listing.useful_links[{index}].url"),
            link.url.as_str(),
        ));
    }
    all
}

//! Texts, pictures, links and contacts of the listing (domain facts §2.4–§2.6, §2.8).

use std::collections::BTreeSet;

use super::text::{email, link, no_emoji, phone, required, shown, within};
use crate::html;
use crate::offer::{Contact, Listing, LogoSlot, Offer};
use crate::violation::Violation;

/// Longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Longest title that every storefront shows whole, in characters; longer ones warn.
pub const TITLE_CHARS_RECOMMENDED_MAX: usize = 50;
/// Longest search summary, in characters.
pub const SUMMARY_CHARS_MAX: usize = 100;
/// Longest short description, in characters.
pub const SHORT_DESCRIPTION_CHARS_MAX: usize = 256;
/// Longest description, in characters of its HTML as written.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Most search words.
pub const KEYWORDS_MAX: usize = 3;
/// Longest search word, in characters.
pub const KEYWORD_CHARS_MAX: usize = 50;
/// Most links beside privacy policy and documentation.
pub const USEFUL_LINKS_MAX: usize = 25;
/// Longest title of a link and name of a contact, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Longest notes for the reviewer, in characters.
pub const CERTIFICATION_NOTES_CHARS_MAX: usize = 10_000;

pub(super) fn check(offer: &Offer, found: &mut Vec<Violation>) {
    let listing = &offer.listing;
    texts(listing, found);
    keywords(&listing.keywords, found);
    logos(listing, found);
    link(
        "listing.privacy_policy_url",
        &listing.privacy_policy_url,
        true,
        found,
    );
    link(
        "listing.documentation_url",
        &listing.documentation_url,
        true,
        found,
    );
    useful_links(listing, found);
    contact("listing.support_contact", &listing.support_contact, found);
    link(
        "listing.support_contact.url",
        &listing.support_contact.url,
        true,
        found,
    );
    contact(
        "listing.engineering_contact",
        &listing.engineering_contact,
        found,
    );
    link(
        "listing.engineering_contact.url",
        &listing.engineering_contact.url,
        false,
        found,
    );
    within(
        "certification_notes",
        &offer.certification_notes,
        CERTIFICATION_NOTES_CHARS_MAX,
        found,
    );
}

fn texts(listing: &Listing, found: &mut Vec<Violation>) {
    let title = &listing.title;
    let count = title.chars().count();
    if required("listing.title", title, TITLE_CHARS_MAX, found)
        && count > TITLE_CHARS_RECOMMENDED_MAX
    {
        found.push(Violation::warning(
            "listing.title",
            format!("at most {TITLE_CHARS_RECOMMENDED_MAX} characters are shown everywhere"),
            format!("{count} characters"),
            "shorten it, or accept that cards cut it off",
        ));
    }
    no_emoji("listing.title", title, found);
    required(
        "listing.summary",
        &listing.summary,
        SUMMARY_CHARS_MAX,
        found,
    );
    required(
        "listing.short_description",
        &listing.short_description,
        SHORT_DESCRIPTION_CHARS_MAX,
        found,
    );
    if !html::refused_elements(&listing.short_description).is_empty()
        || html::ELEMENTS
            .iter()
            .any(|name| listing.short_description.contains(&format!("<{name}>")))
    {
        found.push(Violation::warning(
            "listing.short_description",
            "plain text",
            shown(&listing.short_description),
            "take the markup out; it is shown as written",
        ));
    }
    description(
        "listing.description",
        &listing.description,
        DESCRIPTION_CHARS_MAX,
        found,
    );
}

/// A required text in HTML: its length counts as written, and markup outside the subset is told, since it goes.
pub(super) fn description(field: &str, text: &str, limit_chars: usize, found: &mut Vec<Violation>) {
    if !required(field, text, limit_chars, found) {
        return;
    }
    if html::plain_text(&html::clean(text)).is_empty() {
        found.push(Violation::error(
            field,
            "required: text, not markup alone",
            shown(text),
            "say what it does, for whom, and what it needs",
        ));
    }
    let refused = html::refused_elements(text);
    if !refused.is_empty() {
        found.push(Violation::warning(
            field,
            format!(
                "only the elements {}, without attributes",
                html::ELEMENTS.join(" ")
            ),
            refused.join(", "),
            "take them out; they are removed when the offer is submitted",
        ));
    }
}

fn keywords(keywords: &[String], found: &mut Vec<Violation>) {
    let field = "listing.keywords";
    if keywords.len() > KEYWORDS_MAX {
        found.push(Violation::error(
            field,
            format!("at most {KEYWORDS_MAX}"),
            format!("{}: {}", keywords.len(), shown(&keywords.join(", "))),
            "keep those that searchers really use",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, word) in keywords.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if required(&field, word, KEYWORD_CHARS_MAX, found)
            && !seen.insert(word.trim().to_lowercase())
        {
            found.push(Violation::error(
                field,
                "each keyword once",
                shown(word),
                "take the repetition out",
            ));
        }
    }
}

fn logos(listing: &Listing, found: &mut Vec<Violation>) {
    for slot in LogoSlot::ALL {
        if listing.logos.get(slot).trim().is_empty() {
            let (width, height) = slot.pixels();
            found.push(Violation::error(
                format!("listing.logos.{}", slot.name()),
                format!("required: a PNG of exactly {width}×{height} pixels"),
                "nothing",
                "add the picture",
            ));
        }
    }
}

fn useful_links(listing: &Listing, found: &mut Vec<Violation>) {
    let links = &listing.useful_links;
    if links.len() > USEFUL_LINKS_MAX {
        found.push(Violation::error(
            "listing.useful_links",
            format!("at most {USEFUL_LINKS_MAX}"),
            format!("{} links", links.len()),
            "keep the most useful ones",
        ));
    }
    for (index, each) in links.iter().enumerate() {
        let field = format!("listing.useful_links[{index}]");
        required(
            &format!("{field}.title"),
            &each.title,
            NAME_CHARS_MAX,
            found,
        );
        link(&format!("{field}.url"), &each.url, true, found);
    }
}

fn contact(field: &str, contact: &Contact, found: &mut Vec<Violation>) {
    required(
        &format!("{field}.name"),
        &contact.name,
        NAME_CHARS_MAX,
        found,
    );
    email(&format!("{field}.email"), &contact.email, found);
    phone(&format!("{field}.phone"), &contact.phone, found);
}

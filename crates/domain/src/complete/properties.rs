//! Category, kind, terms, licence and platform promise (domain facts §2.3, §2.11, §5.2).

use std::collections::BTreeSet;

use super::text::{link, required, shown, within};
use crate::ids::OfferKey;
use crate::matrix::Matrix;
use crate::offer::{ModuleKind, Offer, PlatformOption, Terms};
use crate::taxonomy::{self, CATEGORIES_MAX, SUBCATEGORIES};
use crate::violation::Violation;

/// Longest own terms, in characters.
pub const TERMS_CHARS_MAX: usize = 100_000;
/// Longest licence expression or name, in characters.
pub const LICENCE_CHARS_MAX: usize = 200;

pub(super) fn check(offer: &Offer, matrix: &Matrix, found: &mut Vec<Violation>) {
    let properties = &offer.properties;
    categories(&properties.categories, found);
    companion(offer, found);
    terms(&properties.terms, found);
    required(
        "properties.licence",
        &properties.licence,
        LICENCE_CHARS_MAX,
        found,
    );
    if properties.platforms == PlatformOption::Any && !matrix.any_allowed {
        found.push(Violation::error(
            "properties.platforms",
            "`all`: this marketplace wants every required platform",
            "`any`",
            "promise `all` and build the image for every required platform",
        ));
    }
}

fn categories(categories: &[String], found: &mut Vec<Violation>) {
    let field = "properties.categories";
    let known = || {
        let ids: Vec<&str> = SUBCATEGORIES.iter().map(|each| each.id).collect();
        ids.join(", ")
    };
    if categories.is_empty() {
        found.push(Violation::warning(
            field,
            format!("1 or {CATEGORIES_MAX} of {}", known()),
            "nothing",
            "choose one, so that those who browse find the module",
        ));
    }
    if categories.len() > CATEGORIES_MAX {
        found.push(Violation::error(
            field,
            format!("at most {CATEGORIES_MAX}"),
            format!("{}: {}", categories.len(), shown(&categories.join(", "))),
            "keep those that fit best",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, id) in categories.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if taxonomy::subcategory(id).is_none() {
            found.push(Violation::error(
                field,
                format!("one of {}", known()),
                shown(id),
                "use one of these ids",
            ));
        } else if !seen.insert(id) {
            found.push(Violation::error(
                field,
                "each category once",
                shown(id),
                "take the repetition out",
            ));
        }
    }
}

fn companion(offer: &Offer, found: &mut Vec<Violation>) {
    let field = "properties.companion_of";
    let named = &offer.properties.companion_of;
    match (offer.properties.kind, named.is_empty()) {
        (ModuleKind::Companion, true) => found.push(Violation::error(
            field,
            "required for a companion: the module it serves, as publisher.offer",
            "nothing",
            "name the module, or choose another kind",
        )),
        (ModuleKind::Companion, false) => {
            let fault = match named.parse::<OfferKey>() {
                Ok(key) if key == offer.key() => "the offer itself".to_owned(),
                Ok(_) => return,
                Err(_) => shown(named),
            };
            found.push(Violation::error(
                field,
                "the module it serves, as publisher.offer",
                fault,
                "name another module, such as contoso.sensor",
            ));
        }
        (_, false) => found.push(Violation::error(
            field,
            "only for the kind `companion`",
            shown(named),
            "take it out, or choose the kind `companion`",
        )),
        (_, true) => {}
    }
}

fn terms(terms: &Terms, found: &mut Vec<Violation>) {
    let field = "properties.terms";
    let given: Vec<&str> = [
        (terms.standard_contract, "standard_contract"),
        (!terms.text.trim().is_empty(), "text"),
        (!terms.url.trim().is_empty(), "url"),
    ]
    .into_iter()
    .filter_map(|(given, name)| given.then_some(name))
    .collect();
    if given.len() != 1 {
        found.push(Violation::error(
            field,
            "required: exactly one of standard_contract, text, url",
            if given.is_empty() {
                "nothing".to_owned()
            } else {
                given.join(" and ")
            },
            "use the standard contract, or give your own terms as a text or an address",
        ));
    }
    within("properties.terms.text", &terms.text, TERMS_CHARS_MAX, found);
    link("properties.terms.url", &terms.url, false, found);
}

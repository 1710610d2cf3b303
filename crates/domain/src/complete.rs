//! Is an offer complete and within every limit? All violations at once, each with field, limit, found value and fix.
//!
//! Fields are named as in `offer.yaml`, a plan by its name: `plans.standard.image.tags`. Limits are those of the
//! domain facts §2–§4 with the rulings of §14.1; all four logo sizes are required. Left out: what needs the bytes of
//! a picture or an image, an answer from the network, or a judgement, which is the crate `certify`.

mod listing;
mod plans;
mod properties;
mod text;

use crate::html;
use crate::matrix::Matrix;
use crate::offer::Offer;
use crate::overlay;
use crate::violation::Violation;

pub use listing::{
    CERTIFICATION_NOTES_CHARS_MAX, DESCRIPTION_CHARS_MAX, KEYWORD_CHARS_MAX, KEYWORDS_MAX,
    SHORT_DESCRIPTION_CHARS_MAX, SUMMARY_CHARS_MAX, TITLE_CHARS_MAX, TITLE_CHARS_RECOMMENDED_MAX,
    USEFUL_LINKS_MAX,
};
pub use plans::{
    PLAN_DESCRIPTION_CHARS_MAX, PLAN_SUMMARY_CHARS_MAX, PLAN_TITLE_CHARS_MAX, PLANS_MAX, PORTS_MAX,
    PRICE_TEXT_CHARS_MAX, RELEASE_NOTES_CHARS_MAX, TAGS_MAX,
};
pub use properties::{LICENCE_CHARS_MAX, TERMS_CHARS_MAX};

/// Every violation of an offer, errors and warnings, in the order of its fields.
pub fn check(offer: &Offer, matrix: &Matrix) -> Vec<Violation> {
    let mut found = Vec::new();
    listing::check(offer, &mut found);
    properties::check(offer, matrix, &mut found);
    plans::check(offer, &mut found);
    found.extend(overlay::check(offer));
    text::check_characters(offer, &mut found);
    found
}

/// An offer that has every part within every limit, its descriptions cut down to the allowed markup.
#[derive(Clone, Debug, PartialEq)]
pub struct CompleteOffer(Offer);

impl CompleteOffer {
    /// Checks an offer and cleans its descriptions.
    ///
    /// # Errors
    /// Every violation, warnings included, when at least one refuses the offer.
    pub fn try_from_offer(mut offer: Offer, matrix: &Matrix) -> Result<Self, Vec<Violation>> {
        let violations = check(&offer, matrix);
        if violations.iter().any(Violation::is_error) {
            return Err(violations);
        }
        offer.listing.description = html::clean(&offer.listing.description);
        for plan in &mut offer.plans {
            plan.description = html::clean(&plan.description);
        }
        Ok(Self(offer))
    }

    /// The offer.
    pub fn offer(&self) -> &Offer {
        &self.0
    }

    /// The offer, given away.
    pub fn into_offer(self) -> Offer {
        self.0
    }
}

#[cfg(test)]
mod tests;

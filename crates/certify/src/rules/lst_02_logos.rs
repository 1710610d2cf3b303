//! LST-02: the four logos are PNGs of exactly the right sizes.

use domain::offer::LogoSlot;

use crate::rule::{Level, Outcome, Rule};
use crate::subject::{LogoEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "LST-02",
    title: "Four PNG logos of exactly 40×40, 90×90, 115×115 and 255×115 pixels",
    level: Level::Block,
    waivable: false,
    sources: &["T-35", "§2.6"],
    why: "Cards, lists and product pages each use one size; a picture that is scaled or missing looks broken.",
    fix: "Export the logo as PNG in exactly this size.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    LogoSlot::ALL
        .into_iter()
        .map(|slot| {
            let (width, height) = slot.pixels();
            let place = format!("listing.logos.{}", slot.name());
            match subject.logos.get(&slot) {
                None | Some(LogoEvidence::Missing) => {
                    Outcome::failed(place, format!("no file for {width}×{height} pixels"))
                }
                Some(LogoEvidence::Judged(Err(why))) => Outcome::failed(place, why.as_str()),
                Some(LogoEvidence::Judged(Ok(()))) => {
                    Outcome::passed(place, format!("PNG, {width}×{height} pixels"))
                }
            }
        })
        .collect()
}

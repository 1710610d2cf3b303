//! Whose a repository is, read from its name alone (product ruling 4). `incoming/{publisher}/{name…}` belongs to that
//! publisher; `{publisher}/{offer}/{plan}` is written by go-live only; no other name holds anything.

use domain::ids::{OfferKey, PlanName, PublisherId};
use oci::RepositoryName;

/// First component of every repository that publishers push to.
pub const INCOMING: &str = "incoming";

/// What kind of repository a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A publisher's own, overwritable, an import source like any other registry.
    Incoming(PublisherId),
    /// The live images of a plan of a module.
    Release(OfferKey, PlanName),
    /// A legal name under which nothing is ever kept.
    Nowhere,
}

impl Place {
    /// Reads a repository name.
    pub fn of(repository: &RepositoryName) -> Self {
        let parts: Vec<&str> = repository.components().collect();
        match parts.as_slice() {
            [INCOMING, publisher, _, ..] => publisher.parse().map_or(Self::Nowhere, Self::Incoming),
            [publisher, offer, plan] => match (publisher.parse(), offer.parse(), plan.parse()) {
                (Ok(publisher), Ok(offer), Ok(plan)) => {
                    Self::Release(OfferKey { publisher, offer }, plan)
                }
                _ => Self::Nowhere,
            },
            _ => Self::Nowhere,
        }
    }

    /// The publisher whose it is.
    pub fn publisher(&self) -> Option<&PublisherId> {
        match self {
            Self::Incoming(publisher) => Some(publisher),
            Self::Release(module, _) => Some(&module.publisher),
            Self::Nowhere => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whose_they_are() {
        let contoso: PublisherId = "contoso".parse().unwrap();
        let (module, plan) = ("contoso.sensor".parse(), "standard".parse());
        let released = Place::Release(module.unwrap(), plan.unwrap());
        for (name, place) in [
            ("incoming/contoso/sensor", Place::Incoming(contoso.clone())),
            ("incoming/contoso/edge/sensor", Place::Incoming(contoso)),
            ("contoso/sensor/standard", released),
            ("incoming/contoso", Place::Nowhere),
            ("incoming", Place::Nowhere),
            ("incoming/library/x", Place::Nowhere),
            ("incoming/con.toso/x", Place::Nowhere),
            ("contoso/sensor", Place::Nowhere),
            ("contoso/sensor/standard/more", Place::Nowhere),
            ("contoso/tags/standard", Place::Nowhere),
            ("library/alpine/x", Place::Nowhere),
        ] {
            assert_eq!(Place::of(&name.parse().unwrap()), place, "{name}");
        }
    }
}

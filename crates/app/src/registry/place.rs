//! Whose a repository is, read from its name alone (product ruling 4). `incoming/{publisher}/{name…}` belongs to that
//! publisher; `{publisher}/{offer}/{plan}` is written by go-live only; no other name holds anything.

use domain::ids::{OfferName, PlanName, PublisherId};
use oci::RepositoryName;

/// First component of every repository that publishers push to.
pub const INCOMING: &str = "incoming";

/// What kind of repository a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A publisher's own, overwritable, an import source like any other registry.
    Incoming(PublisherId),
    /// The live images of a plan.
    Release(PublisherId),
    /// A legal name under which nothing is ever kept.
    Nowhere,
}

impl Place {
    /// Reads a repository name.
    pub fn of(repository: &RepositoryName) -> Self {
        let parts: Vec<&str> = repository.components().collect();
        match parts.as_slice() {
            [INCOMING, publisher, _, ..] => publisher.parse().map_or(Self::Nowhere, Self::Incoming),
            [publisher, offer, plan] => {
                let named = offer.parse::<OfferName>().is_ok() && plan.parse::<PlanName>().is_ok();
                match publisher.parse() {
                    Ok(publisher) if named => Self::Release(publisher),
                    _ => Self::Nowhere,
                }
            }
            _ => Self::Nowhere,
        }
    }

    /// The publisher whose it is.
    pub fn publisher(&self) -> Option<&PublisherId> {
        match self {
            Self::Incoming(publisher) | Self::Release(publisher) => Some(publisher),
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
        for (name, place) in [
            ("incoming/contoso/sensor", Place::Incoming(contoso.clone())),
            (
                "incoming/contoso/edge/sensor",
                Place::Incoming(contoso.clone()),
            ),
            ("contoso/sensor/standard", Place::Release(contoso)),
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

//! An offer as its publisher edits it: the texts, pictures and links of the listing, and its plans.
//! This is also the shape of `offer.yaml`. Values may be incomplete or wrong here; [`crate::complete`] judges them.

use serde::{Deserialize, Serialize};

use crate::defaults::Defaults;
use crate::ids::{OfferKey, OfferName, PlanName, PublisherId};
use crate::overlay::Overlay;

/// Everything a publisher says about one offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Whose offer it is; never changes.
    pub publisher: PublisherId,
    /// Its name within the publisher; never changes.
    pub offer: OfferName,
    /// What the product page says.
    #[serde(default)]
    pub listing: Listing,
    /// Legal terms, category and kind.
    #[serde(default)]
    pub properties: Properties,
    /// One image repository, one default configuration and one price model each.
    #[serde(default)]
    pub plans: Vec<Plan>,
    /// For the reviewer: test accounts, hardware, anything that helps. Never public.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certification_notes: String,
    /// What trials are told beyond the defaults; in a folder it stands in `certify.yaml`. Never public.
    #[serde(default, skip_serializing_if = "Overlay::is_empty")]
    pub certify: Overlay,
}

impl Offer {
    /// `publisher.offer`.
    pub fn key(&self) -> OfferKey {
        OfferKey {
            publisher: self.publisher.clone(),
            offer: self.offer.clone(),
        }
    }

    /// An offer with nothing filled in yet.
    pub fn empty(key: &OfferKey) -> Self {
        Self {
            publisher: key.publisher.clone(),
            offer: key.offer.clone(),
            listing: Listing::default(),
            properties: Properties::default(),
            plans: Vec::new(),
            certification_notes: String::new(),
            certify: Overlay::default(),
        }
    }
}

/// Texts, pictures, links and contacts of the product page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listing {
    /// At most 200 characters, no emoji; over 50 warns.
    pub title: String,
    /// One sentence for search results, at most 100 characters.
    pub summary: String,
    /// Plain text, at most 256 characters.
    pub short_description: String,
    /// HTML of the allowed subset, at most 5,000 characters; the last paragraph names the minimum hardware.
    /// In a folder it may stand in `description.html` instead.
    pub description: String,
    /// At most 3 words that searchers use.
    pub keywords: Vec<String>,
    /// The four pictures.
    pub logos: Logos,
    /// Where the privacy policy stands.
    pub privacy_policy_url: String,
    /// Where the module's documentation stands.
    pub documentation_url: String,
    /// At most 25 further links.
    pub useful_links: Vec<Link>,
    /// Shown to customers.
    pub support_contact: Contact,
    /// For the operator only; never public.
    pub engineering_contact: Contact,
}

/// The four logos: in a draft each is a media digest (`sha256:…`), in a folder a path such as `logos/40x40.png`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logos {
    /// PNG, 40×40 pixels.
    pub small: String,
    /// PNG, 90×90 pixels.
    pub medium: String,
    /// PNG, 115×115 pixels.
    pub large: String,
    /// PNG, 255×115 pixels.
    pub wide: String,
}

/// One of the four logos of the brief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoSlot {
    /// 40×40.
    Small,
    /// 90×90.
    Medium,
    /// 115×115.
    Large,
    /// 255×115.
    Wide,
}

impl LogoSlot {
    /// All four, smallest first.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Wide];

    /// Width and height in pixels; nothing else is accepted.
    pub fn pixels(self) -> (u32, u32) {
        match self {
            Self::Small => (40, 40),
            Self::Medium => (90, 90),
            Self::Large => (115, 115),
            Self::Wide => (255, 115),
        }
    }

    /// The field name in `offer.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Wide => "wide",
        }
    }
}

impl Logos {
    /// The reference in a slot; empty when none was given.
    pub fn get(&self, slot: LogoSlot) -> &str {
        match slot {
            LogoSlot::Small => &self.small,
            LogoSlot::Medium => &self.medium,
            LogoSlot::Large => &self.large,
            LogoSlot::Wide => &self.wide,
        }
    }

    /// Puts a reference into a slot.
    pub fn set(&mut self, slot: LogoSlot, reference: String) {
        match slot {
            LogoSlot::Small => self.small = reference,
            LogoSlot::Medium => self.medium = reference,
            LogoSlot::Large => self.large = reference,
            LogoSlot::Wide => self.wide = reference,
        }
    }
}

/// A titled address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the reader will find.
    pub title: String,
    /// `http://` or `https://`.
    pub url: String,
}

/// Someone to reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contact {
    /// A person or a role.
    pub name: String,
    /// A mail address.
    pub email: String,
    /// A telephone number.
    pub phone: String,
    /// A web page; required for support, unused for engineering.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// Category, legal terms and kind of the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Properties {
    /// At most 2 of [`crate::taxonomy::SUBCATEGORIES`], below *Internet of Things › IoT Edge modules*.
    pub categories: Vec<String>,
    /// What the module does with messages; decides which behaviour rules apply.
    pub kind: ModuleKind,
    /// For a companion: the module (`publisher.offer`) it serves.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub companion_of: String,
    /// Terms of use.
    pub terms: Terms,
    /// The licence of what is inside the image, as an SPDX expression or a name.
    pub licence: String,
    /// Which platforms are promised.
    pub platforms: PlatformOption,
}

/// What a module does with messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleKind {
    /// Produces messages.
    #[default]
    Source,
    /// Takes messages in and sends some out.
    Filter,
    /// Takes messages in.
    Sink,
    /// Speaks no edge protocol itself, serves a named module.
    Companion,
}

/// Terms of use: the marketplace's standard contract, or the publisher's own text or address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Use the standard contract. Once live with it, an offer cannot leave it.
    pub standard_contract: bool,
    /// Own terms as plain text; any length up to 100,000 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Own terms at an address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// The platform promise of an offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformOption {
    /// Every platform that the matrix requires.
    #[default]
    All,
    /// At least one of them; allowed only where the operator's policy says so.
    Any,
}

/// A SKU: one image repository, one default configuration, one price model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name within the offer; never changes.
    pub plan: PlanName,
    /// At most 50 characters, unique within the offer.
    #[serde(default)]
    pub title: String,
    /// At most 100 characters, about the plan.
    #[serde(default)]
    pub summary: String,
    /// HTML of the allowed subset, at most 2,000 characters.
    #[serde(default)]
    pub description: String,
    /// Unlisted, yet still pullable and deployable.
    #[serde(default)]
    pub hidden: bool,
    /// What it costs.
    #[serde(default)]
    pub price: Price,
    /// Where the image comes from.
    #[serde(default)]
    pub image: ImageSource,
    /// Platforms the publisher says the image has, such as `linux/arm64`.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// What the module starts with.
    #[serde(default)]
    pub defaults: Defaults,
    /// Names of the inputs the module reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Names of the outputs the module writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What changed in the newest version; plain text, at most 5,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub release_notes: String,
}

/// The price model of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "lowercase", deny_unknown_fields)]
pub enum Price {
    /// Nothing to pay.
    #[default]
    Free,
    /// The right to use it is bought from the publisher.
    Byol {
        /// How a customer gets and enters a licence; at most 2,000 characters.
        #[serde(default)]
        licence_instructions: String,
    },
    /// Free with restrictions: an ordinary publication.
    Freemium {
        /// What is held back; at most 2,000 characters.
        #[serde(default)]
        restrictions: String,
    },
}

impl Price {
    /// The word in addresses, facets and files.
    pub fn model(&self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Byol { .. } => "byol",
            Self::Freemium { .. } => "freemium",
        }
    }
}

/// Where the publisher's image stands. Credentials are kept elsewhere, encrypted, and never appear here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageSource {
    /// Host with optional port; empty means this marketplace's own `incoming/…`.
    pub registry: String,
    /// Repository within that registry; set once.
    pub repository: String,
    /// Tags to copy: `latest`, at least one `X.Y.Z`, and any `X.Y…` or `X.Y.Z-suffix`.
    pub tags: Vec<String>,
    /// Copy the images of the plan's declared platforms only; else of all that the index lists.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub declared_only: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_offer_reads_back_as_written() {
        let offer = Offer::empty(&"contoso.sensor".parse().unwrap());
        let text = serde_json::to_string(&offer).unwrap();
        assert_eq!(serde_json::from_str::<Offer>(&text).unwrap(), offer);
    }

    #[test]
    fn unknown_fields_are_refused_by_name() {
        let error = serde_json::from_str::<Offer>(r#"{"publisher":"a","offer":"b","titel":"x"}"#)
            .unwrap_err();
        assert!(error.to_string().contains("titel"), "{error}");
    }

    #[test]
    fn prices_are_tagged_by_model() {
        let price: Price =
            serde_json::from_str(r#"{"model":"byol","licence_instructions":"ask"}"#).unwrap();
        assert_eq!(price.model(), "byol");
        assert_eq!(
            serde_json::from_str::<Price>(r#"{"model":"free"}"#).unwrap(),
            Price::Free
        );
    }
}

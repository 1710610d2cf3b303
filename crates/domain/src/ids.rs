//! Names of publishers, offers and plans: the ids that stand in addresses and image names.
//! They never change and are never used twice; a transfer changes the owner, not the id.

use serde::{Deserialize, Serialize};

/// Longest id, in characters. Three of them and two slashes stay far below the 255 of an image name.
pub const ID_CHARS_MAX: usize = 50;

/// Words that the registry's own routes use; no publisher, offer or plan may be called so.
pub const RESERVED: &[&str] = &[
    "v1",
    "v2",
    "api",
    "namespaces",
    "repositories",
    "search",
    "library",
    "tags",
    "manifests",
    "blobs",
    "referrers",
    "uploads",
    "list",
    "incoming",
];

/// Words that the portal's own addresses use below `/publish/` and `/publish/{publisher}/`. They are legal ids, so
/// they are refused for new publishers and offers where those are made.
pub const PORTAL_WORDS: &[&str] = &[
    "guide",
    "leads",
    "members",
    "new",
    "offers",
    "profile",
    "submissions",
];

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id is 1 to {ID_CHARS_MAX} characters; nothing was given")]
    Empty,
    /// Longer than [`ID_CHARS_MAX`].
    #[error("an id is at most {ID_CHARS_MAX} characters; `{0}` has {1}")]
    TooLong(String, usize),
    /// Outside `[a-z0-9]+((_|__|-+)[a-z0-9]+)*`.
    #[error(
        "an id is made of lower-case letters and digits, joined by `-`, `_` or `__`; `{0}` is not"
    )]
    Grammar(String),
    /// One of [`RESERVED`].
    #[error("`{0}` is reserved for the registry; choose another id")]
    Reserved(String),
}

/// Checks the id grammar `^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$`, the length and the reserved words.
pub fn check_id(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    let shown = || text.chars().take(ID_CHARS_MAX + 10).collect::<String>();
    let count = text.chars().count();
    if count > ID_CHARS_MAX {
        return Err(IdError::TooLong(shown(), count));
    }
    if !is_image_name_part(text) {
        return Err(IdError::Grammar(shown()));
    }
    if RESERVED.contains(&text) {
        return Err(IdError::Reserved(text.to_owned()));
    }
    Ok(())
}

fn is_image_name_part(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut separators = text
        .split(alphanumeric)
        .filter(|separator| !separator.is_empty());
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && separators.all(|s| s == "_" || s == "__" || s.chars().all(|c| c == '-'))
}

/// The form under which two ids look alike: separators dropped, digits that pass for letters folded.
/// A new publisher whose skeleton equals another's needs an operator.
pub fn skeleton(id: &str) -> String {
    id.replace("rn", "m")
        .replace("vv", "w")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            '5' => 's',
            other => other,
        })
        .collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check_id(text).map(|()| Self(text.to_owned()))
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check_id(&text).map(|()| Self(text))
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// The id of a publisher, such as `contoso`.
    PublisherId
);
id!(
    /// The id of an offer, unique within its publisher.
    OfferName
);
id!(
    /// The id of a plan, unique within its offer.
    PlanName
);

/// `publisher.offer`: the key of a module everywhere a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfferKey {
    /// Whose offer it is.
    pub publisher: PublisherId,
    /// Its name within the publisher.
    pub offer: OfferName,
}

/// Why a text is no `publisher.offer`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferKeyError {
    /// No separator.
    #[error("a module is named `publisher.offer` or `publisher/offer`; `{0}` is neither")]
    Shape(String),
    /// A part is no id.
    #[error(transparent)]
    Id(#[from] IdError),
}

impl std::fmt::Display for OfferKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.publisher, self.offer)
    }
}

impl std::str::FromStr for OfferKey {
    type Err = OfferKeyError;
    fn from_str(text: &str) -> Result<Self, OfferKeyError> {
        let (publisher, offer) = text
            .split_once(['.', '/'])
            .ok_or_else(|| OfferKeyError::Shape(text.chars().take(120).collect()))?;
        Ok(Self {
            publisher: publisher.parse()?,
            offer: offer.parse()?,
        })
    }
}
impl TryFrom<String> for OfferKey {
    type Error = OfferKeyError;
    fn try_from(text: String) -> Result<Self, OfferKeyError> {
        text.parse()
    }
}
impl From<OfferKey> for String {
    fn from(key: OfferKey) -> Self {
        key.to_string()
    }
}

impl OfferKey {
    /// The repository that serves a plan's live images: `{publisher}/{offer}/{plan}`.
    pub fn repository(&self, plan: &PlanName) -> String {
        format!("{}/{}/{}", self.publisher, self.offer, plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_legal_image_name_parts() {
        for good in [
            "a",
            "contoso",
            "a-b",
            "a--b",
            "a_b",
            "a__b",
            "7",
            &"a".repeat(50),
        ] {
            assert!(check_id(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "a___b",
            "a_-b",
            "A",
            "a.b",
            "a/b",
            "ä",
            "a b",
            "a\0b",
            "..",
            &"a".repeat(51),
        ] {
            assert!(check_id(bad).is_err(), "{bad}");
        }
        assert_eq!(
            check_id("incoming"),
            Err(IdError::Reserved("incoming".into()))
        );
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        assert_eq!(skeleton("c0nt0so"), skeleton("contoso"));
        assert_eq!(skeleton("con-toso"), skeleton("contoso"));
        assert_eq!(skeleton("fabrikarn"), skeleton("fabrikam"));
        assert_ne!(skeleton("contoso"), skeleton("fabrikam"));
    }

    #[test]
    fn offer_keys_accept_dot_and_slash() {
        let dotted: OfferKey = "contoso.sensor".parse().unwrap();
        assert_eq!(dotted, "contoso/sensor".parse().unwrap());
        assert_eq!(dotted.to_string(), "contoso.sensor");
        assert!("contoso".parse::<OfferKey>().is_err());
        assert!("a.b.c".parse::<OfferKey>().is_err());
    }
}

//! The plain sections of an offer (listing, links and contacts, properties): which fields they show, and how what was
//! sent goes back into the draft. Everything of the right shape is kept, complete or not.

use domain::complete as limits;
use domain::offer::{Contact, Link, ModuleKind, Offer, PlatformOption, Terms};
use domain::taxonomy::SUBCATEGORIES;

use crate::fields::{Field, read_pairs};
use crate::form::Form;
use crate::messages::{t, word};
use crate::pieces::Choice;

/// A section that is one form of plain fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Listing,
    Links,
    Properties,
}

/// What a module can be.
const KINDS: [(ModuleKind, &str); 4] = [
    (ModuleKind::Source, "source"),
    (ModuleKind::Filter, "filter"),
    (ModuleKind::Sink, "sink"),
    (ModuleKind::Companion, "companion"),
];

/// Words separated by commas or line ends.
pub(super) fn words(text: &str) -> Vec<String> {
    let parts = text.split([',', '\n']).map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A choice out of a closed set whose words are in the table `table` and whose details in `table_help`.
pub(super) fn choice(
    value: &str,
    label: impl Into<String>,
    detail: impl Into<String>,
    selected: bool,
) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.into(),
        detail: detail.into(),
        selected,
    }
}

impl Section {
    /// By its word in the address.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "listing" => Some(Self::Listing),
            "links" => Some(Self::Links),
            "properties" => Some(Self::Properties),
            _ => None,
        }
    }

    /// Its word in the address.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Links => "links",
            Self::Properties => "properties",
        }
    }

    /// One sentence on what belongs here.
    pub(super) fn lead(self) -> &'static str {
        match self {
            Self::Listing => t("offer.listing_lead"),
            Self::Links => t("offer.links_lead"),
            Self::Properties => t("offer.properties_lead"),
        }
    }

    /// Its fields, filled from a draft.
    pub(super) fn fields(self, offer: &Offer) -> Vec<Field> {
        match self {
            Self::Listing => listing(offer),
            Self::Links => links(offer),
            Self::Properties => properties(offer),
        }
    }

    /// Puts what was sent into the draft.
    pub(super) fn apply(self, offer: &mut Offer, form: &Form) {
        match self {
            Self::Listing => apply_listing(offer, form),
            Self::Links => apply_links(offer, form),
            Self::Properties => apply_properties(offer, form),
        }
    }
}

fn listing(offer: &Offer) -> Vec<Field> {
    let listing = &offer.listing;
    vec![
        Field::text("listing.title", t("offer.title"), &listing.title)
            .max(limits::TITLE_CHARS_MAX)
            .required()
            .help(t("offer.title_help")),
        Field::text("listing.summary", t("offer.summary"), &listing.summary)
            .max(limits::SUMMARY_CHARS_MAX)
            .required()
            .help(t("offer.summary_help")),
        Field::area(
            "listing.short_description",
            t("offer.short_description"),
            &listing.short_description,
            3,
        )
        .max(limits::SHORT_DESCRIPTION_CHARS_MAX)
        .required()
        .help(t("offer.short_description_help")),
        Field::area(
            "listing.description",
            t("offer.description"),
            &listing.description,
            14,
        )
        .max(limits::DESCRIPTION_CHARS_MAX)
        .required()
        .mono()
        .help(t("offer.description_help")),
        Field::text(
            "listing.keywords",
            t("offer.keywords"),
            listing.keywords.join(", "),
        )
        .help(t("offer.keywords_help")),
    ]
}

fn apply_listing(offer: &mut Offer, form: &Form) {
    let listing = &mut offer.listing;
    listing.title = form.text("listing.title");
    listing.summary = form.text("listing.summary");
    listing.short_description = form.text("listing.short_description");
    listing.description = form.text("listing.description");
    listing.keywords = words(&form.text("listing.keywords"));
}

fn contact(prefix: &str, contact: &Contact, with_url: bool) -> Vec<Field> {
    let name = |part: &str| format!("{prefix}.{part}");
    let mut fields = vec![
        Field::text(&name("name"), t("offer.contact_name"), &contact.name).required(),
        Field::input(
            "email",
            &name("email"),
            t("offer.contact_email"),
            &contact.email,
        )
        .required(),
        Field::input(
            "tel",
            &name("phone"),
            t("offer.contact_phone"),
            &contact.phone,
        )
        .required(),
    ];
    if with_url {
        fields.push(
            Field::input("url", &name("url"), t("offer.contact_url"), &contact.url).required(),
        );
    }
    fields
}

fn read_contact(prefix: &str, form: &Form, into: &mut Contact, with_url: bool) {
    into.name = form.text(&format!("{prefix}.name"));
    into.email = form.text(&format!("{prefix}.email"));
    into.phone = form.text(&format!("{prefix}.phone"));
    if with_url {
        into.url = form.text(&format!("{prefix}.url"));
    }
}

fn links(offer: &Offer) -> Vec<Field> {
    let listing = &offer.listing;
    let useful = listing
        .useful_links
        .iter()
        .map(|link| (link.title.clone(), link.url.clone()));
    let mut fields = vec![
        Field::input(
            "url",
            "listing.privacy_policy_url",
            t("offer.privacy"),
            &listing.privacy_policy_url,
        )
        .required()
        .placeholder("https://"),
        Field::input(
            "url",
            "listing.documentation_url",
            t("offer.documentation"),
            &listing.documentation_url,
        )
        .required()
        .placeholder("https://")
        .help(t("offer.documentation_help")),
        Field::pairs(
            "listing.useful_links",
            t("offer.useful_links"),
            (t("offer.link_title"), t("offer.link_url")),
            useful,
        )
        .help(t("offer.useful_links_help")),
        Field::heading(t("offer.support"), t("offer.support_help")),
    ];
    fields.extend(contact(
        "listing.support_contact",
        &listing.support_contact,
        true,
    ));
    fields.push(Field::heading(
        t("offer.engineering"),
        t("offer.engineering_help"),
    ));
    fields.extend(contact(
        "listing.engineering_contact",
        &listing.engineering_contact,
        false,
    ));
    fields
}

fn apply_links(offer: &mut Offer, form: &Form) {
    let listing = &mut offer.listing;
    listing.privacy_policy_url = form.text("listing.privacy_policy_url");
    listing.documentation_url = form.text("listing.documentation_url");
    let rows = read_pairs(form, "listing.useful_links").into_iter();
    listing.useful_links = rows
        .map(|(title, url)| Link {
            title,
            url: url.trim().to_owned(),
        })
        .collect();
    read_contact(
        "listing.support_contact",
        form,
        &mut listing.support_contact,
        true,
    );
    read_contact(
        "listing.engineering_contact",
        form,
        &mut listing.engineering_contact,
        false,
    );
}

fn properties(offer: &Offer) -> Vec<Field> {
    let properties = &offer.properties;
    let categories = SUBCATEGORIES.iter().map(|category| {
        choice(
            category.id,
            category.title,
            "",
            properties.categories.iter().any(|id| id == category.id),
        )
    });
    let kinds = KINDS.iter().map(|(kind, id)| {
        choice(
            id,
            word("module_kind", id),
            word("module_kind_help", id),
            properties.kind == *kind,
        )
    });
    let platforms =
        [(PlatformOption::All, "all"), (PlatformOption::Any, "any")].map(|(option, id)| {
            choice(
                id,
                word("platform_option", id),
                word("platform_option_help", id),
                properties.platforms == option,
            )
        });
    let mut fields = vec![
        Field::choose(
            "checkbox",
            "properties.categories",
            t("offer.categories"),
            categories.collect(),
        )
        .help(t("offer.categories_help")),
        Field::choose("radio", "properties.kind", t("offer.kind"), kinds.collect()),
        Field::text(
            "properties.companion_of",
            t("offer.companion_of"),
            &properties.companion_of,
        )
        .placeholder("publisher.offer")
        .help(t("offer.companion_of_help")),
    ];
    fields.extend(terms(&properties.terms));
    fields.extend([
        Field::text(
            "properties.licence",
            t("offer.licence"),
            &properties.licence,
        )
        .max(limits::LICENCE_CHARS_MAX)
        .required()
        .help(t("offer.licence_help")),
        Field::choose(
            "radio",
            "properties.platforms",
            t("offer.platforms"),
            platforms.to_vec(),
        ),
    ]);
    fields
}

/// Which terms of use, and the own ones.
fn terms(terms: &Terms) -> Vec<Field> {
    let chosen = match (
        terms.standard_contract,
        terms.text.is_empty(),
        terms.url.is_empty(),
    ) {
        (true, _, _) => "standard",
        (false, false, _) => "text",
        (false, true, false) => "url",
        _ => "",
    };
    let own = ["standard", "text", "url"].map(|id| {
        choice(
            id,
            word("terms_kind", id),
            word("terms_kind_help", id),
            chosen == id,
        )
    });
    vec![
        Field::choose("radio", "properties.terms", t("offer.terms"), own.to_vec()),
        Field::area(
            "properties.terms.text",
            t("offer.terms_text"),
            &terms.text,
            6,
        )
        .max(limits::TERMS_CHARS_MAX),
        Field::input(
            "url",
            "properties.terms.url",
            t("offer.terms_url"),
            &terms.url,
        )
        .placeholder("https://"),
    ]
}

fn apply_properties(offer: &mut Offer, form: &Form) {
    let properties = &mut offer.properties;
    properties.categories = form
        .all("properties.categories")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let kind = KINDS
        .iter()
        .find(|(_, id)| *id == form.get("properties.kind"));
    properties.kind = kind.map_or(properties.kind, |(kind, _)| *kind);
    properties.companion_of = form.text("properties.companion_of");
    let chosen = form.get("properties.terms");
    let terms = &mut properties.terms;
    terms.standard_contract = chosen == "standard";
    let own = |wanted: &str, name: &str| {
        if chosen == wanted {
            form.text(name)
        } else {
            String::new()
        }
    };
    terms.text = own("text", "properties.terms.text");
    terms.url = own("url", "properties.terms.url");
    properties.licence = form.text("properties.licence");
    properties.platforms = match form.get("properties.platforms") {
        "any" => PlatformOption::Any,
        _ => PlatformOption::All,
    };
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_separated_by_commas_or_lines() {
        assert_eq!(words(" a, b\nc ,,\n"), ["a", "b", "c"]);
        assert!(words(" , ").is_empty());
    }
}

//! Values that the lists inside the template pieces are made of.
//!
//! The macros in `templates/pieces/` take plain strings and numbers; where one takes a list, its
//! items need the fields named here. Askama checks fields by name, so any struct with the same
//! fields will do as well; these save writing it.

/// An entry of a trail (`breadcrumbs`) or of a set of tabs.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Text.
    pub label: String,
    /// Address; empty for the page one is on.
    pub href: String,
    /// How many things are behind it; shown when set.
    pub count: Option<u64>,
    /// Whether it is the page one is on.
    pub current: bool,
}

/// One thing to choose in a select, a radio group or a list of check boxes.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// One more line for radio groups and check boxes; may be empty.
    pub detail: String,
    /// Whether it is chosen.
    pub selected: bool,
}

/// One value of a facet, with the number of results it would leave.
#[derive(Clone, Debug, Default)]
pub struct FacetValue {
    /// Value of the query parameter.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// Results with this value.
    pub count: u64,
    /// Whether it is chosen.
    pub selected: bool,
}

/// A chosen filter above the results and the address of the page without it.
#[derive(Clone, Debug, Default)]
pub struct ChosenFilter {
    /// `Platform: linux/arm64`
    pub label: String,
    /// The same search without this filter.
    pub remove_href: String,
}

/// One platform slot of a module card.
#[derive(Clone, Debug, Default)]
pub struct PlatformSlot {
    /// `arm64`
    pub label: String,
    /// Whether the module has it; an absent one is greyed in its place.
    pub present: bool,
}

/// One step of a submission.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// `Certification`
    pub name: String,
    /// `done`, `current`, `failed`, `waiting` or `skipped`.
    pub state: String,
    /// How long it took or has taken, `12 s`; empty before it starts.
    pub duration: String,
    /// How long it usually takes, `20 s`; empty where unknown.
    pub expected: String,
    /// Why it failed or what it waits for; shown right there.
    pub reason: String,
}

/// One line of a comparison.
#[derive(Clone, Debug, Default)]
pub struct DiffLine {
    /// `added`, `removed`, `changed`, `same` or `folded`.
    pub kind: String,
    /// The line before; empty for `added` and `folded`.
    pub before: String,
    /// The line after; empty for `removed` and `folded`.
    pub after: String,
    /// How many unchanged lines a `folded` line stands for.
    pub count: u64,
}

/// One section of the portal's rail.
#[derive(Clone, Debug, Default)]
pub struct RailItem {
    /// `Listing`
    pub label: String,
    /// Address of the section.
    pub href: String,
    /// `complete`, `incomplete`, `not_started` or `attention`.
    pub state: String,
    /// Whether it is the section one is in.
    pub current: bool,
}

/// One mistake in a form, linked from the summary above it.
#[derive(Clone, Debug, Default)]
pub struct FieldError {
    /// The field's `name`.
    pub field: String,
    /// What, where, limit, fix.
    pub message: String,
}

/// One row of a list of terms and values.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    /// The term.
    pub label: String,
    /// The value.
    pub value: String,
}

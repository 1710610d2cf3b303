//! A form as data: its fields with label, limit, help and value, drawn by `templates/pieces/fields.html`. Built from what
//! is kept, filled again from what was sent when it is refused, and blamed with the violations that the use-case found.
//! A field's name is the name that violations use, so each mistake lands where it was made.
//!
//! Left out: what the limits are (`domain` says) and whether a value keeps them (the use-case says).

use std::collections::BTreeMap;

use domain::violation::Violation;

use crate::form::Form;
use crate::messages::{t, t1, t2, t3};
use crate::pieces::{Choice, FieldError};

/// Empty rows shown below the filled ones of a list.
const SPARE_ROWS: usize = 2;

/// One row of a list of named values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    /// Left side.
    pub(crate) name: String,
    /// Right side.
    pub(crate) value: String,
}

/// One field of a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    /// What the template draws: an input type, or `area`, `select`, `radio`, `checkbox` (a list of boxes), `check` (one
    /// box), `pairs`, `file`, `heading`, `hidden`.
    pub(crate) kind: &'static str,
    /// Name in the form; also the name in violations.
    pub(crate) name: String,
    /// Above the field.
    pub(crate) label: String,
    /// What stands in it.
    pub(crate) value: String,
    /// Below it.
    pub(crate) help: String,
    /// What is wrong with it.
    pub(crate) error: String,
    /// Most characters; 0 shows no counter.
    pub(crate) max: usize,
    /// Height of an area.
    pub(crate) rows: u32,
    /// The browser insists on it.
    pub(crate) required: bool,
    /// Set as code.
    pub(crate) mono: bool,
    /// For browsers and password stores.
    pub(crate) autocomplete: &'static str,
    /// Grey example.
    pub(crate) placeholder: &'static str,
    /// What can be chosen.
    pub(crate) choices: Vec<Choice>,
    /// Whether the one box is ticked.
    pub(crate) checked: bool,
    /// Rows of a list.
    pub(crate) pairs: Vec<Pair>,
    /// Headings of the two columns of a list.
    pub(crate) columns: (&'static str, &'static str),
}

impl Field {
    fn new(kind: &'static str, name: &str, label: &str, value: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.into(),
            rows: 5,
            ..Self::default()
        }
    }

    /// One line of text.
    pub(crate) fn text(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self::new("text", name, label, value)
    }

    /// One line of another input type: `email`, `url`, `password`, `number`.
    pub(crate) fn input(
        kind: &'static str,
        name: &str,
        label: &str,
        value: impl Into<String>,
    ) -> Self {
        Self::new(kind, name, label, value)
    }

    /// Several lines.
    pub(crate) fn area(name: &str, label: &str, value: impl Into<String>, rows: u32) -> Self {
        Self {
            rows,
            ..Self::new("area", name, label, value)
        }
    }

    /// One of several: `select` or `radio`; any number of several: `checkbox`.
    pub(crate) fn choose(
        kind: &'static str,
        name: &str,
        label: &str,
        choices: Vec<Choice>,
    ) -> Self {
        Self {
            choices,
            ..Self::new(kind, name, label, "")
        }
    }

    /// One box to tick.
    pub(crate) fn check(name: &str, label: &str, checked: bool) -> Self {
        Self {
            checked,
            ..Self::new("check", name, label, "yes")
        }
    }

    /// A file to upload.
    pub(crate) fn file(name: &str, label: &str) -> Self {
        Self::new("file", name, label, "")
    }

    /// Not shown.
    pub(crate) fn hidden(name: &str, value: impl Into<String>) -> Self {
        Self::new("hidden", name, "", value)
    }

    /// A heading between fields, with a sentence.
    pub(crate) fn heading(label: &str, help: &str) -> Self {
        Self::new("heading", "", label, "").help(help)
    }

    /// A list of named values, with spare rows.
    pub(crate) fn pairs(
        name: &str,
        label: &str,
        columns: (&'static str, &'static str),
        given: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut pairs: Vec<Pair> = given
            .into_iter()
            .map(|(name, value)| Pair { name, value })
            .collect();
        pairs.resize_with(pairs.len() + SPARE_ROWS, Pair::default);
        Self {
            pairs,
            columns,
            ..Self::new("pairs", name, label, "")
        }
    }

    /// With a sentence below.
    pub(crate) fn help(mut self, help: &str) -> Self {
        help.clone_into(&mut self.help);
        self
    }

    /// With a counter.
    pub(crate) fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// The browser insists on it.
    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Set as code.
    pub(crate) fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// With a word for password stores.
    pub(crate) fn autocomplete(mut self, word: &'static str) -> Self {
        self.autocomplete = word;
        self
    }

    /// With a grey example.
    pub(crate) fn placeholder(mut self, example: &'static str) -> Self {
        self.placeholder = example;
        self
    }

    fn refill(&mut self, form: &Form) {
        match self.kind {
            // A secret is never sent back to the page.
            "password" | "file" | "heading" | "hidden" => {}
            "select" | "radio" | "checkbox" => {
                let given = form.all(&self.name);
                for choice in &mut self.choices {
                    choice.selected = given.contains(&choice.value.as_str());
                }
            }
            "check" => self.checked = form.ticked(&self.name),
            "pairs" => {
                let given = read_pairs(form, &self.name);
                let columns = self.columns;
                *self = Self::pairs(&self.name, &self.label, columns, given).help(&self.help);
            }
            _ => self.value = form.get(&self.name).replace("\r\n", "\n"),
        }
    }
}

/// The rows of a list as they were sent, without the empty ones.
pub(crate) fn read_pairs(form: &Form, name: &str) -> Vec<(String, String)> {
    let prefix = format!("{name}[");
    let mut rows: BTreeMap<usize, (String, String)> = BTreeMap::new();
    for (rest, value) in form.starting(&prefix) {
        let Some((index, part)) = rest.split_once("].") else {
            continue;
        };
        let Ok(index) = index.parse::<usize>() else {
            continue;
        };
        let row = rows.entry(index).or_default();
        let value = value.replace("\r\n", "\n");
        match part {
            "name" => value.trim().clone_into(&mut row.0),
            "value" => row.1 = value,
            _ => {}
        }
    }
    let given = rows.into_values();
    given
        .filter(|(name, value)| !name.is_empty() || !value.trim().is_empty())
        .collect()
}

/// Shows again what was sent.
pub(crate) fn refill(fields: &mut [Field], form: &Form) {
    for field in fields {
        field.refill(form);
    }
}

/// What a violation says, as one sentence for its field.
pub(crate) fn sentence(violation: &Violation) -> String {
    let found = match violation.found.as_str() {
        "" => t("form.nothing"),
        found => found,
    };
    t3(
        "form.mistake",
        capital(&violation.limit),
        found,
        capital(&violation.fix),
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// How well a field's name covers a violation's: its length, or nothing.
fn covers(field: &str, blamed: &str) -> Option<usize> {
    let rest = blamed.strip_prefix(field)?;
    let whole = rest.is_empty() || rest.starts_with(['.', '[', '/']);
    (whole && !field.is_empty()).then_some(field.len())
}

/// The place within a field as people count: `[1].url` is `row 2, url`.
fn within(deeper: &str) -> String {
    let row = deeper
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let counted = row.and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest)));
    match counted {
        Some((index, "")) => t1("form.row", index + 1),
        Some((index, rest)) => format!(
            "{}, {}",
            t1("form.row", index + 1),
            rest.trim_start_matches('.')
        ),
        None => deeper.to_owned(),
    }
}

/// Puts every violation below the field that it names and returns the list for the top of the form. Names in violations
/// may begin with `prefix`. Warnings become help. One that names no field here stands in the list alone.
pub(crate) fn blame(
    fields: &mut [Field],
    violations: &[Violation],
    prefix: &str,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for violation in violations {
        let blamed = violation
            .field
            .strip_prefix(prefix)
            .unwrap_or(&violation.field);
        let best = fields
            .iter_mut()
            .filter_map(|field| Some((covers(&field.name, blamed)?, field)))
            .max_by_key(|(length, _)| *length);
        let mut said = sentence(violation);
        let Some((length, field)) = best else {
            if violation.is_error() {
                errors.push(FieldError {
                    field: String::new(),
                    message: said,
                });
            }
            continue;
        };
        let deeper = blamed[length..].trim_start_matches('.');
        if !deeper.is_empty() {
            said = t2("form.at", within(deeper), said);
        }
        let place = if violation.is_error() {
            &mut field.error
        } else {
            &mut field.help
        };
        if !place.is_empty() {
            place.push(' ');
        }
        place.push_str(&said);
        if violation.is_error() {
            errors.push(FieldError {
                field: field.name.clone(),
                message: t2("form.at", &field.label, said),
            });
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(field: &str) -> Violation {
        Violation::error(field, "at most 5 characters", "7 characters", "shorten it")
    }

    #[test]
    fn a_mistake_lands_at_the_nearest_field() {
        let mut fields = vec![
            Field::text("image", "Image", ""),
            Field::text("image.tags", "Tags", ""),
            Field::text("image.tag", "Tag", ""),
        ];
        let errors = blame(
            &mut fields,
            &[violation("plans.a.image.tags[1]")],
            "plans.a.",
        );
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "image.tags");
        assert!(
            fields[1].error.starts_with("row 2: At most 5 characters"),
            "{}",
            fields[1].error
        );
        assert!(fields[0].error.is_empty() && fields[2].error.is_empty());
    }

    #[test]
    fn a_mistake_of_no_field_is_still_told() {
        let mut fields = vec![Field::text("title", "Title", "")];
        let errors = blame(&mut fields, &[violation("titles")], "");
        assert_eq!(errors.len(), 1);
        assert!(fields[0].error.is_empty());
    }
}

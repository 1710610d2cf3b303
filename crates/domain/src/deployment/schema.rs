//! Shapes of JSON and how a value is held against one: the few rules that the published schemas of deployments
//! use, as typed values (edge-runtime fact sheet §4.1, §4.2).
//!
//! The shapes themselves are in [`super::sections`] and [`super::envelope`].

use serde_json::{Map, Value};

use super::document::is_variable;
use super::validate::Problem;
use crate::create_options::escape;
use crate::defaults::kind_of;
use crate::violation::Level;

/// What a value must be.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// Any object, whatever is in it.
    Members,
    /// A string.
    Text,
    /// A string of one line with at least one character.
    Filled,
    /// A string without white space and not empty.
    NoBlanks,
    /// One of some words.
    Word(&'static [&'static str]),
    /// An integer between two, both allowed.
    Whole(i64, i64),
    /// A number, a string or a boolean.
    Scalar,
    /// A string that contains a version number.
    Version(&'static str),
    /// An object of a shape.
    Object(Shape),
    /// An array of values under one rule.
    Items(Box<Rule>),
    /// A string, or else what the other rule says.
    FilledOr(Box<Rule>),
    /// A string or any object.
    TextOrMembers,
}

/// Members an object has or may have.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) required: &'static [&'static str],
    pub(super) fields: Vec<(&'static str, Rule)>,
    /// Rule of other members whose name fits.
    pub(super) named: Option<(Name, Box<Rule>)>,
    /// Whether members that neither field nor name covers are allowed.
    pub(super) open: bool,
}

/// What a member's name must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name {
    /// Not empty.
    Filled,
    /// `^[a-zA-Z0-9_-]+$`
    Module,
    /// No `+ # $ .` and no white space.
    Variable,
    /// No `. $ #` and no blank.
    Plain,
    /// No `. #` and no blank, so that a variable may stand there.
    PlainOrVariable,
    /// `createOptions` and its pieces, as the schemas spell them.
    Piece,
}

impl Name {
    pub(super) fn fits(self, name: &str) -> bool {
        let holds = |forbidden: &str| name.chars().any(|c| forbidden.contains(c));
        match self {
            Self::Module => {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            }
            Self::Variable => {
                !name.is_empty() && !holds("+#$.") && !name.chars().any(char::is_whitespace)
            }
            Self::Filled => !name.is_empty() && !name.contains('\n'),
            Self::Plain => !name.is_empty() && !holds(".$# "),
            Self::PlainOrVariable => !name.is_empty() && !holds(".# "),
            Self::Piece => {
                let number = name
                    .strip_prefix("createOptions")
                    .or_else(|| name.strip_prefix("createoptions"));
                number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
            }
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Filled => "a name that is not empty",
            Self::Module => "a name of letters, digits, `_` and `-`",
            Self::Variable => "a name without `+`, `#`, `$`, `.` and white space",
            Self::Plain => "a name without `.`, `$`, `#` and blanks",
            Self::PlainOrVariable => "a name without `.`, `#` and blanks",
            Self::Piece => "image, createOptions, or createOptions01 to createOptions99",
        }
    }
}

/// Holds values against rules and collects what does not fit.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) problems: Vec<Problem>,
    /// Whether `${VARIABLES}` may stand for words, numbers and versions. The published template schemas do not
    /// know that a tool will replace them; refusing them would refuse every template that uses them there.
    pub(super) variables: bool,
}

impl Checker {
    pub(super) fn check(&mut self, value: &Value, rule: &Rule, pointer: &str) {
        let text = value.as_str();
        if self.variables
            && text.is_some_and(is_variable)
            && matches!(rule, Rule::Word(_) | Rule::Whole(..) | Rule::Version(_))
        {
            return;
        }
        match rule {
            Rule::Object(shape) => match value.as_object() {
                Some(members) => self.shape(members, shape, pointer),
                None => self.mismatch(value, "an object", pointer),
            },
            Rule::Items(rule) => match value.as_array() {
                Some(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.check(item, rule, &format!("{pointer}/{index}"));
                    }
                }
                None => self.mismatch(value, "an array", pointer),
            },
            Rule::FilledOr(rule) => {
                let rule = if value.is_string() {
                    &Rule::Filled
                } else {
                    rule
                };
                self.check(value, rule, pointer);
            }
            plain => {
                if let Some(wanted) = unmet(value, plain) {
                    self.mismatch(value, &wanted, pointer);
                }
            }
        }
    }

    pub(super) fn shape(&mut self, members: &Map<String, Value>, shape: &Shape, pointer: &str) {
        for name in shape.required {
            if !members.contains_key(*name) {
                self.problems.push(Problem {
                    level: Level::Error,
                    pointer: pointer.to_owned(),
                    what: format!("{name} is missing"),
                    expected: format!("the members {}", shape.required.join(", ")),
                    fix: format!("add {name}"),
                    code: "schema.required",
                });
            }
        }
        for (name, value) in members {
            let pointer = format!("{pointer}/{}", escape(name));
            let field = shape.fields.iter().find(|(field, _)| field == name);
            match (field, &shape.named) {
                (Some((_, rule)), _) => self.check(value, rule, &pointer),
                (None, Some((kind, rule))) if kind.fits(name) => self.check(value, rule, &pointer),
                _ if shape.open => {}
                (None, named) => {
                    let mut known: Vec<&str> =
                        shape.fields.iter().map(|(field, _)| *field).collect();
                    known.extend(named.iter().map(|(kind, _)| kind.wanted()));
                    self.problems.push(Problem {
                        level: Level::Error,
                        pointer,
                        what: format!("{name:?} has no place here"),
                        expected: known.join(", "),
                        fix: "check the spelling, or remove it".into(),
                        code: if shape.fields.is_empty() {
                            "schema.name"
                        } else {
                            "schema.unknown"
                        },
                    });
                }
            }
        }
    }

    fn mismatch(&mut self, value: &Value, wanted: &str, pointer: &str) {
        let found = match value {
            Value::String(text) if text.chars().count() <= 60 => format!("{text:?}"),
            Value::Number(number) => number.to_string(),
            other => kind_of(other).to_owned(),
        };
        let name = pointer
            .rsplit('/')
            .next()
            .unwrap_or(pointer)
            .replace("~1", "/");
        self.problems.push(Problem {
            level: Level::Error,
            pointer: pointer.to_owned(),
            what: format!("{name} is {found}"),
            expected: wanted.to_owned(),
            fix: format!("make it {wanted}"),
            code: "schema.value",
        });
    }
}

/// What a plain rule wants, if the value does not meet it.
fn unmet(value: &Value, rule: &Rule) -> Option<String> {
    let text = value.as_str();
    let (met, wanted) = match rule {
        Rule::Members => (value.is_object(), "an object".into()),
        Rule::Text => (text.is_some(), "a string".into()),
        Rule::Filled => (
            text.is_some_and(|text| !text.is_empty() && !text.contains('\n')),
            "a string of one line that is not empty".into(),
        ),
        Rule::NoBlanks => (
            text.is_some_and(|text| !text.is_empty() && !text.chars().any(char::is_whitespace)),
            "a string without blanks that is not empty".into(),
        ),
        Rule::Word(words) => (
            text.is_some_and(|text| words.contains(&text)),
            words.join(" or "),
        ),
        Rule::Whole(least, most) => (
            value
                .as_i64()
                .is_some_and(|n| (*least..=*most).contains(&n)),
            format!("an integer from {least} to {most}"),
        ),
        Rule::Scalar => (
            value.is_string() || value.is_number() || value.is_boolean(),
            "a string, a number or a boolean".into(),
        ),
        Rule::Version(version) => (
            text.is_some_and(|text| text.contains(version)),
            format!("version {version:?}"),
        ),
        Rule::TextOrMembers => (
            text.is_some() || value.is_object(),
            "a string or an object".into(),
        ),
        Rule::Object(_) | Rule::Items(_) | Rule::FilledOr(_) => (true, String::new()),
    };
    (!met).then_some(wanted)
}

//! A deployment read from text: JSON, with the comments and trailing commas that editors and templates allow.
//!
//! The text is kept and is what is written again; the value is what a JSON reader makes of it, the last of
//! duplicate keys counting. Positions are found in the syntax tree, never by searching the text.
//! Left out: what the document means ([`super::view`]) and whether it is right ([`super::validate`]).

use jsonc_parser::ast::{self, ObjectPropName};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::{Map, Value};

use super::view::View;
use super::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX};
use crate::create_options::escape;

/// Notes kept of one document; finding the line of each costs a look at the whole text.
const NOTES_MAX: usize = 100;

/// A document that parses.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    text: String,
    value: Value,
    notes: Vec<Note>,
    kind: Kind,
}

/// What sort of deployment a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A manifest that is complete.
    Manifest,
    /// A template: it declares `$schema-template` or holds `${VARIABLES}` that a tool fills.
    Template,
    /// A layered deployment: only paths that it adds to a base.
    Layered,
}

/// Something in the text that plain JSON has not, or has only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is.
    pub kind: NoteKind,
    /// The object it is in, or the key that is doubled, as a JSON pointer.
    pub pointer: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Kinds of [`Note`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// A comment; only the first is noted.
    Comment,
    /// A comma after the last member.
    TrailingComma,
    /// A key given before in the same object; this one counts.
    DuplicateKey,
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {what}")]
pub struct ParseProblem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// No JSON object, larger than [`DOCUMENT_BYTES_MAX`], nested deeper than [`DOCUMENT_DEPTH_MAX`], or with
    /// characters JSON forbids.
    pub fn parse(text: &str) -> Result<Self, ParseProblem> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(ParseProblem {
                line: 1,
                column: 1,
                what: format!(
                    "the document has {} bytes, at most {DOCUMENT_BYTES_MAX} are read",
                    text.len()
                ),
            });
        }
        if let Some(at) = text.find('\0') {
            return Err(problem_at(text, at, "a NUL; is this a text file in UTF-8?"));
        }
        let parsed = Parsed::new(text)?;
        let ast::Value::Object(root) = &parsed.root else {
            let at = parsed.start + parsed.root.range().start;
            return Err(problem_at(
                text,
                at,
                "a deployment is a JSON object, `{ … }`",
            ));
        };
        let mut notes = parsed.token_notes(text);
        let mut reader = Reader {
            text,
            start: parsed.start,
            notes: &mut notes,
        };
        let value = Value::Object(reader.object(root, "")?);
        notes.sort_by_key(|note| (note.line, note.column));
        let kind = kind_of(&value);
        Ok(Self {
            text: text.to_owned(),
            value,
            notes,
            kind,
        })
    }

    /// A document from a value, written with two blanks a level.
    pub fn from_value(value: &Value) -> Self {
        let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        text.push('\n');
        Self {
            text,
            kind: kind_of(value),
            value: value.clone(),
            notes: Vec::new(),
        }
    }

    /// The text, byte for byte as it was read.
    pub fn write(&self) -> &str {
        &self.text
    }

    /// What a JSON reader makes of it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Comments, trailing commas and duplicate keys, in document order.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// What sort of deployment it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it holds `${VARIABLES}` that a tool fills.
    pub fn has_variables(&self) -> bool {
        has_variables(&self.value)
    }
}

/// A text with its syntax tree.
pub(super) struct Parsed<'t> {
    /// Bytes of the byte order mark before the tree's offset 0.
    pub(super) start: usize,
    pub(super) root: ast::Value<'t>,
    pub(super) tokens: Vec<TokenAndRange<'t>>,
}

impl<'t> Parsed<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, ParseProblem> {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let start = text.len() - body.len();
        let collect = CollectOptions {
            comments: CommentCollectionStrategy::AsTokens,
            tokens: true,
        };
        let strict = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(body, &collect, &strict).map_err(|problem| {
            let what = problem.kind().to_string();
            problem_at(text, start + problem.range().start, &what)
        })?;
        let tokens = parsed.tokens.unwrap_or_default();
        let Some(root) = parsed.value else {
            return Err(problem_at(text, text.len(), "the document is empty"));
        };
        let parsed = Self {
            start,
            root,
            tokens,
        };
        parsed.check_tokens(text)?;
        Ok(parsed)
    }

    /// What the reader of comments is lax about and JSON is not.
    fn check_tokens(&self, text: &str) -> Result<(), ParseProblem> {
        let mut depth = 0usize;
        for token in &self.tokens {
            let Range { start, end } = token.range;
            let (start, end) = (self.start + start, self.start + end);
            match token.token {
                Token::OpenBrace | Token::OpenBracket => {
                    depth += 1;
                    if depth > DOCUMENT_DEPTH_MAX {
                        let what = format!(
                            "nested deeper than {DOCUMENT_DEPTH_MAX} levels, the most read"
                        );
                        return Err(problem_at(text, start, &what));
                    }
                }
                Token::CloseBrace | Token::CloseBracket => depth = depth.saturating_sub(1),
                Token::String(_) => {
                    if let Some(at) = text[start..end].find(|c: char| c < ' ') {
                        let what = "a control character inside a string; write it as an escape such as \\n";
                        return Err(problem_at(text, start + at, what));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn token_notes(&self, text: &str) -> Vec<Note> {
        let mut notes = Vec::new();
        let note = |kind, range: Range| {
            let (line, column) = position(text, self.start + range.start);
            Note {
                kind,
                pointer: String::new(),
                line,
                column,
            }
        };
        let is_comment = |token: &&TokenAndRange<'_>| {
            matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_))
        };
        if let Some(comment) = self.tokens.iter().find(is_comment) {
            notes.push(note(NoteKind::Comment, comment.range));
        }
        let plain: Vec<&TokenAndRange<'_>> = self
            .tokens
            .iter()
            .filter(|token| !is_comment(token))
            .collect();
        for pair in plain.windows(2) {
            if notes.len() < NOTES_MAX
                && pair[0].token == Token::Comma
                && matches!(pair[1].token, Token::CloseBrace | Token::CloseBracket)
            {
                notes.push(note(NoteKind::TrailingComma, pair[0].range));
            }
        }
        notes
    }
}

/// Turns the syntax tree into a value and notes doubled keys.
struct Reader<'t, 'n> {
    text: &'t str,
    start: usize,
    notes: &'n mut Vec<Note>,
}

impl Reader<'_, '_> {
    fn object(
        &mut self,
        object: &ast::Object<'_>,
        pointer: &str,
    ) -> Result<Map<String, Value>, ParseProblem> {
        let mut members = Map::new();
        for member in &object.properties {
            let key = name_of(&member.name);
            let pointer = format!("{pointer}/{}", escape(key));
            let value = self.value(&member.value, &pointer)?;
            if members.insert(key.to_owned(), value).is_some() && self.notes.len() < NOTES_MAX {
                let (line, column) = position(self.text, self.start + member.name.range().start);
                self.notes.push(Note {
                    kind: NoteKind::DuplicateKey,
                    pointer,
                    line,
                    column,
                });
            }
        }
        Ok(members)
    }

    fn value(&mut self, value: &ast::Value<'_>, pointer: &str) -> Result<Value, ParseProblem> {
        Ok(match value {
            ast::Value::StringLit(text) => Value::String(text.value.to_string()),
            ast::Value::BooleanLit(boolean) => Value::Bool(boolean.value),
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::NumberLit(number) => serde_json::from_str(number.value).map_err(|_| {
                let what = format!("{} is no JSON number", number.value);
                problem_at(self.text, self.start + number.range.start, &what)
            })?,
            ast::Value::Object(object) => Value::Object(self.object(object, pointer)?),
            ast::Value::Array(array) => array
                .elements
                .iter()
                .enumerate()
                .map(|(index, item)| self.value(item, &format!("{pointer}/{index}")))
                .collect::<Result<_, _>>()?,
        })
    }
}

pub(super) fn name_of<'n>(name: &'n ObjectPropName<'_>) -> &'n str {
    match name {
        ObjectPropName::String(text) => &text.value,
        ObjectPropName::Word(word) => word.value,
    }
}

fn problem_at(text: &str, at: usize, what: &str) -> ParseProblem {
    let (line, column) = position(text, at);
    ParseProblem {
        line,
        column,
        what: what.to_owned(),
    }
}

/// Line and column of a byte, both from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let shown = before[line_start..].trim_start_matches('\u{feff}');
    (line, shown.chars().count() + 1)
}

fn kind_of(value: &Value) -> Kind {
    if View::of(value).is_layered() {
        Kind::Layered
    } else if value.get("$schema-template").is_some() || has_variables(value) {
        Kind::Template
    } else {
        Kind::Manifest
    }
}

/// Whether any string holds a `${VARIABLE}`. A bare `$NAME` alone makes no template: it may be a password.
fn has_variables(value: &Value) -> bool {
    let mut found = false;
    crate::placeholder::each_leaf(value, "", &mut |_, text| {
        found |= holds_braced_variable(text);
    });
    found
}

/// Whether a text is left to a template's tool: it holds `${NAME}` or is `$NAME`.
pub(super) fn is_variable(text: &str) -> bool {
    // `$upstream` is the hub's, not a variable: only names in capitals count without braces.
    let bare = text.strip_prefix('$').is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| is_variable_char(c) && !c.is_ascii_lowercase())
    });
    bare || holds_braced_variable(text)
}

fn holds_braced_variable(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        let rest = &text[at + 2..];
        // Only the name is read, never the rest of a long text.
        let end = rest.find(|c| !is_variable_char(c)).unwrap_or(rest.len());
        end > 0 && rest[end..].starts_with('}')
    })
}

fn is_variable_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

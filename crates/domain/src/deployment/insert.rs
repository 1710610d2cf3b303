//! Members put into the text of a document so that not one byte of it changes: comments, order, indentation, line
//! ends and a byte order mark stay, and the new members look like their neighbours.
//!
//! The places come from the syntax tree's own spans rather than from an editing tree, because an editing tree may
//! lay out again the object it adds to; here what is not insertion is the original by construction.

use std::collections::BTreeMap;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::tokens::{Token, TokenAndRange};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use super::document::{ParseProblem, Parsed, name_of};

/// A member to add: the keys that lead to it, and its value. Objects that lack on the way are made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Addition {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

/// A text with its insertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inserted {
    pub(super) text: String,
    /// What was inserted, as byte ranges of the new text, in order.
    pub(super) spans: Vec<Range<usize>>,
}

/// Why a member cannot be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InsertProblem {
    /// The text does not parse.
    Unreadable(ParseProblem),
    /// The member is there already.
    Taken(Vec<String>),
    /// Something on the way is no object.
    NoObject(Vec<String>),
}

/// Adds members to a text.
pub(super) fn insert(text: &str, additions: &[Addition]) -> Result<Inserted, InsertProblem> {
    let parsed = Parsed::new(text).map_err(InsertProblem::Unreadable)?;
    let ast::Value::Object(root) = &parsed.root else {
        return Err(InsertProblem::NoObject(Vec::new()));
    };
    let mut sites: BTreeMap<usize, (&ast::Object<'_>, Map<String, Value>)> = BTreeMap::new();
    for addition in additions {
        let (object, rest) = deepest(root, &addition.path)?;
        let (_, members) = sites
            .entry(object.range.start)
            .or_insert_with(|| (object, Map::new()));
        nest(members, rest, &addition.value)
            .ok_or_else(|| InsertProblem::Taken(addition.path.clone()))?;
    }
    let page = Page::new(text, &parsed);
    let mut edits: Vec<(usize, String)> = Vec::new();
    for (object, members) in sites.values() {
        page.edits(object, members, &mut edits);
    }
    edits.sort_by_key(|(at, _)| *at);
    Ok(apply(text, &edits))
}

/// The same additions made to a value, for what must be known before the text is touched.
pub(super) fn insert_value(value: &mut Value, additions: &[Addition]) {
    for addition in additions {
        let mut at = &mut *value;
        for key in &addition.path {
            if !at.is_object() {
                return;
            }
            at = &mut at[key.as_str()];
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
        }
        *at = addition.value.clone();
    }
}

fn apply(text: &str, edits: &[(usize, String)]) -> Inserted {
    let mut out = String::with_capacity(text.len());
    let mut spans = Vec::new();
    let mut done = 0;
    for (at, insertion) in edits {
        out.push_str(&text[done..*at]);
        done = *at;
        spans.push(out.len()..out.len() + insertion.len());
        out.push_str(insertion);
    }
    out.push_str(&text[done..]);
    Inserted { text: out, spans }
}

/// The deepest object there is on a path, and the keys that lack.
fn deepest<'o, 't, 'p>(
    root: &'o ast::Object<'t>,
    path: &'p [String],
) -> Result<(&'o ast::Object<'t>, &'p [String]), InsertProblem> {
    let mut object = root;
    for (index, key) in path.iter().enumerate() {
        // Of duplicate keys the last counts, as for every reader.
        let member = object
            .properties
            .iter()
            .rfind(|member| name_of(&member.name) == key);
        match member.map(|member| &member.value) {
            None => return Ok((object, &path[index..])),
            Some(_) if index + 1 == path.len() => {
                return Err(InsertProblem::Taken(path.to_vec()));
            }
            Some(ast::Value::Object(inner)) => object = inner,
            Some(_) => return Err(InsertProblem::NoObject(path[..=index].to_vec())),
        }
    }
    Err(InsertProblem::Taken(path.to_vec()))
}

fn nest(members: &mut Map<String, Value>, path: &[String], value: &Value) -> Option<()> {
    let (last, way) = path.split_last()?;
    let mut at = members;
    for key in way {
        at = at
            .entry(key.clone())
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()?;
    }
    if at.contains_key(last) {
        return None;
    }
    at.insert(last.clone(), value.clone());
    Some(())
}

/// The text and how it is laid out.
struct Page<'p> {
    text: &'p str,
    start: usize,
    tokens: &'p [TokenAndRange<'p>],
    /// `\r\n` or `\n`; absent when the text is one line.
    newline: Option<&'static str>,
    /// One level of indentation, where the object at hand does not show its own.
    unit: String,
}

impl<'p> Page<'p> {
    fn new(text: &'p str, parsed: &'p Parsed<'p>) -> Self {
        let body = text.trim_end();
        let newline = body.find('\n').map(|at| {
            if text[..at].ends_with('\r') { "\r\n" } else { "\n" }
        });
        let mut page = Self {
            text,
            start: parsed.start,
            tokens: &parsed.tokens,
            newline,
            unit: "  ".to_owned(),
        };
        if let ast::Value::Object(root) = &parsed.root
            && let Some(unit) = page.unit_of(root)
        {
            page.unit = unit;
        }
        page
    }

    /// The edits that put members at the end of an object.
    fn edits(
        &self,
        object: &ast::Object<'_>,
        members: &Map<String, Value>,
        edits: &mut Vec<(usize, String)>,
    ) {
        let (open, close) = (self.start + object.range.start, self.start + object.range.end - 1);
        match object.properties.last() {
            Some(last) => {
                let first = object.properties.first().unwrap_or(last);
                let spread = self.text[open..self.start + first.range.start].contains('\n')
                    || self.text[open..self.start + last.range.start].contains('\n');
                self.after(self.start + last.range.end, spread, object, members, edits);
            }
            None => edits.push(self.into_empty(open, close, object, members)),
        }
    }

    /// Behind the last member: a comma right after it unless there is one, then, behind a comment that explains it
    /// on the same line, the new members.
    fn after(
        &self,
        end: usize,
        spread: bool,
        object: &ast::Object<'_>,
        members: &Map<String, Value>,
        edits: &mut Vec<(usize, String)>,
    ) {
        let close = self.start + object.range.end - 1;
        let tail = || {
            self.tokens
                .iter()
                .filter(move |token| token.range.start + self.start >= end && token.range.end + self.start <= close)
        };
        let comma = tail()
            .find(|token| token.token == Token::Comma)
            .map(|token| token.range.end + self.start);
        let (Some(newline), true) = (self.newline, spread) else {
            let lead = if comma.is_some() { "" } else { "," };
            let blank = if self.newline.is_some() { " " } else { "" };
            let text = compact(members);
            edits.push((comma.unwrap_or(end), format!("{lead}{blank}{text}")));
            return;
        };
        let mut at = comma.unwrap_or(end);
        for comment in tail().filter(|token| is_comment(token)) {
            let (from, to) = (comment.range.start + self.start, comment.range.end + self.start);
            if from >= at && !self.text[at..from].contains('\n') {
                at = to;
            }
        }
        let unit = self.unit_of(object).unwrap_or_else(|| self.unit.clone());
        let indent = self.child_indent(object, &unit);
        let body = pretty(members, newline, &indent, &unit);
        let body = format!("{newline}{indent}{body}");
        match comma {
            None if at == end => edits.push((end, format!(",{body}"))),
            None => {
                edits.push((end, ",".to_owned()));
                edits.push((at, body));
            }
            Some(_) => edits.push((at, body)),
        }
    }

    /// Into an object without members, behind the comments in it.
    fn into_empty(
        &self,
        open: usize,
        close: usize,
        object: &ast::Object<'_>,
        members: &Map<String, Value>,
    ) -> (usize, String) {
        let comments = self.tokens.iter().filter(|token| {
            is_comment(token)
                && token.range.start + self.start > open
                && token.range.end + self.start <= close
        });
        let at = comments.last().map_or(open + 1, |token| token.range.end + self.start);
        let Some(newline) = self.newline else {
            return (at, compact(members));
        };
        let outer = self.line_indent(self.start + object.range.start);
        let indent = format!("{outer}{}", self.unit);
        let body = pretty(members, newline, &indent, &self.unit);
        let tail = if self.text[at..close].contains('\n') {
            String::new()
        } else {
            format!("{newline}{outer}")
        };
        (at, format!("{newline}{indent}{body}{tail}"))
    }

    /// The blanks a line begins with.
    fn line_indent(&self, at: usize) -> &'p str {
        let line = &self.text[self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)..];
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let end = line.find(|c| c != ' ' && c != '\t').unwrap_or(line.len());
        &line[..end]
    }

    /// The indentation of the last member that begins its line.
    fn child_indent(&self, object: &ast::Object<'_>, unit: &str) -> String {
        let own_line = object.properties.iter().rev().find_map(|member| {
            let at = self.start + member.range.start;
            let indent = self.line_indent(at);
            self.text[..at].ends_with(indent).then_some(()).filter(|()| {
                let line = at - indent.len();
                line == 0 || self.text[..line].ends_with('\n')
            })?;
            Some(indent.to_owned())
        });
        own_line.unwrap_or_else(|| {
            format!("{}{unit}", self.line_indent(self.start + object.range.start))
        })
    }

    /// One level of indentation as this object shows it.
    fn unit_of(&self, object: &ast::Object<'_>) -> Option<String> {
        let first = object.properties.first()?;
        let (open, child) = (self.start + object.range.start, self.start + first.range.start);
        if !self.text[open..child].contains('\n') {
            return None;
        }
        let (outer, inner) = (self.line_indent(open), self.line_indent(child));
        let unit = inner.strip_prefix(outer)?;
        (!unit.is_empty()).then(|| unit.to_owned())
    }
}

fn is_comment(token: &TokenAndRange<'_>) -> bool {
    matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_))
}

/// Members without blanks, and without the braces around them.
fn compact(members: &Map<String, Value>) -> String {
    let text = Value::Object(members.clone()).to_string();
    text[1..text.len() - 1].to_owned()
}

/// Members on lines of their own, the first without its indentation, and without the braces around them.
fn pretty(members: &Map<String, Value>, newline: &str, indent: &str, unit: &str) -> String {
    let parts: Vec<String> = members
        .iter()
        .map(|(key, value)| {
            let mut bytes = Vec::new();
            let formatter = PrettyFormatter::with_indent(unit.as_bytes());
            let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
            // Writing a value to memory cannot fail; if it did, the plain form is as good.
            let text = match value.serialize(&mut serializer).map(|()| String::from_utf8(bytes)) {
                Ok(Ok(text)) => text,
                _ => value.to_string(),
            };
            let text = text.replace('\n', &format!("{newline}{indent}"));
            format!("{}: {text}", Value::String(key.clone()))
        })
        .collect();
    parts.join(&format!(",{newline}{indent}"))
}

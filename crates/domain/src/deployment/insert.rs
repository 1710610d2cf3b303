//! Members put into the text of a document so that not one byte of it changes: comments, order, indentation, line
//! ends and a byte order mark stay, and the new members look like their neighbours.
//!
//! The places come from the syntax tree's own spans rather than from an editing tree, because an editing tree may
//! lay out again the object it adds to; here what is not insertion is the original by construction.

mod page;

use std::collections::BTreeMap;
use std::ops::Range;

use jsonc_parser::ast;
use serde_json::{Map, Value};

use super::document::{ParseProblem, Parsed, name_of};
use page::Page;

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

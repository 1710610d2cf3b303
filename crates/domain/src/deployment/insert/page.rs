//! The layout of a text, read from its spans, and the edits that follow it.
//!
//! An object that spreads over lines gets its new members on lines of their own, indented as their neighbours are;
//! an object on one line keeps to it; a text without line ends gets no blanks at all.

use jsonc_parser::ast;
use jsonc_parser::tokens::{Token, TokenAndRange};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use super::super::document::Parsed;

/// The text and how it is laid out.
pub(super) struct Page<'p> {
    text: &'p str,
    start: usize,
    tokens: &'p [TokenAndRange<'p>],
    /// `\r\n` or `\n`; absent when the text is one line.
    newline: Option<&'static str>,
    /// One level of indentation, where the object at hand does not show its own.
    unit: String,
}

impl<'p> Page<'p> {
    pub(super) fn new(text: &'p str, parsed: &'p Parsed<'p>) -> Self {
        let body = text.trim_end();
        let newline = body.find('\n').map(|at| {
            if text[..at].ends_with('\r') {
                "\r\n"
            } else {
                "\n"
            }
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
    pub(super) fn edits(
        &self,
        object: &ast::Object<'_>,
        members: &Map<String, Value>,
        edits: &mut Vec<(usize, String)>,
    ) {
        let (open, close) = (
            self.start + object.range.start,
            self.start + object.range.end - 1,
        );
        match object.properties.last() {
            Some(last) => {
                let first = object.properties.first().unwrap_or(last);
                let spread = self.text[open..self.start + first.range.start].contains('\n')
                    || self.text[open..self.start + last.range.start].contains('\n');
                self.after(self.start + last.range.end, spread, object, members, edits);
            }
            None => edits.push(self.inside_empty(open, close, object, members)),
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
            self.tokens.iter().filter(move |token| {
                token.range.start + self.start >= end && token.range.end + self.start <= close
            })
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
            let (from, to) = (
                comment.range.start + self.start,
                comment.range.end + self.start,
            );
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
    fn inside_empty(
        &self,
        open: usize,
        close: usize,
        object: &ast::Object<'_>,
        members: &Map<String, Value>,
    ) -> (usize, String) {
        let mut comments = self.tokens.iter().filter(|token| {
            is_comment(token)
                && token.range.start + self.start > open
                && token.range.end + self.start <= close
        });
        let at = comments
            .next_back()
            .map_or(open + 1, |token| token.range.end + self.start);
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
            self.text[..at]
                .ends_with(indent)
                .then_some(())
                .filter(|()| {
                    let line = at - indent.len();
                    line == 0 || self.text[..line].ends_with('\n')
                })?;
            Some(indent.to_owned())
        });
        own_line.unwrap_or_else(|| {
            format!(
                "{}{unit}",
                self.line_indent(self.start + object.range.start)
            )
        })
    }

    /// One level of indentation as this object shows it.
    fn unit_of(&self, object: &ast::Object<'_>) -> Option<String> {
        let first = object.properties.first()?;
        let (open, child) = (
            self.start + object.range.start,
            self.start + first.range.start,
        );
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
            let text = match value
                .serialize(&mut serializer)
                .map(|()| String::from_utf8(bytes))
            {
                Ok(Ok(text)) => text,
                _ => value.to_string(),
            };
            let text = text.replace('\n', &format!("{newline}{indent}"));
            format!("{}: {text}", Value::String(key.clone()))
        })
        .collect();
    parts.join(&format!(",{newline}{indent}"))
}

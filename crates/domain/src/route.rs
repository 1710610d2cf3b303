//! Routes of the edge hub: the real grammar, conditions and functions included, with the quirks of the published
//! one kept, because a device has them too (edge-runtime fact sheet §1.8, domain fact sheet §12.5).
//!
//! A [`Route`] keeps its text; renaming a module changes only the bytes of that name. What parses and is still
//! wrong is told by [`Route::semantic`]. Left out: matching messages, and routes as objects with priority and
//! time to live, which are the deployment's.

mod condition;
mod parser;
mod semantic;
mod token;

use std::fmt;
use std::ops::Range;

use parser::{Parts, Target};

pub use condition::{Binary, Expr, Literal, Unary};
pub use semantic::{Semantic, SemanticKind};

/// Longest route in bytes: the longest string a twin holds (domain fact sheet §12.7).
pub const ROUTE_BYTES_MAX: usize = 4096;

/// Deepest nesting of a condition.
pub const EXPRESSION_DEPTH_MAX: usize = 64;

/// Operators of a condition. `a = b = c` nests to the left by one level each, and everything that reads a condition
/// goes down its levels.
pub const OPERATORS_MAX: usize = 200;

/// A route that parses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    text: String,
    /// Absent for the empty route, which the grammar allows.
    parts: Option<Parts>,
}

/// Why a text is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a route: at byte {position} expected {expected}, found {found}")]
pub struct RouteError {
    /// Byte offset of the first token that does not fit.
    pub position: usize,
    /// What would have fitted.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl RouteError {
    /// The route with a caret under the place, on lines of their own.
    pub fn caret(&self, route: &str) -> String {
        let at = route.floor_char_boundary(self.position.min(route.len()));
        let blanks: String = route[..at]
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        format!("{route}\n{blanks}^")
    }
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// To the cloud, or to the parent device.
    Upstream,
    /// To an input of a module on the device.
    Input {
        /// The module's name.
        module: String,
        /// Its input.
        input: String,
    },
    /// Nowhere: the route is blank.
    Nowhere,
    /// To something edgeHub refuses; [`Route::semantic`] says so as well.
    Refused {
        /// Byte offset of what is refused.
        position: usize,
        /// Why.
        what: String,
        /// The kind of problem.
        kind: SemanticKind,
    },
}

impl Route {
    /// Parses a route.
    ///
    /// # Errors
    /// The first place that does not fit the grammar, or the route is longer than [`ROUTE_BYTES_MAX`] nested
    /// deeper than [`EXPRESSION_DEPTH_MAX`], or its condition has more than [`OPERATORS_MAX`] operators.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        Ok(Self {
            parts: parser::parse(text)?,
            text: text.to_owned(),
        })
    }

    /// The text, as parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the route is empty but for blanks and comments.
    pub fn is_blank(&self) -> bool {
        self.parts.is_none()
    }

    /// Byte offset of text after the sink, which edgeHub ignores; `None` when everything was read.
    pub fn unread(&self) -> Option<usize> {
        self.parts.as_ref().and_then(|parts| parts.unread)
    }

    /// The condition after `WHERE`.
    pub fn condition(&self) -> Option<&Expr> {
        self.parts
            .as_ref()
            .and_then(|parts| parts.condition.as_ref())
    }

    /// Problems that the grammar lets pass.
    pub fn semantic(&self) -> Vec<Semantic> {
        semantic::check(self)
    }

    /// Segments of the source path as edgeHub compares them: a trailing `*` is cut off.
    pub fn source_segments(&self) -> Vec<String> {
        let mut segments: Vec<String> = self
            .source_spans()
            .iter()
            .map(|span| self.text[span.clone()].to_owned())
            .collect();
        if let Some(last) = segments.pop() {
            let cut = last.trim_end_matches('*');
            if !cut.is_empty() {
                segments.push(cut.to_owned());
            }
        }
        segments
    }

    /// The module the source names, as in `/messages/modules/<module>/…`.
    pub fn source_module(&self) -> Option<String> {
        let mut segments = self.source_segments().into_iter();
        let messages = segments.next()?.eq_ignore_ascii_case("messages");
        let modules = segments.next()?.eq_ignore_ascii_case("modules");
        segments.next().filter(|_| messages && modules)
    }

    /// The output the source names, as in `/messages/modules/<module>/outputs/<output>`.
    pub fn source_output(&self) -> Option<String> {
        self.source_module()?;
        let mut rest = self.source_segments().into_iter().skip(3);
        let outputs = rest.next()?.eq_ignore_ascii_case("outputs");
        rest.next().filter(|_| outputs)
    }

    /// Where the route leads.
    pub fn sink(&self) -> Sink {
        let Some(parts) = &self.parts else {
            return Sink::Nowhere;
        };
        match &parts.sink {
            Target::System(span) if self.text[span.clone()].eq_ignore_ascii_case("$upstream") => {
                Sink::Upstream
            }
            Target::System(span) => Sink::Refused {
                position: span.start,
                what: format!(
                    "{} is no endpoint; the only system endpoint is $upstream",
                    &self.text[span.clone()]
                ),
                kind: SemanticKind::UnknownEndpoint,
            },
            Target::Call(function, argument) => self.input(function, argument),
        }
    }

    /// The route with one module renamed, in the source and in the sink; every other byte stays.
    ///
    /// String literals of the condition are not touched: what they mean only their author knows.
    pub fn rename_module(&self, old: &str, new: &str) -> String {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        if self
            .source_module()
            .is_some_and(|module| module.eq_ignore_ascii_case(old))
            && let Some(span) = self.source_spans().get(2)
        {
            edits.push((span.start..span.start + old.len(), new.to_owned()));
        }
        if let Some(Parts {
            sink: Target::Call(_, argument),
            ..
        }) = &self.parts
            && let Sink::Input { module, .. } = self.sink()
            && module == old
        {
            edits.push(self.endpoint_edit(argument, new));
        }
        let mut text = self.text.clone();
        for (span, word) in edits.into_iter().rev() {
            text.replace_range(span, &word);
        }
        text
    }

    fn source_spans(&self) -> &[Range<usize>] {
        self.parts
            .as_ref()
            .map_or(&[], |parts| parts.source.as_slice())
    }

    fn input(&self, function: &Range<usize>, argument: &Range<usize>) -> Sink {
        let name = &self.text[function.clone()];
        if !name.eq_ignore_ascii_case("BrokeredEndpoint") {
            return Sink::Refused {
                position: function.start,
                what: format!("{name} is no endpoint function; the only one is BrokeredEndpoint"),
                kind: SemanticKind::UnknownSinkFunction,
            };
        }
        let path = unquoted(&self.text[argument.clone()]);
        let body = path.strip_prefix('/').unwrap_or(&path);
        let body = body.strip_suffix('/').unwrap_or(body);
        // Only the number of segments is checked on the device: `/a/b/c/d` leads to input d of module b.
        match body.split('/').collect::<Vec<_>>().as_slice() {
            [_, module, _, input] if !module.is_empty() && !input.is_empty() => Sink::Input {
                module: (*module).to_owned(),
                input: (*input).to_owned(),
            },
            segments => Sink::Refused {
                position: argument.start,
                what: format!(
                    "the endpoint path {path:?} has {} segment(s), 4 are needed, none of them empty",
                    segments
                        .iter()
                        .filter(|segment| !segment.is_empty())
                        .count()
                ),
                kind: SemanticKind::EndpointSegments,
            },
        }
    }

    /// The edit that puts another module into an endpoint path. Without escapes it is the module's own bytes;
    /// with escapes the path is written anew.
    fn endpoint_edit(&self, argument: &Range<usize>, new: &str) -> (Range<usize>, String) {
        let inner = argument.start + 1..argument.end - 1;
        let raw = &self.text[inner.clone()];
        if raw.contains('\\') {
            let path = unquoted(&self.text[argument.clone()]);
            let lead = usize::from(path.starts_with('/'));
            let mut segments: Vec<&str> = path.split('/').collect();
            if let Some(module) = segments.get_mut(1 + lead) {
                *module = new;
            }
            let quoted = segments.join("/").replace('\\', "\\\\");
            return (inner, quoted.replace('"', "\\\"").replace('\'', "\\'"));
        }
        let slash = usize::from(raw.starts_with('/'));
        let start = raw[slash..]
            .find('/')
            .map_or(raw.len(), |at| slash + at + 1);
        let end = raw[start..].find('/').map_or(raw.len(), |at| start + at);
        (inner.start + start..inner.start + end, new.to_owned())
    }
}

/// The route written in one way: keywords in capitals, single blanks, brackets only where needed.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parts) = &self.parts else {
            return Ok(());
        };
        f.write_str("FROM ")?;
        for span in &parts.source {
            write!(f, "/{}", &self.text[span.clone()])?;
        }
        if let Some(condition) = &parts.condition {
            write!(f, " WHERE {condition}")?;
        }
        match &parts.sink {
            Target::System(span) => write!(f, " INTO {}", &self.text[span.clone()]),
            Target::Call(function, argument) => write!(
                f,
                " INTO {}({})",
                &self.text[function.clone()],
                &self.text[argument.clone()]
            ),
        }
    }
}

/// Whether a text may be a segment of a route's path, and so a module name that routes can say.
pub fn is_segment(text: &str) -> bool {
    let tokens = token::cut(text);
    tokens.len() == 2
        && tokens[0].kind == token::Kind::Name
        && tokens[0].span == (0..text.len())
        && text.chars().all(token::is_name_char)
}

/// A string literal without its quotes and escapes.
fn unquoted(literal: &str) -> String {
    let inner = literal.get(1..literal.len() - 1).unwrap_or_default();
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('u') => {
                let code: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                out.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(escaped) => out.push(escaped),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests;

//! What the grammar lets pass and edgeHub then refuses, ignores, or never matches.
//!
//! Sources: edge-runtime fact sheet §1.8, domain fact sheet §12.5. Left out: whether the modules named exist,
//! which only a whole deployment can tell.

use super::condition::Expr;
use super::{Route, Sink};
use crate::violation::Level;

/// A problem of a route that parses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Semantic {
    /// [`Level::Error`] when edgeHub refuses the route, [`Level::Warning`] when it takes it and nothing good comes of it.
    pub level: Level,
    /// Byte offset into the route.
    pub position: usize,
    /// What kind of problem.
    pub kind: SemanticKind,
    /// What is wrong, for people.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Kinds of semantic problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SemanticKind {
    /// An empty route: schema 1.0 skips it, 1.1 and later refuse it.
    Blank,
    /// Text after the sink, silently ignored.
    TrailingText,
    /// A system endpoint other than `$upstream`.
    UnknownEndpoint,
    /// A function other than `BrokeredEndpoint`.
    UnknownSinkFunction,
    /// A `BrokeredEndpoint` path that has not four segments.
    EndpointSegments,
    /// A `*` before the end of the source path matches only a literal `*`.
    InnerWildcard,
    /// A source that no message has.
    UnknownSource,
    /// A function the condition language lacks.
    UnknownFunction,
    /// A function called with the wrong number of arguments.
    ArgumentCount,
}

/// Built-in functions of an edge hub with the fewest and the most arguments; `None` stands for any number. The published
/// compiler also knows `twin_change_includes`, but only for a source that no route of a device has.
const BUILTINS: [(&str, usize, Option<usize>); 23] = [
    ("abs", 1, Some(1)),
    ("as_number", 1, Some(1)),
    ("ceiling", 1, Some(1)),
    ("concat", 2, None),
    ("contains", 2, Some(2)),
    ("ends_with", 2, Some(2)),
    ("exp", 1, Some(1)),
    ("floor", 1, Some(1)),
    ("index_of", 2, Some(2)),
    ("is_bool", 1, Some(1)),
    ("is_defined", 1, Some(1)),
    ("is_null", 1, Some(1)),
    ("is_number", 1, Some(1)),
    ("is_string", 1, Some(1)),
    ("length", 1, Some(1)),
    ("lower", 1, Some(1)),
    ("power", 2, Some(2)),
    ("sign", 1, Some(1)),
    ("sqrt", 1, Some(1)),
    ("square", 1, Some(1)),
    ("starts_with", 2, Some(2)),
    ("substring", 2, Some(3)),
    ("upper", 1, Some(1)),
];

/// Every semantic problem of a route.
pub(super) fn check(route: &Route) -> Vec<Semantic> {
    if route.is_blank() {
        return vec![Semantic {
            level: Level::Error,
            position: 0,
            kind: SemanticKind::Blank,
            what: "the route is empty".into(),
            fix: "write FROM … INTO …, or remove the route".into(),
        }];
    }
    let mut found = Vec::new();
    check_source(route, &mut found);
    if let Some(condition) = route.condition() {
        condition.each(&mut |part| check_call(part, &mut found));
    }
    check_sink(route, &mut found);
    if let Some(position) = route.unread() {
        found.push(Semantic {
            level: Level::Warning,
            position,
            kind: SemanticKind::TrailingText,
            what: format!(
                "edgeHub silently ignores the text after the sink: `{}`",
                &route.text()[position..]
            ),
            fix: "remove it; a condition stands between FROM and INTO".into(),
        });
    }
    found
}

fn check_source(route: &Route, found: &mut Vec<Semantic>) {
    let segments = route.source_segments();
    let last = segments.len().saturating_sub(1);
    for (index, span) in route.source_spans().iter().enumerate() {
        if index < last && &route.text()[span.clone()] == "*" {
            found.push(Semantic {
                level: Level::Warning,
                position: span.start,
                kind: SemanticKind::InnerWildcard,
                what: "only a trailing `*` is a wildcard; this one matches a literal `*` and so no message".into(),
                fix: "name the segment, or cut the path after this `*`".into(),
            });
            return;
        }
    }
    if !has_messages(&segments) {
        found.push(Semantic {
            level: Level::Warning,
            position: route.source_spans().first().map_or(0, |span| span.start),
            kind: SemanticKind::UnknownSource,
            what: format!("no message comes from /{}", segments.join("/")),
            fix: "use /*, /messages/*, /messages/modules/<module>/outputs/<output> or /twinChangeNotifications"
                .into(),
        });
    }
}

/// Matching is by whole segments, case-insensitively, against the three kinds of source there are.
fn has_messages(segments: &[String]) -> bool {
    let is = |index: usize, word: &str| {
        segments
            .get(index)
            .is_none_or(|segment| segment.eq_ignore_ascii_case(word))
    };
    (is(0, "twinChangeNotifications") && segments.len() <= 1)
        || (is(0, "messages") && is(1, "modules") && is(3, "outputs") && segments.len() <= 5)
}

fn check_call(part: &Expr, found: &mut Vec<Semantic>) {
    let Expr::Call {
        name,
        arguments,
        position,
    } = part
    else {
        return;
    };
    let builtin = BUILTINS
        .iter()
        .find(|(known, _, _)| name.eq_ignore_ascii_case(known));
    let Some((_, fewest, most)) = builtin else {
        let known: Vec<&str> = BUILTINS.iter().map(|(known, _, _)| *known).collect();
        found.push(Semantic {
            level: Level::Error,
            position: *position,
            kind: SemanticKind::UnknownFunction,
            what: format!("there is no function {name}"),
            fix: format!("use one of {}", known.join(", ")),
        });
        return;
    };
    let count = arguments.len();
    if count < *fewest || most.is_some_and(|most| count > most) {
        let wanted = match most {
            Some(most) if most == fewest => format!("{fewest}"),
            Some(most) => format!("{fewest} to {most}"),
            None => format!("at least {fewest}"),
        };
        found.push(Semantic {
            level: Level::Error,
            position: *position,
            kind: SemanticKind::ArgumentCount,
            what: format!("{name} takes {wanted} argument(s), found {count}"),
            fix: "give the function its arguments, separated by commas".into(),
        });
    }
}

fn check_sink(route: &Route, found: &mut Vec<Semantic>) {
    let Sink::Refused {
        position,
        what,
        kind,
    } = route.sink()
    else {
        return;
    };
    found.push(Semantic {
        level: Level::Error,
        position,
        kind,
        what,
        fix: "use $upstream or BrokeredEndpoint(\"/modules/<module>/inputs/<input>\")".into(),
    });
}

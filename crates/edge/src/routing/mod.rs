//! Routes at work: which endpoints a message goes to. The language is parsed by [`domain::route`]; here it is matched
//! and its conditions are evaluated, with the quirks of the real hub (edge-runtime fact sheet §1.8).
//!
//! Left out: storing and forwarding, priorities beyond "highest wins for one endpoint", and time to live.

mod body;
mod condition;
mod function;
mod types;
mod value;

pub use value::Value;

use domain::route::{Route, RouteError, SemanticKind, Sink};
use domain::violation::Level;

use crate::message::{Message, Source};
use crate::topic;

/// Routes in one configuration.
pub const ROUTES_MAX: usize = 200;

/// Routes that parsed, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Router {
    routes: Vec<(String, Route)>,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Name of the route that sends it there.
    pub route: String,
    /// The endpoint.
    pub to: Endpoint,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The cloud.
    Upstream,
    /// An input of a module.
    Input {
        /// Module id.
        module: String,
        /// Input.
        input: String,
    },
}

/// Why a set of routes is refused; the real hub then keeps the set it had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// A route does not parse.
    #[error("route {name:?}: {problem}")]
    Parse {
        /// Name of the route.
        name: String,
        /// What the parser says.
        problem: RouteError,
    },
    /// A route leads where the hub has no endpoint.
    #[error("route {name:?}: {what}")]
    Endpoint {
        /// Name of the route.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// A condition that the hub's compiler does not take: a function it lacks, arguments or operands that do not fit.
    #[error("route {name:?}: {what}; a device refuses all routes for this one")]
    Condition {
        /// Name of the route.
        name: String,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// Too many.
    #[error("{found} routes; at most {ROUTES_MAX} are taken")]
    Count {
        /// How many.
        found: usize,
    },
}

impl Router {
    /// Takes all of these routes or none; blank ones are skipped.
    ///
    /// # Errors
    /// One does not parse, leads nowhere, asks what the hub cannot compile, or there are too many.
    pub fn new<'a>(
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RoutingError> {
        let mut taken = Vec::new();
        for (name, text) in routes {
            let name = name.to_owned();
            let route = Route::parse(text).map_err(|problem| RoutingError::Parse {
                name: name.clone(),
                problem,
            })?;
            match route.sink() {
                Sink::Refused { what, .. } => return Err(RoutingError::Endpoint { name, what }),
                Sink::Nowhere => {}
                Sink::Input { input, .. } if !topic::is_input(&input) => {
                    let what = format!("no topic can hold the input {input:?}");
                    return Err(RoutingError::Endpoint { name, what });
                }
                Sink::Upstream | Sink::Input { .. } => {
                    if let Some(what) = uncompilable(&route) {
                        return Err(RoutingError::Condition { name, what });
                    }
                    taken.push((name, route));
                }
            }
            if taken.len() > ROUTES_MAX {
                return Err(RoutingError::Count { found: taken.len() });
            }
        }
        Ok(Self { routes: taken })
    }

    /// Where a message goes: each endpoint once, by the first route that leads there.
    pub fn deliveries(&self, message: &Message) -> Vec<Delivery> {
        let mut found: Vec<Delivery> = Vec::new();
        // One for all routes: the body is parsed once at most.
        let facts = condition::Facts::new(message);
        for (name, route) in &self.routes {
            let to = match route.sink() {
                Sink::Upstream => Endpoint::Upstream,
                Sink::Input { module, input } => Endpoint::Input { module, input },
                Sink::Nowhere | Sink::Refused { .. } => continue,
            };
            let new = found.iter().all(|delivery| delivery.to != to);
            if new && comes_from(&route.source_segments(), &message.source) && holds(route, &facts)
            {
                found.push(Delivery {
                    route: name.clone(),
                    to,
                });
            }
        }
        found
    }
}

/// Why the hub's compiler would not take a route that parses.
fn uncompilable(route: &Route) -> Option<String> {
    let mut problems = route.semantic().into_iter();
    let refused = problems
        .find(|problem| problem.level == Level::Error && problem.kind != SemanticKind::Blank);
    if let Some(problem) = refused {
        return Some(format!("{}: {}", problem.what, problem.fix));
    }
    types::of(route.condition()?).err()
}

/// Whether a route's source is a prefix of where the message comes from, segment by segment, case aside.
fn comes_from(route: &[String], source: &Source) -> bool {
    let of_message = source.segments();
    route.len() <= of_message.len()
        && route
            .iter()
            .zip(of_message)
            .all(|(wanted, found)| wanted.eq_ignore_ascii_case(found))
}

/// Undefined is not true.
fn holds(route: &Route, facts: &condition::Facts<'_>) -> bool {
    route
        .condition()
        .is_none_or(|condition| facts.evaluate(condition) == Value::Bool(true))
}

#[cfg(test)]
mod tests;

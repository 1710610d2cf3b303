//! DEF-11: routes name the module itself and leave others to the customer.

use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-11",
    title: "Routes name the default module, and other modules only by a placeholder",
    level: Level::Warn,
    waivable: true,
    sources: &["T-16", "§4.3"],
    why: "The customer's device may have no module of the name that the route expects; a placeholder asks for it.",
    fix: "Use the default module name for the module itself, and <FROM_MODULE_NAME> for another one.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "routes name nobody else", |violation| {
        !violation.is_error()
            && defaults_field(violation).is_some_and(|field| field.starts_with("routes."))
    })
}

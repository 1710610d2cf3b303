//! DEF-03: environment variables have valid names, none of them IOTEDGE_*.

use crate::places::{defaults_field, violations};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "DEF-03",
    title: "Environment variables have valid names, none of them IOTEDGE_*",
    level: Level::Block,
    waivable: false,
    sources: &["T-15", "edge-runtime §1.1"],
    why: "The edge agent sets IOTEDGE_* itself; a second value breaks the module's sign-in. Names that the schema refuses break the deployment.",
    fix: "Rename the variable, or take it out.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    violations(subject, "every variable is valid", |violation| {
        violation.is_error()
            && defaults_field(violation).is_some_and(|field| field.starts_with("env"))
    })
}

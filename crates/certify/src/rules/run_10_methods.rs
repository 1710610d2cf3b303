//! RUN-10: declared methods answer in time, unknown ones are not accepted.

use super::trial::{gone, unconnected};
use crate::places::{each_trial, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use domain::behaviour::Method;

pub(super) static RULE: Rule = Rule {
    code: "RUN-10",
    title: "Declared methods answer in time, unknown ones are not accepted",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "A caller waits a few seconds; a method that answers nothing, or says yes to what it does not know, leads \
          it astray.",
    fix: "Answer every declared method within ten seconds, and one you do not know with status 404 or 501.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |expected, observed, place| {
        if let Some(why) = unconnected(observed).or_else(|| gone(observed)) {
            return Outcome::not_reached(place, why);
        }
        let Some(methods) = &observed.methods else {
            return Outcome::not_reached(place, "no method was called");
        };
        let deaf = methods
            .iter()
            .all(|method| method.answer.as_ref().is_err_and(String::is_empty));
        if deaf && expected.methods.is_empty() {
            return Outcome::not_applicable(place, "it declares no methods and listens to none");
        }
        let wrong: Vec<String> = methods.iter().filter_map(wrong).collect();
        if wrong.is_empty() {
            let count = methods.len();
            Outcome::passed(place, format!("{count} calls answered as they should be"))
        } else {
            Outcome::failed(place, listed(wrong))
        }
    })
}

/// What is wrong with an answer.
fn wrong(method: &Method) -> Option<String> {
    let name = &method.name;
    match (&method.answer, method.unknown) {
        (Ok((status, _)), true) if *status < 400 => Some(format!(
            "{name}, which it cannot know: answered with {status}"
        )),
        (Ok((status, _)), false) if *status == 404 || *status >= 500 => {
            Some(format!("{name}: answered with {status}"))
        }
        // The Node SDK leaves a method without a handler unanswered; the hub then tells the caller.
        (Ok(_), _) | (Err(_), true) => None,
        (Err(why), _) if why.is_empty() => Some(format!("{name}: it listens to no methods")),
        (Err(why), _) => Some(format!("{name}: {why}")),
    }
}

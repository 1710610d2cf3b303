//! RUN-20: every module was run, on every platform. Without it the other rules on running modules have nothing to look
//! at; how much that counts is the operator's decision, who may have no engine, or no emulator.

use domain::behaviour::{Behaviour, Observed};

use crate::places::{OFFER, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "RUN-20",
    title: "The module was run, on every platform",
    level: Level::Warn,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "What was never started was never seen to work: the report then rests on what the image looks like.",
    fix: "If the reason is the marketplace's, ask its operator to name a container engine, to register an emulator, or to \
          give trials more; \
          if it lies in the defaults, give them values that a module can start with.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    match &subject.behaviour {
        Behaviour::NotRun(why) if !subject.imported => vec![Outcome::not_run(OFFER, why)],
        Behaviour::NotRun(why) => vec![Outcome::failed(OFFER, format!("not run: {why}"))],
        Behaviour::Tried(trials) => trials
            .iter()
            .map(|trial| match &trial.observed {
                Ok(observed) => Outcome::passed(&trial.place, told(observed)),
                Err(why) => Outcome::failed(&trial.place, format!("not run: {why}")),
            })
            .collect(),
    }
}

/// That it was run, and what of its createOptions no run exercises.
fn told(observed: &Observed) -> String {
    if observed.left_out.is_empty() {
        return "it was run".to_owned();
    }
    let left_out = listed(&observed.left_out);
    format!(
        "it was run; not exercised, because no stranger's module gets it: createOptions {left_out}"
    )
}

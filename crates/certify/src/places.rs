//! Walks over the places that rules judge (offer, plans, images) and names them the same way everywhere, since a
//! waiver holds for a place by its name.
//!
//! Where evidence is missing the walk answers for the rule: *not run*, never *passed*.

use domain::behaviour::{Behaviour, Expected, Observed};
use domain::complete;
use domain::offer::{ModuleKind, Plan};
use domain::violation::Violation;

use crate::rule::Outcome;
use crate::subject::{Contents, ImageEvidence, PlanEvidence, Subject};

/// The place of what concerns the whole offer.
pub(crate) const OFFER: &str = "offer";

const NOT_FETCHED: &str = "image not fetched";
const NO_EVIDENCE: &str = "the image of this plan was not read";
const BY_ITSELF: &str =
    "the image was given by itself; its tags and its index are seen in its registry only";

/// The place of a plan.
pub(crate) fn plan_place(plan: &Plan) -> String {
    format!("plan {}", plan.plan)
}

/// The place of one platform's image.
pub(crate) fn image_place(plan: &Plan, image: &ImageEvidence) -> String {
    format!("plan {}, {}", plan.plan, image.platform)
}

/// Judges each plan by what the publisher wrote.
pub(crate) fn each_plan(subject: &Subject, judge: impl Fn(&Plan) -> Vec<Outcome>) -> Vec<Outcome> {
    subject.offer.plans.iter().flat_map(judge).collect()
}

/// Judges each plan by what its registry holds.
pub(crate) fn each_source(
    subject: &Subject,
    judge: impl Fn(&Plan, &PlanEvidence) -> Vec<Outcome>,
) -> Vec<Outcome> {
    each_evidence(subject, |plan, evidence| match evidence.by_itself {
        true => vec![Outcome::not_run(plan_place(plan), BY_ITSELF)],
        false => judge(plan, evidence),
    })
}

/// Judges each plan by the image that was read, wherever it came from.
fn each_evidence(
    subject: &Subject,
    judge: impl Fn(&Plan, &PlanEvidence) -> Vec<Outcome>,
) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let not_run = |why| vec![Outcome::not_run(plan_place(plan), why)];
        match subject.evidence(&plan.plan) {
            _ if !subject.imported => not_run(NOT_FETCHED),
            None => not_run(NO_EVIDENCE),
            Some(evidence) => judge(plan, evidence),
        }
    })
}

/// Judges each plan by what the marketplace holds already.
pub(crate) fn each_known(subject: &Subject, judge: impl Fn(&Plan) -> Vec<Outcome>) -> Vec<Outcome> {
    each_plan(subject, |plan| match &subject.unasked {
        Some(why) => vec![Outcome::not_run(plan_place(plan), why)],
        None => judge(plan),
    })
}

/// Judges each platform's image of each plan's newest version.
pub(crate) fn each_image(
    subject: &Subject,
    judge: impl Fn(&PlanEvidence, &ImageEvidence, String) -> Outcome,
) -> Vec<Outcome> {
    each_evidence(subject, |plan, evidence| {
        if evidence.images.is_empty() {
            return vec![Outcome::not_run(
                plan_place(plan),
                "the newest version has no image",
            )];
        }
        evidence
            .images
            .iter()
            .map(|image| judge(evidence, image, image_place(plan, image)))
            .collect()
    })
}

/// Judges what is inside each image; where the layers could not be read the rule did not run.
pub(crate) fn each_contents(
    subject: &Subject,
    judge: impl Fn(&ImageEvidence, &Contents, String) -> Outcome,
) -> Vec<Outcome> {
    each_image(subject, |_, image, place| match &image.contents {
        Ok(contents) => judge(image, contents, place),
        Err(why) => Outcome::not_run(place, format!("the layers could not be read: {why}")),
    })
}

/// Judges each module that ran, on each platform; where none did the rule did not run.
pub(crate) fn each_trial(
    subject: &Subject,
    judge: impl Fn(&Expected, &Observed, &str) -> Outcome,
) -> Vec<Outcome> {
    match &subject.behaviour {
        Behaviour::NotRun(why) => vec![Outcome::not_run(OFFER, why)],
        Behaviour::Tried(trials) => trials
            .iter()
            .map(|trial| match &trial.observed {
                Ok(observed) => judge(&trial.expected, observed, &trial.place),
                Err(why) => Outcome::not_run(&trial.place, why),
            })
            .collect(),
    }
}

/// What a rule about messages says of a module that sent none.
pub(crate) fn without_messages(
    expected: &Expected,
    observed: &Observed,
    place: &str,
) -> Option<Outcome> {
    match expected.kind {
        _ if observed.messages.count > 0 => None,
        ModuleKind::Sink | ModuleKind::Companion => {
            Some(Outcome::not_applicable(place, "it sends no messages"))
        }
        _ => Some(Outcome::not_reached(place, "no message came; see RUN-06")),
    }
}

/// The violations of [`complete::check`] whose field a rule calls its own, each as a failure of that rule; one
/// success when there is none.
pub(crate) fn violations(
    subject: &Subject,
    success: &str,
    own: impl Fn(&Violation) -> bool,
) -> Vec<Outcome> {
    let failures: Vec<Outcome> = complete::check(&subject.offer, &subject.matrix)
        .into_iter()
        .filter(own)
        .map(|violation| {
            let evidence = format!("{}; found {}", violation.limit, violation.found);
            Outcome::failed(violation.field, evidence).fix(violation.fix)
        })
        .collect();
    if failures.is_empty() {
        vec![Outcome::passed(OFFER, success)]
    } else {
        failures
    }
}

/// The part of a violation's field below `plans.NAME.defaults.`, if it is there.
pub(crate) fn defaults_field(violation: &Violation) -> Option<&str> {
    plan_field(violation)?.strip_prefix("defaults.")
}

/// The part of a violation's field below `plans.NAME.`, if it is there. Plan names hold no dot.
pub(crate) fn plan_field(violation: &Violation) -> Option<&str> {
    let (_, field) = violation.field.strip_prefix("plans.")?.split_once('.')?;
    Some(field)
}

/// Several names as a list in a sentence, cut after ten.
pub(crate) fn listed<I>(names: I) -> String
where
    I: IntoIterator,
    I::Item: std::fmt::Display,
{
    const SHOWN_MAX: usize = 10;
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let mut list = names
        .iter()
        .take(SHOWN_MAX)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN_MAX {
        list.push_str(&format!(" and {} more", names.len() - SHOWN_MAX));
    }
    list
}

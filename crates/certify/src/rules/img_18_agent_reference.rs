//! IMG-18: the edge agent can parse the image references that the marketplace hands out.

use domain::offer::Plan;
use oci::{Digest, ImageReference, agent_accepts};

use crate::places::{each_plan, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-18",
    title: "The edge agent can parse the image references by digest and by tag",
    level: Level::Block,
    waivable: false,
    sources: &["T-38", "§12.4"],
    why: "A reference that the agent on the device cannot parse stops the whole deployment.",
    fix: "Shorten or rename what stands in the reference; for the host ask the operator.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let fault = references(subject, plan).into_iter().find_map(|reference| {
            let why = fault(&reference)?;
            Some(format!("{reference}: {why}"))
        });
        vec![match fault {
            Some(fault) => Outcome::failed(plan_place(plan), fault),
            None => Outcome::passed(
                plan_place(plan),
                format!("{}@sha256:…", repository(subject, plan)),
            ),
        }]
    })
}

fn repository(subject: &Subject, plan: &Plan) -> String {
    format!(
        "{}/{}",
        subject.registry_host,
        subject.offer.key().repository(&plan.plan)
    )
}

/// By digest, as manifests name it, and by each declared tag.
fn references(subject: &Subject, plan: &Plan) -> Vec<String> {
    let repository = repository(subject, plan);
    let any_digest = Digest::sha256_of(&[]);
    let root = subject
        .evidence(&plan.plan)
        .and_then(|evidence| evidence.root.as_ref());
    let mut all = vec![format!("{repository}@{}", root.unwrap_or(&any_digest))];
    // A tag of the wrong form is the business of IMG-13.
    let tags = plan
        .image
        .tags
        .iter()
        .filter(|tag| tag.parse::<domain::tag::ModuleTag>().is_ok());
    all.extend(tags.map(|tag| format!("{repository}:{tag}")));
    all
}

fn fault(reference: &str) -> Option<String> {
    match (
        agent_accepts(reference),
        reference.parse::<ImageReference>(),
    ) {
        (Err(error), _) => Some(error.to_string()),
        (_, Err(error)) => Some(error.to_string()),
        (Ok(()), Ok(_)) => None,
    }
}

//! IMG-11: the program that starts is built for the platform.

use domain::ids::PlanName;

use super::container;
use crate::places::each_contents;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{EntrypointKind, ImageEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "IMG-11",
    title: "The entry point is a program for the platform of its image",
    level: Level::Block,
    waivable: true,
    sources: &["T-14", "edge-runtime §6.1"],
    why: "A program for another processor does not start, however well the image is labelled.",
    fix: "Build the program for this platform, and check what the build copies into the image.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_contents(subject, |image, contents, place| {
        let plan = subject
            .plans
            .iter()
            .find(|plan| plan.images.iter().any(|each| each.digest == image.digest));
        if plan.is_some_and(|plan| defaults_start_another(subject, &plan.plan)) {
            return Outcome::not_applicable(place, "the createOptions start another program");
        }
        let Some(entry) = &contents.entrypoint else {
            return Outcome::failed(place, "the image names no program to start")
                .fix("Set ENTRYPOINT or CMD in the image.");
        };
        let path = &entry.path;
        match &entry.kind {
            EntrypointKind::Elf(elf)
                if elf.architecture() == Some(architecture(image).as_str()) =>
            {
                Outcome::passed(place, format!("{path} is built for {elf}"))
            }
            EntrypointKind::Elf(elf) => {
                Outcome::failed(place, format!("{path} is built for {elf}"))
            }
            EntrypointKind::Script => Outcome::not_applicable(place, format!("{path} is a script")),
            EntrypointKind::Other => {
                Outcome::failed(place, format!("{path} is neither a program nor a script"))
            }
            EntrypointKind::Absent => {
                Outcome::not_run(place, format!("{path} was not found in the layers"))
            }
        }
    })
}

fn architecture(image: &ImageEvidence) -> String {
    image.platform.normalized().architecture
}

fn defaults_start_another(subject: &Subject, plan: &PlanName) -> bool {
    let plan = subject.offer.plans.iter().find(|each| &each.plan == plan);
    plan.is_some_and(|plan| {
        let given =
            |name| container::member(&plan.defaults, name).is_some_and(|value| !value.is_null());
        given("Entrypoint") || given("Cmd")
    })
}

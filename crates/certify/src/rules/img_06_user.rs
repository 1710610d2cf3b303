//! IMG-06: the module does not run as root.

use domain::ids::PlanName;

use super::container;
use crate::places::each_image;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-06",
    title: "The module does not run as root",
    level: Level::Warn,
    waivable: true,
    sources: &["T-21"],
    why: "A fault in a module that runs as root is a fault with the rights of root on the device's kernel.",
    fix: "Set `USER` in the image to a number such as 1000, or `User` in the createOptions.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, |evidence, image, place| {
        let Some(config) = evidence.configs.get(&image.digest) else {
            return Outcome::not_run(place, "the image configuration was not read");
        };
        let of_defaults = default_user(subject, &evidence.plan);
        let user = of_defaults
            .or_else(|| config.user.clone())
            .unwrap_or_default();
        if is_root(&user) {
            let said = if user.is_empty() {
                "no user is set, which means root".to_owned()
            } else {
                format!("user {user}")
            };
            Outcome::failed(place, said)
        } else {
            Outcome::passed(place, format!("user {user}"))
        }
    })
}

/// The user that the plan's createOptions put in place of the image's.
fn default_user(subject: &Subject, plan: &PlanName) -> Option<String> {
    let plan = subject.offer.plans.iter().find(|each| &each.plan == plan)?;
    let user = container::member(&plan.defaults, "User")?;
    user.as_str()
        .filter(|user| !user.is_empty())
        .map(str::to_owned)
}

fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default().trim();
    name.is_empty() || name == "root" || name.parse::<u64>() == Ok(0)
}

//! IMG-22: the image runs on every platform that the support matrix requires.

use domain::matrix::Demand;
use domain::offer::PlatformOption;

use super::platforms;
use crate::places::{each_plan, listed, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-22",
    title: "The image has the platforms that the support matrix requires",
    level: Level::Block,
    waivable: true,
    sources: &["T-12", "T-37", "§5.2", "§11"],
    why: "A module supports what the edge runtime supports in production, so that a fleet of mixed devices can use it. \
          An offer that promises `any` needs one platform of the matrix.",
    fix: "Build and push the missing platform, or promise `any` where this marketplace allows it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_plan(subject, |plan| {
        let place = plan_place(plan);
        let Some(has) = platforms::of_plan(subject, plan) else {
            return vec![Outcome::not_run(
                place,
                "the image of this plan was not read",
            )];
        };
        let matrix = &subject.matrix;
        vec![match subject.offer.properties.platforms {
            PlatformOption::All => {
                let missing = platforms::missing(matrix, Demand::Required, &has);
                if missing.is_empty() {
                    Outcome::passed(place, format!("has {}", listed(has)))
                } else {
                    Outcome::failed(
                        place,
                        format!("has {}; missing {}", listed(has), listed(missing)),
                    )
                }
            }
            PlatformOption::Any if platforms::any_of(matrix, &has) => {
                Outcome::passed(place, format!("promises any, has {}", listed(has)))
            }
            PlatformOption::Any => Outcome::failed(
                place,
                format!("has {}, none of which is in the matrix", listed(has)),
            ),
        }]
    })
}

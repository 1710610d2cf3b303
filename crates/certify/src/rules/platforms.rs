//! Which platforms a plan has, for the rules on the support matrix: the real ones where the image was fetched, the
//! declared ones in the offline lint, and where one image was given by itself.

use domain::matrix::{Demand, Matrix};
use domain::offer::Plan;
use oci::Platform;

use crate::subject::Subject;

/// Platforms of a plan in their normal spelling; `None` when the image was to be read and was not.
pub(super) fn of_plan(subject: &Subject, plan: &Plan) -> Option<Vec<Platform>> {
    let by_itself = |plan| subject.evidence(plan).is_some_and(|found| found.by_itself);
    if !subject.imported || by_itself(&plan.plan) {
        let parsed = plan
            .platforms
            .iter()
            .filter_map(|text| text.parse::<Platform>().ok());
        return Some(parsed.map(|platform| platform.normalized()).collect());
    }
    let images = &subject.evidence(&plan.plan)?.images;
    Some(
        images
            .iter()
            .map(|image| image.platform.normalized())
            .collect(),
    )
}

/// Platforms of one demand that are not among `has`.
pub(super) fn missing(matrix: &Matrix, demand: Demand, has: &[Platform]) -> Vec<Platform> {
    matrix
        .with(demand)
        .filter(|wanted| !has.contains(&wanted.normalized()))
        .cloned()
        .collect()
}

/// Is one of the matrix's platforms among `has`, whatever its demand?
pub(super) fn any_of(matrix: &Matrix, has: &[Platform]) -> bool {
    matrix
        .platforms
        .iter()
        .any(|row| has.contains(&row.platform.normalized()))
}

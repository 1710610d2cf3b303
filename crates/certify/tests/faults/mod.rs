//! Tables of faults: what is broken, and the rules that must not like it.

pub(crate) mod behaviour;
pub(crate) mod defaults;
pub(crate) mod image;
pub(crate) mod listing;

use certify::Subject;

/// The codes that must fail, in the order of the register, and the change that makes them.
pub(crate) type Fault = (&'static [&'static str], fn(&mut Subject));

/// Every table.
pub(crate) const TABLES: &[&[Fault]] = &[
    listing::LISTING,
    image::TAGS,
    image::MANIFESTS,
    image::PLATFORMS,
    image::CONTENTS,
    defaults::SETTINGS,
    defaults::CREATE_OPTIONS,
    behaviour::STAGES,
    behaviour::WORK,
    behaviour::LIFE,
];

fn options(subject: &mut Subject, text: &str) {
    text.clone_into(&mut subject.offer.plans[0].defaults.create_options);
}

//! A plan's createOptions as the rules need them. Text that does not parse has no options: that it does not parse is
//! DEF-04's to say, and the other rules then did not run.

use domain::create_options::{CreateOptions, HostPort};
use domain::defaults::Defaults;
use domain::offer::Plan;
use serde_json::Value;

use crate::places::plan_place;
use crate::rule::Outcome;

/// The createOptions, if they parse.
pub(super) fn options(defaults: &Defaults) -> Option<CreateOptions> {
    CreateOptions::parse(defaults.create_options_text()).ok()
}

/// A top-level member; keys are compared without regard to case, as the agent does.
pub(super) fn member(defaults: &Defaults, name: &str) -> Option<Value> {
    let options = options(defaults)?;
    let mut members = options.members().iter();
    members
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}

/// Ports of the host that a plan takes.
pub(super) fn host_ports(defaults: &Defaults) -> Vec<HostPort> {
    options(defaults)
        .map(|options| options.host_ports().0)
        .unwrap_or_default()
}

/// Judges the createOptions of a plan, if they parse.
pub(super) fn judged(
    plan: &Plan,
    judge: impl FnOnce(&CreateOptions) -> Vec<Outcome>,
) -> Vec<Outcome> {
    match options(&plan.defaults) {
        Some(options) => judge(&options),
        None => vec![Outcome::not_run(
            plan_place(plan),
            "the createOptions do not parse; see DEF-04",
        )],
    }
}

/// The place of something inside the createOptions of a plan.
pub(super) fn place(plan: &Plan, pointer: &str) -> String {
    format!("{}, createOptions {pointer}", plan_place(plan))
}

/// Does a field of a default configuration lie in the port bindings?
pub(super) fn is_port_field(field: &str) -> bool {
    field.to_ascii_lowercase().contains("/portbindings")
}

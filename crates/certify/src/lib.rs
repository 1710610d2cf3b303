//! Certification: rules that judge gathered evidence, a policy that says how much each counts, and the report.
//!
//! One file a rule, each a pure function from a [`Subject`] to [`Outcome`]s. The same subject under the same policy
//! gives the same report, on the server and in `edgemart offer lint`. Left out: gathering the evidence (crate `app`),
//! running modules, and keeping reports (crate `store`).

#![warn(missing_docs)]

mod literal;
mod places;
pub mod policy;
mod reference;
pub mod report;
pub mod rule;
mod rules;
pub mod subject;
mod words;

pub use domain::behaviour::{self, Behaviour, Expected, Observed, Trial};
pub use policy::{Policy, RulePolicy, UnknownRule};
pub use reference::reference;
pub use report::{Report, RuleResult, RuleState, Verdict, run, run_trial};
pub use rule::{Level, Outcome, Rule, State, find, register};
pub use subject::{
    Contents, Entrypoint, EntrypointKind, ImageEvidence, LinkEvidence, LogoEvidence, MovedTag,
    PlanEvidence, Scan, Subject, Vulnerability, Waiver,
};

//! What a rule is, and the register of all of them. Codes are public for ever: never renumbered, never reused.
//! Left out: how much a rule counts in this installation, which is [`crate::policy`].

use serde::{Deserialize, Serialize};

use crate::subject::Subject;

/// How much a failure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The submission is rejected.
    Block,
    /// A person decides.
    Review,
    /// The publisher is told.
    Warn,
}

/// What a rule found at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Passed,
    /// Broken.
    Failed,
    /// The rule has nothing to say here.
    NotApplicable,
    /// The evidence that the rule needs is not there.
    NotRun,
    /// Something before it failed, so that the rule's turn never came.
    NotReached,
}

/// One judgement of one rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The judgement.
    pub state: State,
    /// Where, such as `plan standard, linux/arm64`; `offer` for the whole.
    pub place: String,
    /// What was seen.
    pub evidence: String,
    /// What to do here, when more can be said than [`Rule::fix`].
    pub fix: Option<String>,
}

impl Outcome {
    fn new(state: State, place: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self {
            state,
            place: place.into(),
            evidence: evidence.into(),
            fix: None,
        }
    }

    /// As it should be.
    pub fn passed(place: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self::new(State::Passed, place, evidence)
    }

    /// Broken.
    pub fn failed(place: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self::new(State::Failed, place, evidence)
    }

    /// Nothing to say.
    pub fn not_applicable(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(State::NotApplicable, place, why)
    }

    /// No evidence.
    pub fn not_run(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(State::NotRun, place, why)
    }

    /// Its turn never came.
    pub fn not_reached(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(State::NotReached, place, why)
    }

    /// With a remedy of its own.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Such as `IMG-04`.
    pub code: &'static str,
    /// What holds when it passes, in a few words.
    pub title: &'static str,
    /// How much a failure counts unless the policy says otherwise.
    pub level: Level,
    /// May a reviewer waive it? Rules that keep the marketplace's own promises cannot be waived.
    pub waivable: bool,
    /// Where it comes from: `T-…` of the domain facts, or a section.
    pub sources: &'static [&'static str],
    /// Why it exists.
    pub why: &'static str,
    /// What a publisher does when it fails.
    pub fix: &'static str,
    /// The rule itself.
    pub check: fn(&Subject) -> Vec<Outcome>,
}

/// Every rule, by code.
pub fn register() -> &'static [&'static Rule] {
    crate::rules::ALL
}

/// The rule with a code.
pub fn find(code: &str) -> Option<&'static Rule> {
    register().iter().copied().find(|rule| rule.code == code)
}

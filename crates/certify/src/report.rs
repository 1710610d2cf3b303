//! The report: every rule with its judgement, bound to the digests it looked at, and the verdict that follows.
//! Left out: who may see it, where it is kept, and how it looks.

use std::collections::BTreeMap;

use domain::behaviour::{Behaviour, Observed, Trial};
use domain::matrix::Matrix;
use domain::offer::Offer;
use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::places::listed;
use crate::policy::Policy;
use crate::rule::{Level, Outcome, Rule, State, find, register};
use crate::subject::{Subject, Waiver};

/// What a certification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`Policy::version`] it was made under.
    pub policy_version: String,
    /// Microseconds since 1970, UTC.
    pub checked_at: i64,
    /// One for each rule of the register, by code.
    pub results: Vec<RuleResult>,
    /// What the newest version of each plan named when it was checked.
    pub digests: BTreeMap<String, Digest>,
}

/// The judgement of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    /// Such as `IMG-04`.
    pub code: String,
    /// What holds when it passes.
    pub title: String,
    /// The level it had under the policy at that moment.
    pub level: Level,
    /// The judgement over all places.
    pub state: RuleState,
    /// Each place.
    pub outcomes: Vec<Finding>,
}

/// The judgement of one rule over all places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// As it should be, wherever it applies.
    Passed,
    /// Broken, and the submission is rejected for it.
    Failed,
    /// Broken, and the publisher is told.
    Warned,
    /// A person decides.
    NeedsReview,
    /// Broken, and a reviewer excused every place.
    Waived,
    /// Nothing to say about this offer.
    NotApplicable,
    /// Evidence was missing at one place at least, or the policy switched it off.
    NotRun,
    /// At one place at least, something before it failed.
    NotReached,
}

/// One outcome as the report keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The judgement.
    pub state: State,
    /// Where.
    pub place: String,
    /// What was seen.
    pub evidence: String,
    /// What to do; always there on a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Why a failure may be none of the module's, which ran without a part of the host that it asks for. Where the rule
    /// blocks, a reviewer decides instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// The waiver that excuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

/// What follows from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing stands in the way.
    Certified,
    /// These rules ask for a person.
    NeedsReview(Vec<String>),
    /// These rules reject.
    Blocked(Vec<String>),
}

/// Runs every rule.
pub fn run(subject: &Subject, policy: &Policy, now_micros: i64) -> Report {
    let results = register()
        .iter()
        .map(|rule| judge(rule, subject, policy, now_micros))
        .collect();
    let digests = subject
        .plans
        .iter()
        .filter_map(|plan| Some((plan.plan.to_string(), plan.root.clone()?)))
        .collect();
    Report {
        policy_version: policy.version.clone(),
        checked_at: now_micros,
        results,
        digests,
    }
}

/// Runs the rules on running modules over one module alone: what it did does not hang on the rest of its offer.
pub fn run_trial(offer: Offer, trial: Trial, policy: &Policy, now_micros: i64) -> Report {
    let mut subject = Subject::offline(offer, Matrix::default(), "");
    subject.behaviour = Behaviour::Tried(vec![trial]);
    let rules = register().iter().filter(|rule| is_on_running(rule.code));
    Report {
        policy_version: policy.version.clone(),
        checked_at: now_micros,
        results: rules
            .map(|rule| judge(rule, &subject, policy, now_micros))
            .collect(),
        digests: BTreeMap::new(),
    }
}

/// Is this the code of a rule on running modules?
fn is_on_running(code: &str) -> bool {
    code.starts_with("RUN-") || code.starts_with("FTP-")
}

fn judge(rule: &Rule, subject: &Subject, policy: &Policy, now_micros: i64) -> RuleResult {
    let level = policy.level(rule, now_micros);
    let outcomes = if policy.enabled(rule) {
        (rule.check)(subject)
    } else {
        vec![Outcome::not_run(
            "policy",
            "the operator's policy switches this rule off",
        )]
    };
    let outcomes: Vec<Finding> = outcomes
        .into_iter()
        .map(|outcome| {
            let doubt = doubt(rule, &outcome, &subject.behaviour);
            finding((rule, level), outcome, doubt, &subject.waivers)
        })
        .collect();
    RuleResult {
        code: rule.code.to_owned(),
        title: rule.title.to_owned(),
        level,
        state: overall(level, &outcomes),
        outcomes,
    }
}

/// Why a failure may be none of the module's: it ran without what it asks the host for.
fn doubt(rule: &Rule, outcome: &Outcome, behaviour: &Behaviour) -> Option<String> {
    let Behaviour::Tried(trials) = behaviour else {
        return None;
    };
    if outcome.state != State::Failed || !is_on_running(rule.code) {
        return None;
    }
    let trial = trials.iter().find(|trial| trial.place == outcome.place)?;
    let missed = missed(trial.observed.as_ref().ok()?);
    (!missed.is_empty()).then(|| {
        format!(
            "it ran without what its createOptions ask the host for ({})",
            listed(missed)
        )
    })
}

/// What weighs of the createOptions that a module was not given.
fn missed(observed: &Observed) -> Vec<&str> {
    let left = observed.left_out.iter().filter(|left| left.weighs);
    left.map(|left| left.what.as_str()).collect()
}

fn finding(
    (rule, level): (&Rule, Level),
    outcome: Outcome,
    doubt: Option<String>,
    waivers: &[Waiver],
) -> Finding {
    let failed = outcome.state == State::Failed;
    let excuses = |waiver: &&Waiver| {
        rule.waivable
            && waiver.rule == rule.code
            && waiver.place == outcome.place
            && !waiver.reason.trim().is_empty()
    };
    Finding {
        state: outcome.state,
        waiver: waivers
            .iter()
            .find(|waiver| failed && excuses(waiver))
            .cloned(),
        fix: outcome.fix.or_else(|| failed.then(|| rule.fix.to_owned())),
        place: outcome.place,
        evidence: match &doubt {
            Some(doubt) if level == Level::Block => {
                format!("{}; {doubt}, so a reviewer decides", outcome.evidence)
            }
            Some(doubt) => format!("{}; {doubt}", outcome.evidence),
            None => outcome.evidence,
        },
        doubt,
    }
}

/// A failure that nobody excused decides, and one in doubt goes to a reviewer instead of blocking; then evidence that is missing, so that a rule which looked at half of an
/// offer never counts as passed; then an excuse; then success.
fn overall(level: Level, outcomes: &[Finding]) -> RuleState {
    let any = |state: State| outcomes.iter().any(|outcome| outcome.state == state);
    let mut broken = outcomes
        .iter()
        .filter(|outcome| outcome.state == State::Failed && outcome.waiver.is_none())
        .peekable();
    if broken.peek().is_some() {
        match level {
            Level::Block if broken.all(|outcome| outcome.doubt.is_some()) => RuleState::NeedsReview,
            Level::Block => RuleState::Failed,
            Level::Review => RuleState::NeedsReview,
            Level::Warn => RuleState::Warned,
        }
    } else if any(State::NotRun) {
        RuleState::NotRun
    } else if any(State::NotReached) {
        RuleState::NotReached
    } else if any(State::Failed) {
        RuleState::Waived
    } else if any(State::Passed) {
        RuleState::Passed
    } else {
        RuleState::NotApplicable
    }
}

impl Report {
    /// What follows: one blocked rule outweighs any number of open questions.
    pub fn verdict(&self) -> Verdict {
        let failed = self.codes(RuleState::Failed);
        if !failed.is_empty() {
            return Verdict::Blocked(failed);
        }
        let open = self.codes(RuleState::NeedsReview);
        if open.is_empty() {
            Verdict::Certified
        } else {
            Verdict::NeedsReview(open)
        }
    }

    /// The codes of the rules in a state.
    pub fn codes(&self, state: RuleState) -> Vec<String> {
        self.results
            .iter()
            .filter(|result| result.state == state)
            .map(|result| result.code.clone())
            .collect()
    }

    /// How many rules are in a state.
    pub fn count(&self, state: RuleState) -> usize {
        self.results
            .iter()
            .filter(|result| result.state == state)
            .count()
    }

    /// How many rules passed.
    pub fn passed(&self) -> usize {
        self.count(RuleState::Passed)
    }

    /// How many applicable rules ran and were judged by the rule alone: the second N of "passed N of N". Warnings and
    /// waived rules are counted apart, and shown beside it.
    pub fn applicable(&self) -> usize {
        [RuleState::Passed, RuleState::Failed, RuleState::NeedsReview]
            .into_iter()
            .map(|state| self.count(state))
            .sum()
    }

    /// How many rules failed and were waived by a reviewer.
    pub fn waived(&self) -> usize {
        self.count(RuleState::Waived)
    }

    /// `passed 31 of 31 checks on DATE for DIGEST`, and what is counted apart when there is any.
    pub fn summary_line(&self, date: &str, digest: &Digest) -> String {
        let apart = [
            (RuleState::Warned, "warning"),
            (RuleState::NeedsReview, "for a reviewer"),
            (RuleState::Waived, "waived"),
            (RuleState::NotApplicable, "not applicable"),
            (RuleState::NotReached, "not reached"),
            (RuleState::NotRun, "not run"),
        ]
        .into_iter()
        .filter_map(|(state, word)| {
            let count = self.count(state);
            let plural = if word == "warning" && count != 1 {
                "s"
            } else {
                ""
            };
            (count > 0).then(|| format!("{count} {word}{plural}"))
        })
        .collect::<Vec<_>>();
        let mut line = format!(
            "passed {} of {} checks on {date} for {digest}",
            self.passed(),
            self.applicable()
        );
        if !apart.is_empty() {
            line.push_str(&format!(" ({})", apart.join(", ")));
        }
        line
    }
}

impl RuleResult {
    /// The rule in today's register; `None` for a rule that a later version no longer has.
    pub fn rule(&self) -> Option<&'static Rule> {
        find(&self.code)
    }

    /// The places that failed and were not excused.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.state == State::Failed && outcome.waiver.is_none())
    }
}

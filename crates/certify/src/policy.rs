//! How much each rule counts in one installation: data that an operator edits. The default changes nothing.
//! Left out: what the rules do, and the support matrix, which is [`domain::matrix::Matrix`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rule::{Level, Rule, find, register};

/// The policy of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyText")]
pub struct Policy {
    /// A name that reports carry, such as `2026-11`; change it with every edit.
    pub version: String,
    /// Only rules that differ from their defaults need to stand here, by code.
    pub rules: BTreeMap<String, RulePolicy>,
}

/// What differs for one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RulePolicy {
    /// `false` switches the rule off; the report then says *not run*.
    pub enabled: bool,
    /// Another level than the rule's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Microseconds since 1970, UTC: before this moment a failure only warns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<i64>,
}

impl Default for RulePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            level: None,
            effective_from: None,
        }
    }
}

/// A policy names a rule that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy names the rule `{found}`, which does not exist; the nearest is `{nearest}`")]
pub struct UnknownRule {
    /// What the policy says.
    pub found: String,
    /// What was probably meant.
    pub nearest: &'static str,
}

/// The policy before its rule codes are known to exist.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    #[serde(default = "default_version")]
    version: String,
    #[serde(default)]
    rules: BTreeMap<String, RulePolicy>,
}

fn default_version() -> String {
    "default".to_owned()
}

impl TryFrom<PolicyText> for Policy {
    type Error = UnknownRule;
    fn try_from(text: PolicyText) -> Result<Self, UnknownRule> {
        Self::new(text.version, text.rules)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: default_version(),
            rules: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// A policy whose every code is a rule.
    ///
    /// # Errors
    /// The first code that is none, with the nearest that is.
    pub fn new(
        version: impl Into<String>,
        rules: BTreeMap<String, RulePolicy>,
    ) -> Result<Self, UnknownRule> {
        if let Some(code) = rules.keys().find(|code| find(code).is_none()) {
            return Err(UnknownRule {
                found: code.chars().take(40).collect(),
                nearest: nearest(code),
            });
        }
        Ok(Self {
            version: version.into(),
            rules,
        })
    }

    /// Is the rule switched on?
    pub fn enabled(&self, rule: &Rule) -> bool {
        self.rules.get(rule.code).is_none_or(|own| own.enabled)
    }

    /// The level of a rule at a moment: before its effective date it only warns.
    pub fn level(&self, rule: &Rule, now_micros: i64) -> Level {
        let Some(own) = self.rules.get(rule.code) else {
            return rule.level;
        };
        if own.effective_from.is_some_and(|from| now_micros < from) {
            return Level::Warn;
        }
        own.level.unwrap_or(rule.level)
    }
}

/// The known code with the fewest edits to what was written.
fn nearest(code: &str) -> &'static str {
    let wanted: String = code.chars().take(40).collect::<String>().to_uppercase();
    register()
        .iter()
        .map(|rule| rule.code)
        .min_by_key(|known| strsim::damerau_levenshtein(known, &wanted))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn an_unknown_code_is_refused_with_the_nearest() {
        for (written, meant) in [
            ("IMG-4", "IMG-04"),
            ("img-01", "IMG-01"),
            ("DEF-O5", "DEF-05"),
            ("LTS-03", "LST-03"),
        ] {
            let error = read(&format!(r#"{{"rules":{{"{written}":{{}}}}}}"#)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("`{meant}`")), "{written}: {text}");
        }
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(read(r#"{"rulez":{}}"#).is_err());
        assert!(read(r#"{"rules":{"IMG-04":{"enable":false}}}"#).is_err());
        assert!(read(r#"{"rules":{"IMG-04":{"level":"loud"}}}"#).is_err());
    }

    #[test]
    fn a_policy_reads_back_as_written() {
        let text = r#"{"version":"2026-11","rules":{"IMG-05":{"enabled":false},"LST-07":{"enabled":true,"level":"block","effective_from":9}}}"#;
        let policy = read(text).unwrap();
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        assert_eq!(read("{}").unwrap(), Policy::default());
    }

    #[test]
    fn a_rule_warns_until_its_effective_date() {
        let policy =
            read(r#"{"rules":{"LST-07":{"level":"block","effective_from":1000}}}"#).unwrap();
        let rule = find("LST-07").unwrap();
        assert_eq!(policy.level(rule, 999), Level::Warn);
        assert_eq!(policy.level(rule, 1000), Level::Block);
        assert_eq!(Policy::default().level(rule, 999), rule.level);
    }
}

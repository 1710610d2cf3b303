//! The test overlay of an offer (`certify.yaml` in its folder): what a trial needs to know beyond the defaults. Values for
//! placeholders, what is expected, what to feed and what to call, a plan at a time.
//!
//! It changes nothing that a customer gets, and judges nothing: the trial is the defaults plus this, the rules are the
//! same. Left out: the reading of YAML (`app::folder`), and waivers, which a reviewer grants for a rule and a reason.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::PlanName;

pub use check::{
    BODY_BYTES_MAX, CALLS_MAX, HOSTS_MAX, METHOD_CHARS_MAX, PLACEHOLDER_VALUE_CHARS_MAX,
    PROPERTIES_MAX, check,
};

/// What trials are told, by plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overlay {
    /// By the plan's name; a plan that is missing is tried with its defaults alone.
    pub plans: BTreeMap<PlanName, PlanOverlay>,
}

impl Overlay {
    /// It says nothing.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// What it says about a plan.
    pub fn plan(&self, name: &PlanName) -> Option<&PlanOverlay> {
        self.plans.get(name)
    }
}

/// What the trial of one plan is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanOverlay {
    /// Values for the placeholders of the defaults, by name without brackets. Reviewers see them: no passwords.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, String>,
    /// Outputs that have to write something in the trial; without any, those of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What is put before inputs, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Feed>,
    /// Methods that are called, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Call>,
    /// Hosts the module talks to besides the hub. They are not reachable in the trial; asking for them is no fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

/// A message for an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The input.
    pub name: String,
    /// Any JSON; a usual reading of a sensor when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Application properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// A call of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub name: String,
    /// Any JSON; `null` when it is left out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub payload: Value,
}

#[cfg(test)]
mod tests;

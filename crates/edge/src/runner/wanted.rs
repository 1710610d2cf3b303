//! What a plan of an offer asks for, as a plan of a run: the same for the marketplace that certifies it and for the
//! publisher who tries it first. Left out: which image it is, and where it comes from.

use std::collections::BTreeMap;

use domain::behaviour::Expected;
use domain::create_options::{CreateOptions, CreateOptionsError};
use domain::defaults::NamedText;
use domain::offer::{self, Offer};
use serde_json::{Map, Value};

use super::{Limits, Pace, Plan};
use crate::identity::is_id;

/// Why nobody can start a plan as it is.
#[derive(Debug, thiserror::Error)]
pub enum NotStartable {
    /// Placeholders have no value.
    #[error(
        "the defaults leave {} to the customer, so nobody can start them as they are",
        .0.join(", ")
    )]
    Open(Vec<String>),
    /// The module's name cannot stand in a topic.
    #[error("{0:?} is no name for a module")]
    Name(String),
    /// The createOptions are no JSON object.
    #[error(transparent)]
    CreateOptions(#[from] CreateOptionsError),
}

/// What the defaults of a plan ask for; the image is left empty.
///
/// # Errors
/// Why they cannot be started.
pub fn wanted(offer: &Offer, plan: &offer::Plan) -> Result<Plan, NotStartable> {
    let filled = domain::placeholder::fill(&plan.defaults, &BTreeMap::new());
    let defaults = filled.map_err(|open| {
        NotStartable::Open(
            open.into_iter()
                .map(|placeholder| placeholder.name)
                .collect(),
        )
    })?;
    if !is_id(&defaults.module_name) {
        return Err(NotStartable::Name(defaults.module_name));
    }
    let create_options = CreateOptions::parse(defaults.create_options_text())?;
    let desired: Map<String, Value> = defaults
        .twin
        .into_iter()
        .map(|property| (property.name, property.value))
        .collect();
    Ok(Plan {
        expected: Expected {
            kind: offer.properties.kind,
            outputs: plan.outputs.clone(),
            inputs: plan.inputs.clone(),
            desired: desired.keys().cloned().collect(),
            product: Some(format!("{}.{}", offer.key(), plan.plan)),
            ..Expected::default()
        },
        module: defaults.module_name,
        image: String::new(),
        compressed_bytes: None,
        routes: pairs(defaults.routes),
        desired,
        variables: pairs(defaults.env),
        create_options,
        limits: Limits::default(),
        pace: Pace::default(),
    })
}

fn pairs(texts: Vec<NamedText>) -> Vec<(String, String)> {
    texts
        .into_iter()
        .map(|text| (text.name, text.value))
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::defaults::{Defaults, NamedJson};
    use domain::offer::ModuleKind;
    use serde_json::json;

    use super::*;

    fn sample() -> (Offer, offer::Plan) {
        let key = "contoso.sensor".parse().expect("a key");
        let mut offer = Offer::empty(&key);
        offer.properties.kind = ModuleKind::Filter;
        let plan = json!({"plan": "standard", "inputs": ["in"], "outputs": ["out"]});
        let mut plan: offer::Plan = serde_json::from_value(plan).expect("a plan");
        plan.defaults = Defaults {
            module_name: "Sensor".into(),
            routes: vec![NamedText::new("up", "FROM /messages/* INTO $upstream")],
            twin: vec![NamedJson::new("interval", json!(5))],
            env: vec![NamedText::new("SERVER", "tcp://localhost:1")],
            create_options: r#"{"HostConfig":{"Memory":1000}}"#.into(),
        };
        (offer, plan)
    }

    #[test]
    fn a_plan_is_started_with_its_own_defaults() {
        let (offer, plan) = sample();
        let wanted = wanted(&offer, &plan).expect("it can be started");
        assert_eq!(wanted.module, "Sensor");
        assert_eq!(wanted.routes.len(), 1);
        assert_eq!(wanted.desired["interval"], 5);
        assert_eq!(
            wanted.variables,
            [("SERVER".to_owned(), "tcp://localhost:1".to_owned())]
        );
        let expected = &wanted.expected;
        assert_eq!(expected.kind, ModuleKind::Filter);
        assert_eq!((&*expected.inputs[0], &*expected.outputs[0]), ("in", "out"));
        assert_eq!(expected.desired, ["interval"]);
        let product = expected.product.as_deref();
        assert_eq!(product, Some("contoso.sensor.standard"));
    }

    #[test]
    fn what_cannot_be_started_says_why() {
        let (offer, mut plan) = sample();
        plan.defaults.env[0].value = "tcp://<SERVER>:<PORT>".into();
        let open = wanted(&offer, &plan).expect_err("two are open");
        assert!(open.to_string().contains("SERVER, PORT"), "{open}");
        let (_, mut plan) = sample();
        plan.defaults.module_name = "a/b".into();
        let name = wanted(&offer, &plan).expect_err("no name");
        assert!(name.to_string().contains("a/b"), "{name}");
        let (_, mut plan) = sample();
        plan.defaults.create_options = "[]".into();
        assert!(matches!(
            wanted(&offer, &plan),
            Err(NotStartable::CreateOptions(_))
        ));
    }
}

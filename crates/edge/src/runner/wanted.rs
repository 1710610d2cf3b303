//! What a plan of an offer asks for, as a plan of a run: the same for the marketplace that certifies it and for the
//! publisher who tries it first. Values and samples of the test overlay are in it. Left out: which image it is, and where it comes from.

use std::collections::BTreeMap;

use domain::behaviour::Expected;
use domain::create_options::{CreateOptions, CreateOptionsError};
use domain::defaults::NamedText;
use domain::offer::{self, Offer};
use domain::overlay::{Feed, PlanOverlay};
use serde_json::{Map, Value};

use super::{Limits, Pace, Plan};
use crate::identity::is_id;

/// Why nobody can start a plan as it is.
#[derive(Debug, thiserror::Error)]
pub enum NotStartable {
    /// Placeholders have no value.
    #[error(
        "the defaults leave {} to the customer, so nobody can start them as they are; \
         give values for the trial in certify.yaml, under plans.{plan}.placeholders",
        .names.join(", ")
    )]
    Open {
        /// The plan.
        plan: String,
        /// Their names.
        names: Vec<String>,
    },
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
    let none = PlanOverlay::default();
    let overlay = offer.certify.plan(&plan.plan).unwrap_or(&none);
    let filled = domain::placeholder::fill(&plan.defaults, &overlay.placeholders);
    let defaults = filled.map_err(|open| NotStartable::Open {
        plan: plan.plan.to_string(),
        names: open
            .into_iter()
            .map(|placeholder| placeholder.name)
            .collect(),
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
    let feeds = feeds(plan, overlay);
    Ok(Plan {
        expected: Expected {
            kind: offer.properties.kind,
            outputs: if overlay.outputs.is_empty() {
                plan.outputs.clone()
            } else {
                overlay.outputs.clone()
            },
            inputs: names(feeds.iter().map(|feed| &feed.name)),
            methods: names(overlay.methods.iter().map(|call| &call.name)),
            desired: desired.keys().cloned().collect(),
            hosts: overlay.hosts.clone(),
            product: Some(format!("{}.{}", offer.key(), plan.plan)),
        },
        feeds,
        calls: overlay.methods.clone(),
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

/// A module of which nothing is known but its name.
pub fn plain(module: &str) -> Plan {
    Plan {
        module: module.to_owned(),
        image: String::new(),
        compressed_bytes: None,
        routes: Vec::new(),
        desired: Map::new(),
        variables: Vec::new(),
        create_options: CreateOptions::default(),
        expected: Expected::default(),
        feeds: Vec::new(),
        calls: Vec::new(),
        limits: Limits::default(),
        pace: Pace::default(),
    }
}

/// The samples of the overlay, and the usual reading for an input that has none.
fn feeds(plan: &offer::Plan, overlay: &PlanOverlay) -> Vec<Feed> {
    let given = |name: &String| overlay.inputs.iter().any(|feed| feed.name == *name);
    let rest = plan.inputs.iter().filter(|name| !given(name));
    let rest = rest.map(|name| Feed {
        name: name.clone(),
        body: None,
        properties: BTreeMap::new(),
    });
    overlay.inputs.iter().cloned().chain(rest).collect()
}

/// Each name once, in the order given.
fn names<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
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
    fn the_test_overlay_fills_and_feeds() {
        let (mut offer, mut plan) = sample();
        plan.defaults.env[0].value = "tcp://<SERVER>".into();
        plan.inputs.push("alarms".into());
        let overlay = json!({"plans": {"standard": {
            "placeholders": {"SERVER": "localhost"}, "outputs": ["readings"], "hosts": ["a.example"],
            "inputs": [{"name": "in", "body": 1}, {"name": "in", "body": 2}],
            "methods": [{"name": "reset", "payload": {"to": 0}}],
        }}});
        offer.certify = serde_json::from_value(overlay).expect("an overlay");
        let wanted = wanted(&offer, &plan).expect("it can be started");
        assert_eq!(wanted.variables[0].1, "tcp://localhost");
        assert_eq!(wanted.expected.outputs, ["readings"]);
        assert_eq!(wanted.expected.inputs, ["in", "alarms"]);
        assert_eq!(wanted.expected.methods, ["reset"]);
        assert_eq!(wanted.expected.hosts, ["a.example"]);
        let bodies: Vec<_> = wanted.feeds.iter().map(|feed| feed.body.clone()).collect();
        assert_eq!(bodies, [Some(json!(1)), Some(json!(2)), None]);
        assert_eq!(wanted.calls[0].payload, json!({"to": 0}));
    }

    #[test]
    fn what_cannot_be_started_says_why() {
        let (offer, mut plan) = sample();
        plan.defaults.env[0].value = "tcp://<SERVER>:<PORT>".into();
        let open = wanted(&offer, &plan).expect_err("two are open");
        let open = open.to_string();
        assert!(open.contains("SERVER, PORT"), "{open}");
        assert!(open.contains("certify.yaml") && open.contains("plans.standard.placeholders"));
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

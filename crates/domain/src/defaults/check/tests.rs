//! The rules on defaults, one breach at a time.

use super::*;
use crate::defaults::NamedJson;
use serde_json::json;

fn sound() -> Defaults {
    Defaults {
        module_name: "Filter".into(),
        routes: vec![
            NamedText::new(
                "ToFilter",
                "FROM /messages/modules/<FROM_MODULE_NAME>/outputs/* INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")",
            ),
            NamedText::new(
                "FilterToCloud",
                "FROM /messages/modules/Filter/outputs/* INTO $upstream",
            ),
        ],
        twin: vec![NamedJson::new(
            "Threshold",
            json!({"high": 30, "unit": "C"}),
        )],
        env: vec![NamedText::new("SERVER", "<SERVER>")],
        create_options: r#"{"HostConfig":{"PortBindings":{"5012/tcp":[{"HostPort":"<PORT>"}]}}}"#
            .into(),
    }
}

/// Fields of the errors and of the warnings that a change to sound defaults brings.
fn broken(change: impl FnOnce(&mut Defaults)) -> (Vec<String>, Vec<String>) {
    let mut defaults = sound();
    change(&mut defaults);
    let fields = |level| {
        check_defaults(&defaults)
            .into_iter()
            .filter(|violation| violation.level == level)
            .map(|violation| violation.field)
            .collect()
    };
    (fields(Level::Error), fields(Level::Warning))
}

fn only(field: &str) -> Vec<String> {
    vec![field.to_owned()]
}

#[test]
fn sound_defaults_have_no_violation() {
    assert_eq!(check_defaults(&sound()), []);
}

#[test]
fn module_names() {
    for name in ["", "1a", "a-b", "a b", "edgeHub", "from", &"a".repeat(65)] {
        let (errors, _) = broken(|defaults| defaults.module_name = name.to_owned());
        assert!(errors.contains(&"module_name".to_owned()), "{name:?}");
    }
}

#[test]
fn routes() {
    let with = |name: &str, route: &str| {
        let route = NamedText::new(name, route);
        broken(|defaults| defaults.routes = vec![route])
    };
    let own = "FROM /messages/modules/Filter/* INTO $upstream";
    assert_eq!(with("a b", own).0, only("routes.a b"));
    assert_eq!(
        with("r", "FROM /messages INTO upstream").0,
        only("routes.r")
    );
    assert_eq!(with("r", &format!("{own} now")).0, only("routes.r"));
    assert_eq!(
        with("r", "FROM /messages/modules/Filter INTO $iothub").0,
        only("routes.r")
    );
    assert_eq!(
        with("r", "FROM /messages/modules/Other/* INTO $upstream")
            .1
            .len(),
        2
    );
    assert_eq!(
        with("r", &own.replace(" INTO", "\nINTO")).0,
        only("routes.r")
    );
    let long = format!("{own}{}", " ".repeat(600));
    assert_eq!(with("r", &long), (vec![], only("routes.r")));
    assert_eq!(with("<R>", own).0, only("routes.<R>"));
}

#[test]
fn duplicates_and_counts() {
    let twice = |defaults: &mut Defaults| defaults.env.push(NamedText::new("SERVER", "x"));
    assert_eq!(broken(twice).0, only("env.SERVER"));
    let many = |defaults: &mut Defaults| {
        defaults.env = (0..6)
            .map(|n| NamedText::new(format!("A{n}"), "x"))
            .collect();
    };
    assert_eq!(broken(many), (vec![], only("env")));
}

#[test]
fn twin_env_and_create_options() {
    let array = |defaults: &mut Defaults| defaults.twin[0].value = json!({"list": [1]});
    assert_eq!(broken(array).0, only("twin.Threshold/list"));
    let agents = |defaults: &mut Defaults| defaults.env[0].name = "IOTEDGE_DEVICEID".into();
    assert_eq!(broken(agents).0, only("env.IOTEDGE_DEVICEID"));
    let json = |defaults: &mut Defaults| defaults.create_options = "{\"HostConfig\":{}".into();
    assert_eq!(broken(json).0, only("create_options"));
    let key =
        |defaults: &mut Defaults| defaults.create_options = r#"{"Labels":{"<L>":"x"}}"#.into();
    assert_eq!(broken(key).0, only("create_options/Labels/<L>"));
    let port = |defaults: &mut Defaults| {
        defaults.create_options = defaults.create_options.replace("<PORT>", "99999");
    };
    assert_eq!(
        broken(port).0,
        only("create_options/HostConfig/PortBindings/5012~1tcp/0/HostPort")
    );
    let big = |defaults: &mut Defaults| {
        defaults.twin = (0..9)
            .map(|n| NamedJson::new(format!("p{n}"), json!("x".repeat(4000))))
            .collect();
    };
    assert!(broken(big).0.contains(&"twin".to_owned()));
}

//! Default configurations with one fault each.

use certify::Subject;
use domain::defaults::{NamedJson, NamedText};
use serde_json::json;

use super::{Fault, options};

/// Module name, routes, twin, environment.
pub(super) const SETTINGS: &[Fault] = &[
    (&["DEF-01"], |s| {
        let defaults = &mut s.offer.plans[0].defaults;
        defaults.module_name = "Sensor-Module".into();
        defaults.routes[0].value = defaults.routes[0]
            .value
            .replace("SensorModule", "Sensor-Module");
    }),
    (&["DEF-02"], |s| {
        s.offer.plans[0].defaults.routes[0].value = "FROM nowhere".into();
    }),
    (&["DEF-02"], |s| {
        s.offer.plans[0].outputs = vec!["humidity".into()];
    }),
    (&["DEF-02"], |s| {
        s.offer.plans[0].inputs = vec!["in".into()];
        s.offer.plans[0].defaults.routes[0].value =
                "FROM /messages/modules/<OTHER>/* INTO BrokeredEndpoint(\"/modules/SensorModule/inputs/out\")".into();
    }),
    (&[], |s| {
        s.offer.plans[0].inputs = vec!["in".into()];
        s.offer.plans[0].defaults.routes[0].value =
                "FROM /messages/modules/<OTHER>/* INTO BrokeredEndpoint(\"/modules/SensorModule/inputs/in\")".into();
    }),
    (&["DEF-03"], |s| {
        s.offer.plans[0]
            .defaults
            .env
            .push(NamedText::new("IOTEDGE_MODULEID", "x"));
        describe(s, "IOTEDGE_MODULEID");
    }),
    (&["DEF-06"], |s| {
        s.offer.plans[0].defaults.env[0] = NamedText::new("Interval", "<my server>");
    }),
    (&["DEF-08"], |s| {
        s.offer.plans[0].defaults.twin[0].value = json!([1, 2]);
    }),
    (&["DEF-09"], |s| {
        s.offer.plans[0].defaults.env[0].value = "hunter2".into();
    }),
    (&["DEF-09"], |s| {
        s.offer.plans[0].defaults.env[0].value.clear();
    }),
    (&["DEF-09"], |s| {
        let value = json!({"connectionString": "HostName=h;SharedAccessKey=abc="});
        s.offer.plans[0]
            .defaults
            .twin
            .push(NamedJson::new("Hub", value));
        describe(s, "Hub");
    }),
    (&["DEF-10"], |s| {
        s.offer.plans[0].defaults.env[0] = NamedText::new("Interval", "localhost:5000/a/b:1");
    }),
    (&["DEF-11"], |s| {
        s.offer.plans[0].defaults.routes[0].value =
            "FROM /messages/modules/Stranger/outputs/o INTO $upstream".into();
    }),
    (&["DEF-13"], |s| {
        for name in ["A1", "A2", "A3", "A4", "A5"] {
            s.offer.plans[0]
                .defaults
                .env
                .push(NamedText::new(name, "1"));
            describe(s, name);
        }
    }),
];

/// createOptions.
pub(super) const CREATE_OPTIONS: &[Fault] = &[
    (&["DEF-04"], |s| options(s, "{")),
    (&["DEF-05"], |s| {
        options(s, r#"{"HostConfig":{"Privileged":true}}"#);
    }),
    (&["DEF-05"], |s| {
        options(s, r#"{"HostConfig":{"Binds":["/var/run/docker.sock:/s"]}}"#);
    }),
    (&["DEF-07"], |s| {
        options(
            s,
            r#"{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}]}}}"#,
        );
        describe(s, "443");
    }),
    (&["DEF-07"], |s| {
        options(
            s,
            r#"{"HostConfig":{"PortBindings":{"1/tcp":[{"HostPort":"8081"}],"2/tcp":[{"HostPort":"8081"}]}}}"#,
        );
    }),
    (&["DEF-10"], |s| {
        options(s, r#"{"Labels":{"helper":"docker.io/a/b@sha256:0000"}}"#);
    }),
    (&["DEF-12"], |s| {
        options(
            s,
            r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/ttyS0"}]}}"#,
        );
    }),
    (&["DEF-12"], |s| {
        options(
            s,
            r#"{"HostConfig":{"NetworkMode":"host"},"NetworkingConfig":{"EndpointsConfig":{"host":{}}}}"#,
        );
    }),
    (&["DEF-12", "DEF-14"], |s| {
        options(s, r#"{"HostConfig":{"NetworkMode":"host"}}"#);
    }),
    (&["DEF-13"], |s| options(s, r#"{"Env":["A=b"]}"#)),
    (&[], |s| {
        options(s, r#"{"HostConfig":{"Binds":["/srv/data:/data"]}}"#);
    }),
    (&[], |s| {
        options(
            s,
            r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"<MY_PORT>"}]}}}"#,
        );
    }),
];

fn describe(subject: &mut Subject, text: &str) {
    subject.offer.plans[0]
        .description
        .push_str(&format!("<p>{text}</p>"));
}

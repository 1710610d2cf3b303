//! The shapes of the `$edgeAgent` and `$edgeHub` sections, in the versions there are (domain fact sheet §12.2,
//! §12.3; edge-runtime fact sheet §4.2).
//!
//! Version 1.0 lets unknown members pass, 1.1 and later refuse them. For edgeHub 1.3 nobody published a schema: it
//! is 1.2 with the member `integrity`.

use super::schema::{Name, Rule, Shape};

/// What differs between the versions of the agent's section and of the templates around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    /// Version that `schemaVersion` must contain, if one is asked for.
    pub(super) version: Option<&'static str>,
    /// Members of `properties.desired` nobody knows.
    pub(super) desired_open: bool,
    /// Members of `runtime`, its settings, credentials and variables nobody knows.
    pub(super) runtime_open: bool,
    pub(super) credential_name: Name,
    /// Other system modules.
    pub(super) system_open: bool,
    /// Modules whose name does not fit.
    pub(super) names_open: bool,
    /// Members of a module nobody knows.
    pub(super) entry_open: bool,
    /// Members of a module's settings nobody knows.
    pub(super) settings_open: bool,
    /// Whether `createOptions01` and so on, `imagePullPolicy` and `startupOrder` are known.
    pub(super) extended: bool,
    /// Whether createOptions may be an object.
    pub(super) object_options: bool,
}

/// Section version 1.0, and the agent's part of envelope 1.0.
pub(super) const AGENT_1_0: Profile = Profile {
    version: Some("1.0"),
    desired_open: true,
    runtime_open: true,
    credential_name: Name::Filled,
    system_open: false,
    names_open: false,
    entry_open: true,
    settings_open: true,
    extended: false,
    object_options: false,
};

/// Section version 1.1, and the agent's part of envelope 2.0.
pub(super) const AGENT_1_1: Profile = Profile {
    version: Some("1.1"),
    desired_open: false,
    runtime_open: false,
    credential_name: Name::Plain,
    system_open: false,
    names_open: false,
    entry_open: false,
    settings_open: false,
    extended: true,
    object_options: false,
};

const POLICIES: &[&str] = &["never", "on-failure", "on-unhealthy", "always"];
const U32: i64 = u32::MAX as i64;

/// The section of the edge agent.
pub(super) fn agent(profile: &Profile) -> Shape {
    let modules = Shape {
        named: Some((Name::Module, Box::new(Rule::Object(module(profile))))),
        open: profile.names_open,
        ..Shape::default()
    };
    let version = profile.version.map_or(Rule::Text, Rule::Version);
    let desired = Shape {
        required: &["schemaVersion", "runtime", "systemModules", "modules"],
        fields: vec![
            ("schemaVersion", version),
            ("runtime", Rule::Object(runtime(profile))),
            ("systemModules", Rule::Object(system_modules(profile))),
            ("modules", Rule::Object(modules)),
        ],
        open: profile.desired_open,
        ..Shape::default()
    };
    section(desired, profile.desired_open)
}

/// A section: `properties.desired` and, if open, anything else.
pub(super) fn section(desired: Shape, open: bool) -> Shape {
    Shape {
        required: &["properties.desired"],
        fields: vec![("properties.desired", Rule::Object(desired))],
        open,
        ..Shape::default()
    }
}

fn runtime(profile: &Profile) -> Shape {
    let credentials = Shape {
        named: Some((
            profile.credential_name,
            Box::new(Rule::Object(credential(profile.runtime_open))),
        )),
        ..Shape::default()
    };
    let settings = Shape {
        fields: vec![
            ("minDockerVersion", Rule::Text),
            ("loggingOptions", Rule::Text),
            ("registryCredentials", Rule::Object(credentials)),
        ],
        open: profile.runtime_open,
        ..Shape::default()
    };
    Shape {
        required: &["type", "settings"],
        fields: vec![
            ("type", Rule::Word(&["docker"])),
            ("settings", Rule::Object(settings)),
        ],
        open: profile.runtime_open,
        ..Shape::default()
    }
}

/// One entry of `registryCredentials`.
pub(super) fn credential(open: bool) -> Shape {
    Shape {
        required: &["username", "password", "address"],
        fields: vec![
            ("username", Rule::Text),
            ("password", Rule::Text),
            ("address", Rule::NoBlanks),
        ],
        open,
        ..Shape::default()
    }
}

fn system_modules(profile: &Profile) -> Shape {
    let mut agent = vec![
        ("type", Rule::Word(&["docker"])),
        ("settings", Rule::Object(settings(profile))),
        ("env", Rule::Object(env(profile))),
    ];
    if profile.extended {
        agent.push(("imagePullPolicy", Rule::Word(&["never", "on-create"])));
    }
    let agent = Shape {
        required: &["type", "settings"],
        fields: agent,
        open: profile.entry_open,
        ..Shape::default()
    };
    let mut hub = module(profile);
    hub.required = &["type", "settings", "status", "restartPolicy"];
    hub.fields.retain(|(name, _)| *name != "version");
    Shape {
        required: &["edgeAgent", "edgeHub"],
        fields: vec![
            ("edgeAgent", Rule::Object(agent)),
            ("edgeHub", Rule::Object(hub)),
        ],
        open: profile.system_open,
        ..Shape::default()
    }
}

/// One entry of `modules`.
pub(super) fn module(profile: &Profile) -> Shape {
    let mut fields = vec![
        ("version", Rule::Text),
        ("type", Rule::Word(&["docker"])),
        ("status", Rule::Word(&["running", "stopped"])),
        ("restartPolicy", Rule::Word(POLICIES)),
        ("env", Rule::Object(env(profile))),
        ("settings", Rule::Object(settings(profile))),
    ];
    if profile.extended {
        fields.push(("imagePullPolicy", Rule::Word(&["never", "on-create"])));
        fields.push(("startupOrder", Rule::Whole(0, U32)));
    }
    Shape {
        required: &["type", "status", "restartPolicy", "settings"],
        fields,
        open: profile.entry_open,
        ..Shape::default()
    }
}

fn settings(profile: &Profile) -> Shape {
    let options = if profile.object_options {
        Rule::TextOrMembers
    } else {
        Rule::Text
    };
    let mut fields = vec![("image", Rule::Text)];
    let named = if profile.extended {
        Some((Name::Piece, Box::new(options)))
    } else {
        fields.push(("createOptions", options));
        None
    };
    Shape {
        required: &["image"],
        fields,
        named,
        open: profile.settings_open,
    }
}

fn env(profile: &Profile) -> Shape {
    let variable = Shape {
        required: &["value"],
        fields: vec![("value", Rule::Scalar)],
        open: profile.runtime_open,
        ..Shape::default()
    };
    Shape {
        named: Some((Name::Variable, Box::new(Rule::Object(variable)))),
        ..Shape::default()
    }
}

/// Versions of the hub's section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HubVersion {
    V1_0,
    V1_1,
    V1_2,
    V1_3,
}

impl HubVersion {
    /// The version that a `schemaVersion` names.
    pub(super) fn named(text: &str) -> Option<Self> {
        Some(match text {
            "1.0" => Self::V1_0,
            "1.1" => Self::V1_1,
            "1.2" => Self::V1_2,
            "1.3" => Self::V1_3,
            _ => return None,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }
}

/// The section of the edge hub; `asked` says whether `schemaVersion` must be this version.
pub(super) fn hub(version: HubVersion, asked: bool) -> Shape {
    let open = version == HubVersion::V1_0;
    let routes = if open {
        Shape {
            named: Some((Name::Filled, Box::new(Rule::Filled))),
            open,
            ..Shape::default()
        }
    } else {
        Shape {
            named: Some((Name::Plain, Box::new(route()))),
            ..Shape::default()
        }
    };
    let store = Shape {
        required: &["timeToLiveSecs"],
        fields: vec![("timeToLiveSecs", Rule::Whole(i64::MIN, i64::MAX))],
        open,
        ..Shape::default()
    };
    let version_rule = if asked {
        Rule::Version(version.text())
    } else {
        Rule::Text
    };
    let mut fields = vec![
        ("schemaVersion", version_rule),
        ("routes", Rule::Object(routes)),
        ("storeAndForwardConfiguration", Rule::Object(store)),
    ];
    if matches!(version, HubVersion::V1_2 | HubVersion::V1_3) {
        fields.push(("mqttBroker", Rule::Object(mqtt_broker())));
    }
    if version == HubVersion::V1_3 {
        fields.push(("integrity", Rule::Members));
    }
    let desired = Shape {
        required: &["schemaVersion", "routes"],
        fields,
        open,
        ..Shape::default()
    };
    section(desired, open)
}

/// A route: a string, or an object with priority and time to live.
pub(super) fn route() -> Rule {
    Rule::FilledOr(Box::new(Rule::Object(Shape {
        required: &["route"],
        fields: vec![
            ("route", Rule::Filled),
            ("priority", Rule::Whole(0, 9)),
            ("timeToLiveSecs", Rule::Whole(0, U32)),
        ],
        ..Shape::default()
    })))
}

/// Bridges and authorizations of the abandoned broker, which version 1.2 brought.
fn mqtt_broker() -> Shape {
    let object = |fields| {
        Rule::Object(Shape {
            fields,
            ..Shape::default()
        })
    };
    let list = |rule: Rule| Rule::Items(Box::new(rule));
    let topic = object(vec![
        ("direction", Rule::Word(&["in", "out"])),
        ("topic", Rule::Text),
        ("inPrefix", Rule::Text),
        ("outPrefix", Rule::Text),
    ]);
    let bridge = object(vec![
        ("endpoint", Rule::Word(&["$upstream"])),
        ("settings", list(topic)),
    ]);
    let operations = Rule::Word(&["mqtt:connect", "mqtt:subscribe", "mqtt:publish"]);
    let policy = list(object(vec![
        ("operations", list(operations)),
        ("resources", list(Rule::Filled)),
    ]));
    let authorization = object(vec![
        ("identities", list(Rule::Filled)),
        ("allow", policy.clone()),
        ("deny", policy),
    ]);
    Shape {
        fields: vec![
            ("bridges", list(bridge)),
            ("authorizations", list(authorization)),
        ],
        ..Shape::default()
    }
}

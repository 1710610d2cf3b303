//! The shapes of whole documents: manifests (envelopes 1.0 and 2.0) and templates (1.0 to 4.0).
//!
//! An envelope is in order if it satisfies either version, because a manifest does not say which it means. A
//! template says so in `$schema-template`; one that does not is held against 1.0 and 2.0 in the same way, the
//! versions that leave its sections' versions open.

use super::schema::{Name, Rule, Shape};
use super::sections::{AGENT_1_0, AGENT_1_1, HubVersion, Profile, agent, hub, section};

/// A version of a manifest's envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    V1,
    V2,
}

/// A version of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Template {
    V1,
    V2,
    V3,
    V4,
}

impl Template {
    /// The version that `$schema-template` names.
    pub(super) fn named(text: &str) -> Option<Self> {
        Some(match text {
            "1.0.0" => Self::V1,
            "2.0.0" => Self::V2,
            "3.0.0" => Self::V3,
            "4.0.0" => Self::V4,
            _ => return None,
        })
    }
}

/// The shape of a manifest, from the object that holds `modulesContent`.
pub(super) fn manifest(version: Envelope) -> Shape {
    match version {
        Envelope::V1 => {
            let profile = Profile {
                version: None,
                ..AGENT_1_0
            };
            let parts = Parts {
                agent: agent(&profile),
                hub: hub(HubVersion::V1_0, false),
                twin_open: true,
            };
            root(parts.closed(), true, false)
        }
        Envelope::V2 => {
            let profile = Profile {
                version: None,
                ..AGENT_1_1
            };
            let parts = Parts {
                agent: agent(&profile),
                hub: hub(HubVersion::V1_1, false),
                twin_open: false,
            };
            root(parts.closed(), false, false)
        }
    }
}

/// The shape of a template, from the object that holds `modulesContent`.
pub(super) fn template(version: Template) -> Shape {
    match version {
        Template::V1 => {
            let profile = Profile {
                version: None,
                object_options: true,
                ..AGENT_1_0
            };
            let parts = Parts {
                agent: agent(&profile),
                hub: hub(HubVersion::V1_0, false),
                twin_open: true,
            };
            root(parts.closed(), true, false)
        }
        Template::V2 => {
            let profile = Profile {
                version: None,
                object_options: true,
                credential_name: Name::PlainOrVariable,
                ..AGENT_1_1
            };
            let parts = Parts {
                agent: agent(&profile),
                hub: hub(HubVersion::V1_1, false),
                twin_open: false,
            };
            root(parts.closed(), false, true)
        }
        Template::V3 | Template::V4 => {
            let profile = Profile {
                desired_open: true,
                system_open: true,
                names_open: true,
                entry_open: true,
                settings_open: true,
                object_options: true,
                ..AGENT_1_1
            };
            let version = if version == Template::V3 {
                HubVersion::V1_1
            } else {
                HubVersion::V1_2
            };
            // These leave the hub's section and the modules' own free to be absent or anything.
            let content = Shape {
                required: &["$edgeAgent"],
                fields: vec![
                    ("$edgeAgent", Rule::Object(agent(&profile))),
                    ("$edgeHub", Rule::Object(hub(version, true))),
                ],
                open: true,
                ..Shape::default()
            };
            root(content, true, false)
        }
    }
}

struct Parts {
    agent: Shape,
    hub: Shape,
    twin_open: bool,
}

impl Parts {
    /// `modulesContent` with both system sections and the modules' own, and nothing else.
    fn closed(self) -> Shape {
        let twin = section(
            Shape {
                open: true,
                ..Shape::default()
            },
            self.twin_open,
        );
        Shape {
            required: &["$edgeAgent", "$edgeHub"],
            fields: vec![
                ("$edgeAgent", Rule::Object(self.agent)),
                ("$edgeHub", Rule::Object(self.hub)),
            ],
            named: Some((Name::Module, Box::new(Rule::Object(twin)))),
            open: false,
        }
    }
}

fn root(content: Shape, open: bool, is_template: bool) -> Shape {
    let mut fields = vec![("modulesContent", Rule::Object(content))];
    if is_template {
        fields.push(("$schema", Rule::Text));
        fields.push(("$schema-template", Rule::Text));
    }
    Shape {
        required: &["modulesContent"],
        fields,
        open,
        ..Shape::default()
    }
}

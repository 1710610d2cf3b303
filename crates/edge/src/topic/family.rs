//! What a module can subscribe to: four families of topics.

use std::fmt;

/// A family of topics that the hub publishes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Messages to inputs.
    Inputs,
    /// Answers to requests about the twin.
    TwinAnswers,
    /// Changes of desired properties.
    Desired,
    /// Calls of direct methods.
    Methods,
}

impl Family {
    /// The family a filter of `{device}/{module}` asks for, or `None` when the hub has nothing to say on it.
    pub fn of_filter(filter: &str, device: &str, module: &str) -> Option<Self> {
        match filter {
            "$iothub/twin/res/#" => return Some(Self::TwinAnswers),
            "$iothub/twin/PATCH/properties/desired/#" => return Some(Self::Desired),
            "$iothub/methods/POST/#" => return Some(Self::Methods),
            _ => {}
        }
        let own = filter
            .strip_prefix("devices/")?
            .strip_prefix(device)?
            .strip_prefix("/modules/")?
            .strip_prefix(module)?;
        // Python, Node and Java ask for the inputs, C and C# for everything of the module.
        matches!(own, "/#" | "/inputs/#" | "/+/#" | "/inputs/+/#").then_some(Self::Inputs)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inputs => "inputs",
            Self::TwinAnswers => "twin answers",
            Self::Desired => "desired properties",
            Self::Methods => "direct methods",
        })
    }
}

//! Rules on environment variables of a module (domain fact sheet §4.3, §12.2; edge-runtime fact sheet §1.1).

use crate::defaults::NamedText;
use crate::twin::STRING_BYTES_MAX;
use crate::violation::Violation;

/// Prefix of the variables that the edge agent sets itself.
const AGENT_PREFIX: &str = "IOTEDGE_";

/// Whether the name may stand in a manifest: not empty, none of `+ # $ .` and no white space; `=` and NUL would
/// not survive the container's start.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || matches!(c, '+' | '#' | '$' | '.' | '=' | '\0'))
}

/// Whether the edge agent sets this variable itself, so that a manifest must not.
pub fn is_agents(name: &str) -> bool {
    name.get(..AGENT_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(AGENT_PREFIX))
}

/// Violations of one variable.
pub(crate) fn check_variable(variable: &NamedText) -> Vec<Violation> {
    let NamedText { name, value } = variable;
    let field = format!("env.{name}");
    let mut violations = Vec::new();
    if !is_name(name) {
        violations.push(Violation::error(
            &field,
            "a variable's name is not empty and holds no white space, `+`, `#`, `$`, `.`, `=` or NUL",
            format!("{name:?}"),
            "rename it, for instance with `_`",
        ));
    }
    if is_agents(name) {
        violations.push(Violation::error(
            &field,
            "variables beginning with IOTEDGE_ are set by the edge agent",
            name.clone(),
            "remove it; the module gets it anyway",
        ));
    }
    if value.contains('\0') {
        violations.push(Violation::error(
            &field,
            "a variable's value holds no NUL",
            "a NUL",
            "remove it",
        ));
    }
    if value.len() > STRING_BYTES_MAX {
        violations.push(Violation::error(
            &field,
            format!("a string of a twin has at most {STRING_BYTES_MAX} bytes"),
            format!("{} bytes", value.len()),
            "shorten it, or let the module read a file or its twin",
        ));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, value: &str) -> usize {
        check_variable(&NamedText::new(name, value)).len()
    }

    #[test]
    fn names_and_values() {
        assert_eq!(found("ACCEPT_EULA", "Y"), 0);
        assert_eq!(found("a-b", "\"{}\n"), 0);
        for name in ["", "a b", "a.b", "a=b", "$A", "A+", "#"] {
            assert_eq!(found(name, "x"), 1, "{name:?}");
        }
        assert_eq!(found("iotedge_DeviceId", "x"), 1);
        assert_eq!(found("IOTEDGE", "x"), 0);
        assert_eq!(found("A", "x\0"), 1);
        assert_eq!(found("A", &"x".repeat(STRING_BYTES_MAX + 1)), 1);
    }
}

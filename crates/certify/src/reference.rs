//! `docs/reference/rules.md`, written from the register so that the two cannot disagree.

use crate::rule::{Level, Rule, register};

const OPENING: &str = "# Certification rules

This page is written from the register of rules in `crates/certify`; a test compares the two, and
`UPDATE_DOCS=1 cargo test -p certify` writes it anew. Codes are public: they never change their meaning and are never
used again.

*Block* rejects a submission, *review* asks a reviewer, *warn* tells the publisher. An operator's policy can switch a
rule off, give it another level, or let it warn only until a date. A waiver is a reviewer's word, with a reason, for one
rule at one place. \"Passed N of N\" counts the applicable rules that ran; warnings, rules that do not apply and rules
that did not run, or whose turn never came (*not reached*), are counted apart. `T-…` and `§` refer to the requirements that a rule comes from.

What blocks alone rejects at once, and waivers are for submissions that a reviewer sees: those with a *review* rule, those that nothing
but DEF-05 blocks, and those of modules that could not be run with all they ask for. No stranger's module is given devices, folders,
capabilities or namespaces of the host, whatever its createOptions say; RUN-20 lists what was not exercised. Where such a part of the
host was left out, a RUN or FTP rule that blocks asks a reviewer instead of rejecting, and its evidence says so. Under emulation (arm on
another machine) FTP-01 and FTP-02 are not run, because an emulator's memory and time are not the module's; the other rules hold.
";

/// The whole page, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(OPENING);
    for (prefix, title) in [
        ("LST", "Listing and text"),
        ("IMG", "Image"),
        ("DEF", "Default configuration"),
        ("RUN", "Behaviour, seen while the module runs"),
        ("FTP", "Footprint, measured while the module runs"),
    ] {
        let rules = || {
            register()
                .iter()
                .filter(|rule| rule.code.starts_with(prefix))
        };
        page.push_str(&format!(
            "\n## {title}\n\n| code | holds when it passes | level |\n| --- | --- | --- |\n"
        ));
        for rule in rules() {
            page.push_str(&format!(
                "| [{}](#{}) | {} | {} |\n",
                rule.code,
                rule.code.to_lowercase(),
                rule.title,
                word(rule.level)
            ));
        }
        for rule in rules() {
            page.push_str(&entry(rule));
        }
    }
    page
}

fn entry(rule: &Rule) -> String {
    let waiver = if rule.waivable {
        "a reviewer may waive it"
    } else {
        "cannot be waived"
    };
    format!(
        "\n### {}\n\n{} ({}; {}; from {}).\n\n{}\n\nFix: {}\n",
        rule.code,
        rule.title,
        word(rule.level),
        waiver,
        rule.sources.join(", "),
        rule.why,
        rule.fix
    )
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Block => "block",
        Level::Review => "review",
        Level::Warn => "warn",
    }
}

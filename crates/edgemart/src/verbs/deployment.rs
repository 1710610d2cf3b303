//! `edgemart deployment validate`: checks a deployment without a network, by the rules of the marketplace's own check.

use std::path::PathBuf;

use domain::deployment::{DOCUMENT_BYTES_MAX, Document, Kind, Problem, validate};
use domain::violation::Level;
use serde_json::{Value, json};

use super::context::Global;
use super::failure::{Exit, Failure, tell};
use super::file::read_text;
use super::output::plain;

#[derive(Debug, clap::Args)]
pub(crate) struct Deployment {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Check a deployment manifest, template or layered deployment; works without a network.
    Validate(Validate),
}

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart deployment validate deployment.json\n  cat deployment.json | edgemart deployment validate - -o json",
    after_help = "Exit code 0 when there is no error (warnings may be there), 5 when there is one, 3 when the file is not there."
)]
struct Validate {
    /// The file; `-` reads stdin.
    file: PathBuf,
}

impl Deployment {
    pub(crate) fn run(self, global: &Global) -> Result<(), Failure> {
        match self.verb {
            Verb::Validate(asked) => asked.run(global),
        }
    }
}

impl Validate {
    fn run(self, global: &Global) -> Result<(), Failure> {
        let text = read_text(&self.file, DOCUMENT_BYTES_MAX)?;
        let name = match self.file.to_str() {
            Some("-") => "stdin".to_owned(),
            _ => self.file.display().to_string(),
        };
        let (kind, problems) = check(&text);
        let errors = problems
            .iter()
            .filter(|one| one.level == Level::Error)
            .count();
        let warnings = problems.len() - errors;
        let found = json!({"ok": errors == 0, "kind": kind, "problems": problems});
        global.show(&found, || problems.iter().map(told).collect())?;
        let counts = format!(
            "{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        );
        if errors == 0 {
            let kind = match kind.as_str() {
                Some("layered") => "layered deployment",
                other => other.unwrap_or("deployment"),
            };
            tell(&format!("{name} is a valid {kind} ({counts})."));
            return Ok(());
        }
        Err(Failure::new(
            Exit::Invalid,
            format!("{name} is not valid: {counts}"),
        ))
    }
}

/// What is found in a text. One that cannot be read has one problem, the place of it.
fn check(text: &str) -> (Value, Vec<Problem>) {
    match Document::parse(text) {
        Ok(document) => {
            let kind = match document.kind() {
                Kind::Manifest => "manifest",
                Kind::Template => "template",
                Kind::Layered => "layered",
            };
            (kind.into(), validate(&document))
        }
        Err(problem) => {
            let unreadable = Problem {
                level: Level::Error,
                pointer: String::new(),
                what: problem.to_string(),
                expected: "JSON; comments and trailing commas are allowed".to_owned(),
                fix: "correct the text at this place".to_owned(),
                code: "document.parse",
            };
            (Value::Null, vec![unreadable])
        }
    }
}

fn counted(count: usize, word: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}

fn told(problem: &Problem) -> String {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let pointer = if problem.pointer.is_empty() {
        "(whole document)"
    } else {
        &problem.pointer
    };
    let text = format!(
        "{level:<8} {pointer}  [{}]\n         {}\n         expected: {}\n         fix: {}\n",
        problem.code, problem.what, problem.expected, problem.fix
    );
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_json_has_one_error_with_its_place() {
        let (kind, problems) = check("{\n  \"modulesContent\": \n");
        assert_eq!(kind, Value::Null);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].what.starts_with("line "),
            "{}",
            problems[0].what
        );
        assert!(told(&problems[0]).starts_with("error    (whole document)  [document.parse]\n"));
    }
}

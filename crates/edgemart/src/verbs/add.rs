//! `edgemart add`: one module more in a deployment file. Only insertions: comments, order and formatting of everything
//! that is there stay, byte for byte. When anything clashes, the file is left alone and every conflict is told.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use domain::deployment::{
    Conflict, DOCUMENT_BYTES_MAX, Document, Form, Merged, ModuleEntry, merge,
};
use serde_json::json;
use similar::TextDiff;

use super::context::Global;
use super::failure::{Exit, Failure, colour, tell, tell_as_is};
use super::file::{read_text, replace_text};
use super::module::Choice;
use super::output::{Format, plain, put};

#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example:\n  edgemart add contoso.temperature-sensor --file deployment.template.json --dry-run\n  edgemart add contoso.threshold-filter --file deployment.json --set FROM_MODULE_NAME=TemperatureSensor"
)]
pub(crate) struct Add {
    #[command(flatten)]
    choice: Choice,
    /// The deployment manifest, template or layered deployment to add it to.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Another name for one of the module's routes; may be repeated.
    #[arg(long, value_name = "OLD=NEW", value_parser = renaming)]
    route_name: Vec<(String, String)>,
    /// Show the change on stdout and leave the file alone.
    #[arg(long)]
    dry_run: bool,
    /// The file is a layered deployment. By itself the form is found in the file.
    #[arg(long)]
    layered: bool,
}

impl Add {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let text =
            read_text(&self.file, DOCUMENT_BYTES_MAX).map_err(|failure| match failure.exit {
                Exit::NotFound => {
                    let fix = format!(
                        "start one with `edgemart manifest {} > {}`",
                        self.choice.module,
                        self.file.display()
                    );
                    failure.fix(fix)
                }
                _ => failure,
            })?;
        let document = read_document(&self.file, &text)?;
        let chosen = self.choice.find(&global.client()?).await?;
        let mut entry = self.choice.entry(&chosen)?;
        rename_routes(&mut entry, &self.route_name)?;
        let form = if self.layered {
            Form::Layered
        } else {
            Form::of(&document)
        };
        let merged =
            merge(&document, &entry, form).map_err(|conflicts| clash(&self.file, &conflicts))?;
        let diff = unified(&self.file, &text, &merged.text);
        if !self.dry_run {
            replace_text(&self.file, &text, &merged.text)?;
        }
        self.tell(global, &chosen.version, &entry.name, &merged, &diff)
    }

    fn tell(
        &self,
        global: &Global,
        version: &str,
        name: &str,
        merged: &Merged,
        diff: &str,
    ) -> Result<(), Failure> {
        match (global.output, self.dry_run) {
            (Format::Table, true) => put(&on(diff, &std::io::stdout())),
            (Format::Table, false) => {
                tell_as_is(&on(diff, &std::io::stderr()));
                tell(&format!(
                    "Added {name} ({} {version}) to {}.",
                    self.choice.module,
                    self.file.display()
                ));
                Ok(())
            }
            _ => {
                let done = json!({
                    "file": self.file, "module": self.choice.module, "version": version, "name": name,
                    "written": !self.dry_run, "changes": merged.changes, "diff": diff,
                });
                global.show(&done, String::new)
            }
        }
    }
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => {
            Ok((old.to_owned(), new.to_owned()))
        }
        _ => Err("write it as OLD=NEW".to_owned()),
    }
}

/// Route names are shared by all modules of a device, so one that is taken must be changeable.
fn rename_routes(entry: &mut ModuleEntry, renamings: &[(String, String)]) -> Result<(), Failure> {
    let known: Vec<String> = entry
        .routes
        .iter()
        .map(|route| route.name.clone())
        .collect();
    for (old, new) in renamings {
        let Some(at) = known.iter().position(|name| name == old) else {
            let what = format!("the module has no route {old}");
            return Err(Failure::new(Exit::Usage, what).why(match known.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            }));
        };
        if let Some(route) = entry.routes.get_mut(at) {
            route.name.clone_from(new);
        }
    }
    Ok(())
}

fn read_document(path: &Path, text: &str) -> Result<Document, Failure> {
    Document::parse(text).map_err(|problem| {
        Failure::new(
            Exit::Invalid,
            format!("{} is no deployment that can be added to", path.display()),
        )
        .why(problem)
        .fix("correct the file; `edgemart deployment validate` tells the rest")
    })
}

fn clash(path: &Path, conflicts: &[Conflict]) -> Failure {
    let line = |one: &Conflict| {
        let place = if one.pointer.is_empty() {
            "the module"
        } else {
            &one.pointer
        };
        format!("{place}: {}; {} ({})", one.what, one.fix, one.code)
    };
    let problem = json!({
        "type": "about:blank", "title": format!("the module does not fit into {}", path.display()),
        "detail": "The file was not changed.", "conflicts": conflicts,
    });
    Failure::new(
        Exit::Conflict,
        format!("the module does not fit into {}", path.display()),
    )
    .why("the file was not changed; these things clash:")
    .points(conflicts.iter().map(line))
    .fix("--name gives the module another name, --route-name OLD=NEW a route")
    .problem(problem)
}

/// The difference as `diff -u` writes it, so that `patch` takes it.
fn unified(path: &Path, before: &str, after: &str) -> String {
    let name = path.display().to_string();
    let name = name.trim_start_matches("./");
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

/// For a terminal harmless and coloured; for a pipe exactly the patch.
fn on(diff: &str, stream: &impl IsTerminal) -> String {
    if stream.is_terminal() {
        painted(&plain(diff), colour(stream))
    } else {
        diff.to_owned()
    }
}

fn painted(diff: &str, colours: bool) -> String {
    if !colours {
        return diff.to_owned();
    }
    let paint = |line: &str| match line.as_bytes().first() {
        Some(b'+') => format!("\x1b[32m{line}\x1b[0m\n"),
        Some(b'-') => format!("\x1b[31m{line}\x1b[0m\n"),
        Some(b'@') => format!("\x1b[36m{line}\x1b[0m\n"),
        _ => format!("{line}\n"),
    };
    diff.lines().map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_a_patch() {
        let diff = unified(
            Path::new("./d.json"),
            "{\n  \"a\": 1\n}\n",
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        );
        assert_eq!(
            diff,
            "--- a/d.json\n+++ b/d.json\n@@ -1,3 +1,4 @@\n {\n-  \"a\": 1\n+  \"a\": 1,\n+  \"b\": 2\n }\n"
        );
        assert!(painted(&diff, true).contains("\x1b[32m+  \"b\": 2\x1b[0m\n"));
        assert_eq!(painted(&diff, false), diff);
    }

    #[test]
    fn every_conflict_is_named() {
        let conflicts = [Conflict {
            code: "name.taken",
            pointer: "/modulesContent/x".to_owned(),
            what: "there is a module x".to_owned(),
            fix: "choose another name".to_owned(),
        }];
        let failure = clash(Path::new("d.json"), &conflicts);
        assert_eq!(failure.exit, Exit::Conflict);
        assert!(
            failure
                .lines_for_tests()
                .contains("/modulesContent/x: there is a module x; choose another name")
        );
    }
}

//! How a verb ends when it does not end well: an exit code, and an error that says what, why and what to do.
//! For people it is lines on stderr; with `-o json` and `-o yaml` it is one problem document (RFC 9457) on stderr.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Map, Value, json};

use super::output::{Format, plain};

/// The exit codes; documented in `docs/reference/cli.md` and stable. 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything that has no code of its own.
    Failure = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// The module, offer, file or folder is not there.
    NotFound = 3,
    /// Nobody is signed in, or the account or token may not do this.
    Authentication = 4,
    /// What was given breaks a rule; each violation is named.
    Invalid = 5,
    /// It clashes with what is there.
    Conflict = 6,
    /// The marketplace cannot be reached.
    Network = 7,
}

/// An error for a person and for a program.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    what: String,
    why: String,
    fix: String,
    points: Vec<String>,
    /// What a program gets instead of a document made from the texts.
    problem: Option<Box<Value>>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            why: String::new(),
            fix: String::new(),
            points: Vec::new(),
            problem: None,
        }
    }

    pub(crate) fn why(mut self, why: impl std::fmt::Display) -> Self {
        self.why = why.to_string();
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// One line for each thing that is wrong.
    pub(crate) fn points(mut self, points: impl IntoIterator<Item = String>) -> Self {
        self.points.extend(points);
        self
    }

    /// The server's own problem document, passed on as it came.
    pub(crate) fn problem(mut self, problem: Value) -> Self {
        self.problem = Some(Box::new(problem));
        self
    }

    /// Writes the error to stderr and gives the exit code. A closed stderr changes nothing about the code.
    pub(crate) fn report(&self, format: Format) -> std::process::ExitCode {
        let mut stderr = std::io::stderr().lock();
        let text = match format {
            Format::Table => self.lines(colour(&stderr)),
            Format::Json => format!("{:#}\n", self.document()),
            Format::Yaml => {
                serde_saphyr::to_string(&self.document()).unwrap_or_else(|_| self.lines(false))
            }
        };
        let _ = stderr.write_all(text.as_bytes());
        std::process::ExitCode::from(self.exit as u8)
    }

    #[cfg(test)]
    pub(crate) fn lines_for_tests(&self) -> String {
        self.lines(false)
    }

    fn lines(&self, colour: bool) -> String {
        let (red, reset) = if colour {
            ("\x1b[1;31m", "\x1b[0m")
        } else {
            ("", "")
        };
        let mut text = format!("{red}error:{reset} {}\n", plain(&self.what));
        if !self.why.is_empty() {
            text.push_str(&format!("  because: {}\n", plain(&self.why)));
        }
        for point in &self.points {
            text.push_str(&format!("  - {}\n", plain(point)));
        }
        if !self.fix.is_empty() {
            text.push_str(&format!("  to mend it: {}\n", plain(&self.fix)));
        }
        text
    }

    fn document(&self) -> Value {
        let mut document = match self.problem.as_deref() {
            Some(Value::Object(problem)) => problem.clone(),
            _ => {
                let mut own = Map::new();
                own.insert("type".into(), "about:blank".into());
                own.insert("title".into(), self.what.clone().into());
                own.insert("detail".into(), self.why.clone().into());
                if !self.points.is_empty() {
                    own.insert("problems".into(), json!(self.points));
                }
                own
            }
        };
        if !self.fix.is_empty() {
            document.insert("fix".into(), self.fix.clone().into());
        }
        document.insert("exit_code".into(), json!(self.exit as u8));
        Value::Object(document)
    }
}

/// Colour only where a person looks, and never against their word (<https://no-color.org>).
pub(crate) fn colour(stream: &impl std::io::IsTerminal) -> bool {
    let said = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !said("NO_COLOR") && !dumb
}

/// A word to the person at the keyboard, never data.
pub(crate) fn tell(text: &str) {
    // Nobody listening is no reason to stop working.
    let _ = writeln!(std::io::stderr(), "{}", plain(text));
}

/// A text of several lines, as it is.
pub(crate) fn tell_as_is(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether a person can be asked and can watch.
pub(crate) fn attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let failure = Failure::new(Exit::Conflict, "clash")
            .why("two\u{1b}[2J")
            .points(["a".into()])
            .fix("rename");
        assert_eq!(
            failure.lines(false),
            "error: clash\n  because: two\u{fffd}[2J\n  - a\n  to mend it: rename\n"
        );
        let document = failure.document();
        assert_eq!(document["title"], "clash");
        assert_eq!(document["problems"], json!(["a"]));
        assert_eq!(document["exit_code"], 6);
    }

    #[test]
    fn the_servers_problem_is_passed_on() {
        let failure =
            Failure::new(Exit::NotFound, "x").problem(json!({"title": "Not found", "status": 404}));
        assert_eq!(
            failure.document(),
            json!({"title": "Not found", "status": 404, "exit_code": 3})
        );
    }
}

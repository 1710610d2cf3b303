//! What every module is given: its settings, its output and the stop signal.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::json;
use crate::post::Poster;
use crate::settings::Settings;
use crate::signal::Stop;
use crate::time;

/// The surroundings of one running module.
pub struct Context {
    module: &'static str,
    /// Settings read by the module before it calls [`Context::started`].
    pub settings: Settings,
    stop: Stop,
}

/// Where a module's lines go; cheap to share with the threads that take lines in.
#[derive(Clone)]
pub struct Output {
    poster: Option<Arc<Poster>>,
    echo: bool,
}

impl Context {
    pub fn new(module: &'static str) -> Result<Context, String> {
        Ok(Context {
            module,
            settings: Settings::default(),
            stop: Stop::install()?,
        })
    }

    /// Ends the reading of settings: complains about wrong ones, says what the module runs with, opens the output.
    /// `buffer_lines_max` is how many lines wait while the address in `POST_URL` does not answer.
    pub fn started(
        &mut self,
        buffer_lines_max: usize,
        retry: Duration,
        echo: bool,
    ) -> Result<Output, String> {
        let url = self.settings.text("POST_URL", "");
        let settings = self.settings.finish()?;
        let version = std::env::var("MODULE_VERSION").unwrap_or_else(|_| env_version().to_owned());
        print_line(&format!(
            r#"{{"time":"{}","level":"info","module":"{}","version":{},"message":"started","settings":{settings}}}"#,
            time::now(),
            self.module,
            json::quoted(&version),
        ));
        let poster = match url.as_str() {
            "" => None,
            // An unfilled placeholder is no reason to die: the module starts with its defaults and says what is missing.
            url if url.contains('<') => {
                self.log(
                    "warning",
                    "POST_URL still holds a placeholder: lines are printed, not posted",
                );
                None
            }
            url => Some(Poster::start(self.module, url, buffer_lines_max, retry)?),
        };
        Ok(Output { poster, echo })
    }

    /// Waits; true when the module is to stop.
    pub fn wait(&mut self, pause: Duration) -> bool {
        self.stop.wait(pause)
    }

    /// Waits until the module is to stop.
    pub fn wait_for_ever(&mut self) {
        self.stop.wait_for_ever();
    }

    /// One log line.
    pub fn log(&self, level: &str, message: &str) {
        log_line(self.module, level, message);
    }

    /// The module's name.
    pub fn module(&self) -> &'static str {
        self.module
    }
}

impl Output {
    /// Sends one line (a JSON object) on its way.
    pub fn send(&self, line: &str) {
        if self.echo {
            print_line(line);
        }
        if let Some(poster) = &self.poster {
            poster.send(line);
        }
    }

    /// True when lines are posted somewhere.
    pub fn posts(&self) -> bool {
        self.poster.is_some()
    }
}

/// One log line of a module, as JSON like everything else it prints.
pub fn log_line(module: &str, level: &str, message: &str) {
    print_line(&format!(
        r#"{{"time":"{}","level":"{level}","module":"{module}","message":{}}}"#,
        time::now(),
        json::quoted(message),
    ));
}

/// Prints a line and hands it on at once; a reader that went away is no reason to fail.
pub fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

/// The program's own version, where an image does not name a newer one.
fn env_version() -> &'static str {
    "1.2.0"
}

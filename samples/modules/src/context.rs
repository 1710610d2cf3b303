//! What every module is given: its settings, its output, its place at the hub and the stop signal.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dial::NumberDial;
use crate::hub::{Actions, Hub};
use crate::json;
use crate::post::Poster;
use crate::settings::Settings;
use crate::signal::{Stop, Waker, Woken};
use crate::time;

/// Lines and messages that wait while their receiver is away, unless a module says otherwise.
const BUFFER_LINES_MAX: f64 = 256.0;
/// Seconds before a failed post is tried again, unless a module says otherwise.
const RETRY_SECONDS: f64 = 5.0;

/// The surroundings of one running module.
pub struct Context {
    module: &'static str,
    /// Settings read by the module before it calls [`Context::started`].
    pub settings: Settings,
    stop: Stop,
    hub: Option<Hub>,
}

/// How a module sends what it makes.
pub struct Sending {
    /// The output of the hub that it goes to; None for a module without one.
    pub output: Option<&'static str>,
    pub echo: Echo,
    /// Lines that wait while the address in `POST_URL` does not answer, or the hub is away.
    pub buffer: NumberDial,
    /// Seconds before a failed post is tried again.
    pub retry: NumberDial,
}

/// Whether lines are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Where there is no hub to send them to: on a device, messages would only fill its log.
    WithoutHub,
    Always,
    Never,
}

impl Sending {
    /// To an output, with the usual buffer.
    pub fn to(output: &'static str) -> Sending {
        Sending {
            output: Some(output),
            echo: Echo::WithoutHub,
            buffer: NumberDial::fixed(BUFFER_LINES_MAX),
            retry: NumberDial::fixed(RETRY_SECONDS),
        }
    }
}

/// Where a module's lines go; cheap to share with the threads that take lines in.
#[derive(Clone)]
pub struct Output {
    poster: Option<Arc<Poster>>,
    hub: Option<(Hub, &'static str)>,
    echo: bool,
}

/// Lets a waiting loop take its next turn at once.
#[derive(Clone)]
pub struct Nudge {
    wanted: Arc<AtomicBool>,
    waker: Waker,
}

impl Nudge {
    pub fn now(&self) {
        self.wanted.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn take(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }
}

/// Why a loop takes its next turn, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Due,
    Nudged,
    Stop,
}

impl Context {
    pub fn new(module: &'static str) -> Result<Context, String> {
        Ok(Context {
            module,
            settings: Settings::default(),
            stop: Stop::install()?,
            hub: None,
        })
    }

    /// Ends the reading of settings: complains about wrong ones, says what the module runs with, opens the output.
    pub fn started(&mut self, sending: Sending) -> Result<Output, String> {
        let url = self.settings.text("POST_URL", "");
        let token_life = self
            .settings
            .whole_seconds("TOKEN_SECONDS", 3600, 60, 86_400);
        let settings = self.settings.finish()?;
        self.hub = Hub::find(self.module, token_life, sending.buffer.whole() as usize)?;
        print_line(&format!(
            r#"{{"time":"{}","level":"info","module":"{}","version":{},"message":"started","settings":{settings}}}"#,
            time::now(),
            self.module,
            json::quoted(&version()),
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
            url => Some(Poster::start(
                self.module,
                url,
                sending.buffer,
                sending.retry,
            )?),
        };
        let echo = match sending.echo {
            Echo::Always => true,
            Echo::Never => false,
            Echo::WithoutHub => self.hub.is_none(),
        };
        let hub = self.hub.clone().zip(sending.output);
        Ok(Output { poster, hub, echo })
    }

    /// Takes the module's place at the hub, where there is one: its input, its methods, its twin.
    pub fn serve(&mut self, actions: Actions) -> Result<(), String> {
        let mut dials = std::mem::take(&mut self.settings.dials);
        dials.tell(self.stop.waker());
        match &self.hub {
            Some(hub) => hub.start(actions, dials),
            None => Ok(()),
        }
    }

    /// Says goodbye to the hub.
    pub fn end(&self) {
        if let Some(hub) = &self.hub {
            hub.close();
        }
        self.log("info", "stopped");
    }

    /// Waits; true when the module is to stop.
    pub fn wait(&mut self, pause: Duration) -> bool {
        let nudge = self.nudge();
        self.wait_for(&NumberDial::fixed(pause.as_secs_f64()), &nudge) == Turn::Stop
    }

    /// Waits for so many seconds, which may change meanwhile, or for a nudge.
    pub fn wait_for(&mut self, seconds: &NumberDial, nudge: &Nudge) -> Turn {
        let since = Instant::now();
        loop {
            if nudge.take() {
                return Turn::Nudged;
            }
            let left = seconds.pause().saturating_sub(since.elapsed());
            match self.stop.wait(left) {
                Woken::Stop => return Turn::Stop,
                Woken::InTime => return Turn::Due,
                Woken::Early => {}
            }
        }
    }

    /// Something that a method can nudge the module's loop with.
    pub fn nudge(&self) -> Nudge {
        Nudge {
            wanted: Arc::default(),
            waker: self.stop.waker(),
        }
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
        if let Some((hub, output)) = &self.hub {
            hub.send(output, line);
        }
    }

    /// What posts the lines, if anything does.
    pub fn poster(&self) -> Option<&Arc<Poster>> {
        self.poster.as_ref()
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

/// The version the image names, or else the program's own.
pub fn version() -> String {
    std::env::var("MODULE_VERSION").unwrap_or_else(|_| env!("CARGO_PKG_VERSION").to_owned())
}

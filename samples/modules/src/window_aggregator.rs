//! Window aggregator: many readings in, one line of count, minimum, maximum, mean and deviation a window out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::context::{Context, Output, Sending, Turn};
use crate::dial::{NumberDial, TextDial};
use crate::hub::Actions;
use crate::intake::{self, Handler};
use crate::json;
use crate::time;

/// Running figures of one window (Welford's method: stable however many values come).
#[derive(Clone, Copy, Default)]
struct Window {
    count: u64,
    least: f64,
    most: f64,
    mean: f64,
    squares: f64,
}

impl Window {
    fn add(&mut self, value: f64) {
        self.count += 1;
        if self.count == 1 {
            (self.least, self.most) = (value, value);
        }
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
    }

    fn line(&self, field: &str, seconds: f64) -> String {
        let head = format!(
            r#"{{"time":"{}","field":{},"windowSeconds":{},"count":{}"#,
            time::now(),
            json::quoted(field),
            json::number(seconds),
            self.count,
        );
        if self.count == 0 {
            return head + "}";
        }
        let deviation = (self.squares / self.count as f64).sqrt();
        format!(
            r#"{head},"minimum":{},"maximum":{},"mean":{},"deviation":{}}}"#,
            json::number(self.least),
            json::number(self.most),
            json::number(self.mean),
            json::number(deviation),
        )
    }
}

/// The window that is open, and the path it is about.
struct Open {
    field: String,
    window: Window,
}

/// Everything that fills and closes windows.
struct Aggregator {
    open: Mutex<Open>,
    field: TextDial,
    seconds: NumberDial,
    output: Output,
}

impl Aggregator {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: &str) -> Result<(), String> {
        let field = self.field.get();
        let value = json::parse(line)?
            .number_at(&field)
            .ok_or_else(|| format!("a line has no number at {field}"))?;
        let mut open = self.lock();
        // A window is about one path: another one begins when the path was changed.
        if open.field != field {
            self.close(&mut open, false);
            open.field = field;
        }
        open.window.add(value);
        Ok(())
    }

    fn close(&self, open: &mut Open, even_empty: bool) {
        let window = std::mem::take(&mut open.window);
        if window.count > 0 || even_empty {
            self.output
                .send(&window.line(&open.field, self.seconds.get()));
        }
    }
}

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8082");
    let field = context.settings.text_dial("FIELD", "machine.temperature");
    let seconds = context.settings.seconds_dial("WINDOW_SECONDS", 60.0);
    let empty = context.settings.flag("REPORT_EMPTY", false);
    let output = context.started(Sending::to("windows"))?;
    let open = Open {
        field: field.get(),
        window: Window::default(),
    };
    let aggregator = Arc::new(Aggregator {
        open: Mutex::new(open),
        field,
        seconds: seconds.clone(),
        output,
    });
    let taking = Arc::clone(&aggregator);
    let handler: Arc<Handler> = Arc::new(move |line: &str| taking.take(line));
    let flush = context.nudge();
    let (asked, shown) = (flush.clone(), Arc::clone(&aggregator));
    let actions = Actions::default()
        .input("readings", &handler)
        .method("flush", move |_| {
            let count = shown.lock().window.count;
            asked.now();
            Ok(format!(r#"{{"count":{count}}}"#))
        });
    let bound = intake::listen(context.module(), &listen, handler)?;
    context.log("info", &format!("listening on {bound}"));
    context.serve(actions)?;
    loop {
        let turn = context.wait_for(&seconds, &flush);
        // What the last, unfinished window holds is told too: a restart loses nothing.
        aggregator.close(&mut aggregator.lock(), empty && turn == Turn::Due);
        if turn == Turn::Stop {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use crate::json;

    #[test]
    fn figures_of_a_window() {
        let mut window = Window::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            window.add(value);
        }
        let line = json::parse(&window.line("a.b", 60.0)).unwrap();
        let figures =
            ["count", "minimum", "maximum", "mean", "deviation"].map(|name| line.number_at(name));
        assert_eq!(figures, [8.0, 2.0, 9.0, 5.0, 2.0].map(Some));
    }

    #[test]
    fn an_empty_window_has_only_a_count() {
        let line = json::parse(&Window::default().line("a", 1.0)).unwrap();
        assert_eq!(
            (line.number_at("count"), line.number_at("mean")),
            (Some(0.0), None)
        );
    }
}

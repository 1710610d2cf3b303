//! Window aggregator: many readings in, one line of count, minimum, maximum, mean and deviation a window out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::context::Context;
use crate::intake;
use crate::json;
use crate::time;

/// Lines kept while `POST_URL` does not answer.
const BUFFER_LINES_MAX: usize = 256;

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

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8082");
    let field = context.settings.text("FIELD", "machine.temperature");
    let pause = context.settings.seconds("WINDOW_SECONDS", 60.0);
    let empty = context.settings.flag("REPORT_EMPTY", false);
    let output = context.started(BUFFER_LINES_MAX, Duration::from_secs(5), true)?;
    let window = Arc::new(Mutex::new(Window::default()));
    let (current, path) = (Arc::clone(&window), field.clone());
    let handler = move |line: &str| {
        let value = json::parse(line)?
            .number_at(&path)
            .ok_or_else(|| format!("a line has no number at {path}"))?;
        current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(value);
        Ok(())
    };
    let bound = intake::listen(context.module(), &listen, Arc::new(handler))?;
    context.log("info", &format!("listening on {bound}"));
    loop {
        let stop = context.wait(pause);
        let closed = std::mem::take(&mut *window.lock().unwrap_or_else(PoisonError::into_inner));
        // What the last, unfinished window holds is told too: a restart loses nothing.
        if closed.count > 0 || (empty && !stop) {
            output.send(&closed.line(&field, pause.as_secs_f64()));
        }
        if stop {
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

//! Threshold filter: passes on the lines whose number at a path is beyond a limit, and says why.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::context::{Context, Sending};
use crate::hub::Actions;
use crate::intake::{self, Handler};
use crate::json;

/// How often the module says what it saw.
const REPORT_PAUSE: Duration = Duration::from_secs(60);

/// What went through the filter.
#[derive(Default)]
struct Counts {
    read: AtomicU64,
    passed: AtomicU64,
}

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8081");
    let field = context.settings.text_dial("FIELD", "machine.temperature");
    let threshold = context.settings.number_dial("THRESHOLD", 25.0, -1e12, 1e12);
    let below = context.settings.flag_dial("PASS_BELOW", false);
    let output = context.started(Sending::to("alerts"))?;
    let counts = Arc::new(Counts::default());
    let counting = Arc::clone(&counts);
    let handler: Arc<Handler> = Arc::new(move |line: &str| {
        let field = field.get();
        let value = json::parse(line)?
            .number_at(&field)
            .ok_or_else(|| format!("a line has no number at {field}"))?;
        counting.read.fetch_add(1, Ordering::Relaxed);
        let threshold = threshold.get();
        if passes(value, threshold, below.get()) {
            counting.passed.fetch_add(1, Ordering::Relaxed);
            output.send(&alert(line, &field, value, threshold));
        }
        Ok(())
    });
    let shown = Arc::clone(&counts);
    let actions = Actions::default()
        .input("readings", &handler)
        .method("counts", move |_| {
            let [read, passed] = shown.now();
            Ok(format!(r#"{{"read":{read},"passed":{passed}}}"#))
        });
    let bound = intake::listen(context.module(), &listen, handler)?;
    context.log("info", &format!("listening on {bound}"));
    context.serve(actions)?;
    while !context.wait(REPORT_PAUSE) {
        let [read, passed] = counts.now();
        context.log("info", &format!("{read} lines read, {passed} passed"));
    }
    Ok(())
}

impl Counts {
    fn now(&self) -> [u64; 2] {
        [&self.read, &self.passed].map(|count| count.load(Ordering::Relaxed))
    }
}

fn passes(value: f64, threshold: f64, below: bool) -> bool {
    if below {
        value < threshold
    } else {
        value > threshold
    }
}

fn alert(line: &str, field: &str, value: f64, threshold: f64) -> String {
    format!(
        r#"{{"alert":{{"field":{},"value":{},"threshold":{}}},"message":{line}}}"#,
        json::quoted(field),
        json::number(value),
        json::number(threshold),
    )
}

#[cfg(test)]
mod tests {
    use super::{alert, passes};
    use crate::json;

    #[test]
    fn only_what_is_beyond_passes() {
        assert!(passes(25.1, 25.0, false) && !passes(25.0, 25.0, false));
        assert!(passes(24.9, 25.0, true) && !passes(25.0, 25.0, true));
    }

    #[test]
    fn an_alert_is_json_around_the_line() {
        let value = json::parse(&alert(r#"{"t":30}"#, "t", 30.0, 25.0)).unwrap();
        assert_eq!(value.number_at("alert.value"), Some(30.0));
        assert_eq!(value.number_at("message.t"), Some(30.0));
    }
}

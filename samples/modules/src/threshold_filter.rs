//! Threshold filter: passes on the lines whose number at a path is beyond a limit, and says why.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::intake;
use crate::json;

/// Lines kept while `POST_URL` does not answer.
const BUFFER_LINES_MAX: usize = 256;
/// How often the module says what it saw.
const REPORT_PAUSE: Duration = Duration::from_secs(60);

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8081");
    let field = context.settings.text("FIELD", "machine.temperature");
    let threshold = context.settings.number("THRESHOLD", 25.0, -1e12, 1e12);
    let below = context.settings.flag("PASS_BELOW", false);
    let output = context.started(BUFFER_LINES_MAX, Duration::from_secs(5), true)?;
    let seen = Arc::new([const { AtomicU64::new(0) }; 2]);
    let counts = Arc::clone(&seen);
    let handler = move |line: &str| {
        let value = json::parse(line)?
            .number_at(&field)
            .ok_or_else(|| format!("a line has no number at {field}"))?;
        counts[0].fetch_add(1, Ordering::Relaxed);
        if passes(value, threshold, below) {
            counts[1].fetch_add(1, Ordering::Relaxed);
            output.send(&alert(line, &field, value, threshold));
        }
        Ok(())
    };
    let bound = intake::listen(context.module(), &listen, Arc::new(handler))?;
    context.log("info", &format!("listening on {bound}"));
    while !context.wait(REPORT_PAUSE) {
        let [read, passed] = [
            seen[0].load(Ordering::Relaxed),
            seen[1].load(Ordering::Relaxed),
        ];
        context.log("info", &format!("{read} lines read, {passed} passed"));
    }
    Ok(())
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

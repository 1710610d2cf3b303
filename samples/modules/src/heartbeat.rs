//! Heartbeat: one line at a steady pace, so that a silent device is noticed and a jumping clock shows.

use std::time::{Duration, Instant, SystemTime};

use crate::context::Context;
use crate::json;
use crate::time;

/// Lines kept while `POST_URL` does not answer.
const BUFFER_LINES_MAX: usize = 256;

pub fn run(context: &mut Context) -> Result<(), String> {
    let pause = context.settings.seconds("INTERVAL_SECONDS", 30.0);
    let label = context.settings.text("LABEL", "edge");
    let output = context.started(BUFFER_LINES_MAX, Duration::from_secs(5), true)?;
    let start = Instant::now();
    let wall_start = SystemTime::now();
    let mut sequence = 0_u64;
    loop {
        sequence += 1;
        let up = start.elapsed();
        // The wall clock against the steady clock since start: how far somebody moved the device's time.
        let drift = match SystemTime::now().duration_since(wall_start) {
            Ok(wall) => wall.as_secs_f64() - up.as_secs_f64(),
            Err(back) => -back.duration().as_secs_f64() - up.as_secs_f64(),
        };
        output.send(&format!(
            r#"{{"time":"{}","label":{},"sequence":{sequence},"uptimeSeconds":{},"clockDriftSeconds":{}}}"#,
            time::now(),
            json::quoted(&label),
            json::number(up.as_secs_f64()),
            json::number(drift),
        ));
        if context.wait(pause) {
            return Ok(());
        }
    }
}

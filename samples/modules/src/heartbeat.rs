//! Heartbeat: one line at a steady pace, so that a silent device is noticed and a jumping clock shows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::context::{Context, Sending, Turn};
use crate::hub::Actions;
use crate::json;
use crate::time;

pub fn run(context: &mut Context) -> Result<(), String> {
    let pause = context.settings.seconds_dial("INTERVAL_SECONDS", 30.0);
    let label = context.settings.text("LABEL", "edge");
    let output = context.started(Sending::to("beats"))?;
    let start = Instant::now();
    let wall_start = SystemTime::now();
    let sequence = Arc::new(AtomicU64::new(0));
    let beat = context.nudge();
    let (last, asked) = (Arc::clone(&sequence), beat.clone());
    context.serve(Actions::default().method("beat", move |_| {
        asked.now();
        let up = json::number(start.elapsed().as_secs_f64());
        let next = last.load(Ordering::Acquire) + 1;
        Ok(format!(r#"{{"sequence":{next},"uptimeSeconds":{up}}}"#))
    }))?;
    loop {
        let number = sequence.fetch_add(1, Ordering::AcqRel) + 1;
        let up = start.elapsed();
        // The wall clock against the steady clock since start: how far somebody moved the device's time.
        let drift = match SystemTime::now().duration_since(wall_start) {
            Ok(wall) => wall.as_secs_f64() - up.as_secs_f64(),
            Err(back) => -back.duration().as_secs_f64() - up.as_secs_f64(),
        };
        output.send(&format!(
            r#"{{"time":"{}","label":{},"sequence":{number},"uptimeSeconds":{},"clockDriftSeconds":{}}}"#,
            time::now(),
            json::quoted(&label),
            json::number(up.as_secs_f64()),
            json::number(drift),
        ));
        if context.wait_for(&pause, &beat) == Turn::Stop {
            return Ok(());
        }
    }
}

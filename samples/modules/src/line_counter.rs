//! Line counter: counts the parts (lines) that come in, in all and a minute, against a target rate.
//!
//! Sold with a licence: without `LICENSE_KEY` it runs as an evaluation and stops counting at a limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::intake;
use crate::json;
use crate::time;

/// Lines kept while `POST_URL` does not answer.
const BUFFER_LINES_MAX: usize = 256;
/// Parts counted without a licence.
const EVALUATION_PARTS_MAX: u64 = 1000;

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8085");
    let pause = context.settings.seconds("REPORT_SECONDS", 10.0);
    let target = context.settings.number("TARGET_PER_MINUTE", 60.0, 0.0, 1e9);
    let key = context.settings.text("LICENSE_KEY", "");
    let output = context.started(BUFFER_LINES_MAX, Duration::from_secs(5), true)?;
    // The sample takes any key; a real product would verify a signature here.
    let licensed = !key.is_empty() && !key.contains('<');
    if !licensed {
        context.log(
            "warning",
            &format!("no LICENSE_KEY: evaluation, counting stops at {EVALUATION_PARTS_MAX} parts"),
        );
    }
    let total = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&total);
    let handler = move |_: &str| {
        let limit = if licensed {
            u64::MAX
        } else {
            EVALUATION_PARTS_MAX
        };
        let counted = counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            (now < limit).then_some(now + 1)
        });
        counted
            .map(|_| ())
            .map_err(|at| format!("the evaluation ended at {at} parts: set LICENSE_KEY"))
    };
    let bound = intake::listen(context.module(), &listen, Arc::new(handler))?;
    context.log("info", &format!("listening on {bound}"));
    let (mut before, mut since) = (0_u64, Instant::now());
    loop {
        let stop = context.wait(pause);
        let now = total.load(Ordering::Acquire);
        let rate = (now - before) as f64 * 60.0 / since.elapsed().as_secs_f64().max(0.001);
        (before, since) = (now, Instant::now());
        output.send(&format!(
            r#"{{"time":"{}","parts":{now},"perMinute":{},"targetPerMinute":{},"onTarget":{},"licensed":{licensed}}}"#,
            time::now(),
            json::number(rate),
            json::number(target),
            rate >= target,
        ));
        if stop {
            return Ok(());
        }
    }
}

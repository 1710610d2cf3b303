//! Line counter: counts the parts (lines) that come in, in all and a minute, against a target rate.
//!
//! Sold with a licence: without `LICENSE_KEY` it runs as an evaluation and stops counting at a limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;

use crate::context::{Context, Sending, Turn};
use crate::hub::Actions;
use crate::intake::{self, Handler};
use crate::json;
use crate::time;

/// Parts counted without a licence.
const EVALUATION_PARTS_MAX: u64 = 1000;

pub fn run(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8085");
    let pause = context.settings.seconds_dial("REPORT_SECONDS", 10.0);
    let target = context
        .settings
        .number_dial("TARGET_PER_MINUTE", 60.0, 0.0, 1e9);
    let key = context.settings.text("LICENSE_KEY", "");
    let output = context.started(Sending::to("counts"))?;
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
    let handler: Arc<Handler> = Arc::new(move |_: &str| {
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
    });
    let shown = Arc::clone(&total);
    let actions = Actions::default()
        .input("parts", &handler)
        .method("counts", move |_| {
            let parts = shown.load(Ordering::Acquire);
            Ok(format!(r#"{{"parts":{parts},"licensed":{licensed}}}"#))
        });
    let bound = intake::listen(context.module(), &listen, handler)?;
    context.log("info", &format!("listening on {bound}"));
    context.serve(actions)?;
    let nobody = context.nudge();
    let (mut before, mut since) = (0_u64, Instant::now());
    loop {
        let stop = context.wait_for(&pause, &nobody) == Turn::Stop;
        let target = target.get();
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

//! What ends a run from outside: Ctrl-C, SIGTERM, and the terminal going away. It is listened for from the beginning, so that
//! nothing is left behind whenever it comes.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::verbs::failure::{Exit, Failure};

/// Cancelled once somebody wants the run to end.
pub(crate) fn stop() -> Result<CancellationToken, Failure> {
    let failed =
        |e: std::io::Error| Failure::new(Exit::Failure, "signals cannot be waited for").why(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        asked.cancel();
    });
    Ok(stop)
}

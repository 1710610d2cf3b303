//! A module in a container of this machine's engine, through all the steps of a certification: for `try --check`, and for
//! `offer lint --run`.

use edge::runner::{Engine, Plan, Stand};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::engine::{not_standing, refused};
use super::screen::Screen;
use crate::verbs::failure::{Failure, tell};

/// Goes through the steps while events are shown; `None` when it was stopped. Everything is removed either way.
pub(crate) async fn perform(
    engine: Engine,
    plan: Plan,
    mut screen: Option<&mut Screen>,
    stop: &CancellationToken,
) -> Result<Option<certify::Observed>, Failure> {
    let mut stand = Stand::open(engine, plan).await.map_err(not_standing)?;
    let mut events = stand.log().listen();
    let mut output = String::new();
    let ended = {
        let performing = stand.perform(&mut output);
        tokio::pin!(performing);
        loop {
            tokio::select! {
                event = events.recv() => match (event, &mut screen) {
                    (Ok(entry), Some(screen)) => if let Err(failure) = screen.show(&entry) {
                        // Nobody reads any more; what was started has to be removed all the same.
                        break Err(failure);
                    },
                    (Err(RecvError::Lagged(missed)), Some(_)) => tell(&format!("({missed} events not shown: too many at once)")),
                    _ => {}
                },
                observed = &mut performing => break Ok(Some(observed)),
                () = stop.cancelled() => break Ok(None),
            }
        }
    };
    let left_out = stand.left_out();
    let log = stand.close().await.map_err(refused)?;
    let ended = ended?;
    if let Some(screen) = screen {
        for entry in log.entries(0) {
            screen.show(&entry)?;
        }
    }
    if !output.trim().is_empty() {
        tell(&format!("The module printed:\n{}", output.trim_end()));
    }
    for what in left_out {
        tell(&format!("Not exercised: createOptions {what}"));
    }
    ended.transpose().map_err(not_standing)
}

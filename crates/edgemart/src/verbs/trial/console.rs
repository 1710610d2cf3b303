//! Sits by a run: shows its events, does what is typed and what comes from the page, until the modules are over or somebody
//! has seen enough.

use std::io::{BufRead as _, Read as _};
use std::time::Duration;

use edge::Environment;
use edge::runner::Board;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::order::{self, Then};
use super::page::Page;
use super::screen::Screen;
use crate::verbs::failure::{Failure, tell};

/// Bytes of a line that is typed; a longer one is read as several.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Where one sits.
pub(super) struct Console {
    pub(super) screen: Screen,
    pub(super) page: Option<Page>,
    /// What is typed is for this module.
    pub(super) module: String,
    pub(super) board: Board,
    pub(super) stop: CancellationToken,
}

impl Console {
    /// Gives the exit code of the modules when they ended by themselves; `None` when they are to be stopped.
    pub(super) async fn attend(
        &mut self,
        environment: &mut Environment,
    ) -> Result<Option<i64>, Failure> {
        let mut events = environment.log().listen();
        for entry in environment.log().entries(0) {
            self.screen.show(&entry)?;
        }
        let mut lines = typed();
        let mut typing = true;
        let mut back_at = None;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(entry) => self.screen.show(&entry)?,
                    Err(RecvError::Lagged(missed)) => tell(&format!("({missed} events not shown: too many at once)")),
                    Err(RecvError::Closed) => return Ok(None),
                },
                line = lines.recv(), if typing => match line.map(|line| order::obey(&line, environment, &self.module)) {
                    Some(Then::GoOn) => {}
                    Some(Then::Quit) => return Ok(None),
                    Some(Then::Outage(length)) => back_at = Some(cut(environment, length).await),
                    // Nobody types any more; the module goes on.
                    None => typing = false,
                },
                length = Page::outage(&mut self.page) => back_at = Some(cut(environment, length).await),
                () = sleep_until(back_at.unwrap_or_else(Instant::now)), if back_at.is_some() => {
                    back_at = None;
                    environment.start_hub().map_err(super::not_started)?;
                }
                code = self.board.over() => return Ok(Some(code)),
                () = self.stop.cancelled() => return Ok(None),
            }
        }
    }

    /// Shows what came last, and shuts the page.
    pub(super) async fn close(mut self, log: &edge::log::EventLog) -> Result<(), Failure> {
        if let Some(page) = self.page.take() {
            page.close().await;
        }
        for entry in log.entries(0) {
            self.screen.show(&entry)?;
        }
        Ok(())
    }
}

/// Lets the hub go away; gives the moment of its return.
async fn cut(environment: &mut Environment, length: Duration) -> Instant {
    environment.stop_hub().await;
    Instant::now() + length
}

/// Lines from stdin. They are read on a thread of their own, which nobody waits for at the end.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = String::new();
            match stdin.by_ref().take(LINE_BYTES_MAX).read_line(&mut line) {
                Ok(1..) if sender.blocking_send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    receiver
}

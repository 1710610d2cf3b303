//! Room for connections: each is an open file, and so is every layer that is read and every connection to the database.
//! Without a bound of their own, idle connections would take the files from those that are served.

use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections, however many files the system allows.
const CONNECTIONS_MAX: u64 = 200_000;
/// Files kept for everything else, at least.
const OTHER_FILES_MIN: u64 = 64;

/// A connection's place; free again when it is dropped.
pub(super) type Seat = OwnedSemaphorePermit;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Room {
    seats: Arc<Semaphore>,
}

impl Room {
    /// As much as the system allows this process.
    pub(super) fn of_this_process() -> Self {
        let files = getrlimit(Resource::Nofile).current;
        let connections = connections(files.unwrap_or(u64::MAX));
        tracing::debug!(connections, "connections at once, at most");
        Self {
            seats: Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1))),
        }
    }

    /// A place for the next connection, when there is one.
    pub(super) async fn seat(&self) -> Seat {
        let full = self.seats.available_permits() == 0;
        if full {
            tracing::warn!(
                "no room for another connection; raise the limit of open files (LimitNOFILE) if this stays"
            );
        }
        loop {
            // The semaphore is never closed.
            if let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await {
                return seat;
            }
        }
    }
}

/// A quarter of all files, and never fewer than some, are for what connections ask for.
fn connections(files: u64) -> u64 {
    let others = (files / 4).max(OTHER_FILES_MIN);
    files.saturating_sub(others).clamp(1, CONNECTIONS_MAX)
}

/// Raises the limit of open files to what the system grants without asking; the usual one is for programs that use
/// `select`.
pub(crate) fn open_many_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_what_connections_ask_for() {
        assert_eq!(connections(1_024), 768);
        assert_eq!(connections(100), 36);
        assert_eq!(connections(3), 1);
        assert_eq!(connections(u64::MAX), CONNECTIONS_MAX);
    }

    #[tokio::test]
    async fn a_seat_is_free_again() {
        let room = Room {
            seats: Arc::new(Semaphore::new(1)),
        };
        let first = room.seat().await;
        let waits = tokio::spawn({
            let room = room.clone();
            async move { drop(room.seat().await) }
        });
        drop(first);
        waits.await.unwrap();
    }
}

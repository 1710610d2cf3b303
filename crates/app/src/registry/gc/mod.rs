//! Garbage collection while everybody goes on working. Two steps that may die anywhere and run again:
//!
//! 1. [`repositories`]: what a repository holds and nobody needs is let go. Needed are, in a released repository, what is
//!    public and everything while a submission of the offer is under way; in `incoming/…` every manifest a publisher
//!    pushed, and the blobs these list.
//! 2. [`content`]: what no repository holds is marked, and removed when it still has its mark after the grace. Linking
//!    takes the mark away (`store::registry::condemned`).
//!
//! Nothing younger than the grace is touched, so uploads, pushes and imports under way keep what they brought.

mod content;
mod repositories;

pub(crate) use content::{Removal, remove_unlinked};

use serde::Serialize;

use super::refusal::Refusal;
use crate::App;
use crate::clock::HOUR;

/// How long something must have been unused, unless the operator says otherwise: longer than the slowest push.
pub const GC_GRACE_HOURS: u32 = 7 * 24;

/// What one run did, or in a dry run would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Repositories looked at.
    pub repositories: u64,
    /// Manifests that repositories let go.
    pub manifests_let_go: u64,
    /// Blobs that repositories let go.
    pub blobs_let_go: u64,
    /// Things that nothing links, marked now for a later run.
    pub marked: u64,
    /// Manifests removed.
    pub manifests_removed: u64,
    /// Blobs removed.
    pub blobs_removed: u64,
    /// Bytes of those blobs.
    pub bytes_removed: u64,
    /// Repositories, manifests and blobs that could not be dealt with; the log tells why, and a later run tries again.
    pub failed: u64,
}

/// One run's bounds.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// What is younger is left alone, in microseconds since 1970.
    before: i64,
    /// Only count.
    dry: bool,
    /// Asked between two things: is it time to stop?
    stopped: &'a (dyn Fn() -> bool + Sync),
}

impl GcReport {
    /// What fails of itself does not keep the rest from being done.
    fn note(&mut self, what: &str, name: &str, done: Result<(), Refusal>) {
        if let Err(error) = done {
            self.failed += 1;
            tracing::warn!(
                ?error,
                "could not collect the garbage of {what} {name}; going on"
            );
        }
    }
}

/// Collects garbage that is older than `grace_hours`. For the marketplace's own jobs and its operator. A dry run changes
/// nothing, and counts only what is garbage already: what one step would free for the next is not foreseen.
pub async fn collect_garbage(app: &App, grace_hours: u32, dry: bool) -> Result<GcReport, Refusal> {
    let run = Run {
        before: app.clock.now() - i64::from(grace_hours) * HOUR,
        dry,
        stopped: &|| false,
    };
    collect(app, run).await
}

/// The same, not dry, and it ends early once `stopped` says so.
pub(crate) async fn collect_garbage_until(
    app: &App,
    grace_hours: u32,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<GcReport, Refusal> {
    let run = Run {
        before: app.clock.now() - i64::from(grace_hours) * HOUR,
        dry: false,
        stopped,
    };
    collect(app, run).await
}

async fn collect(app: &App, run: Run<'_>) -> Result<GcReport, Refusal> {
    let mut report = GcReport::default();
    repositories::let_go(app, run, &mut report).await?;
    content::remove(app, run, &mut report).await?;
    Ok(report)
}

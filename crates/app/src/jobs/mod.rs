//! Background jobs: import, certify, publish, purge, run again. A row each, claimed under a lease, run again after a crash.
//! What a job does stands in `pipeline`; this only queues, claims, renews, retries and gives up.

mod ended;
mod failed;
mod housekeeping;
mod lease;
mod nights;
mod runner;
mod slots;

pub(crate) use ended::Ended;
pub use housekeeping::housekeeping;
pub(crate) use nights::night_at;
pub use nights::{begin_night, nights};
pub use runner::run;

use domain::ids::PublisherId;
use serde_json::json;
use store::Tx;
use store::jobs::NewJob;

use crate::App;
use crate::clock::new_id;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Copy a submission's images in.
    Import,
    /// Run the rules over it.
    Certify,
    /// Make it live.
    Publish,
    /// Remove the bytes of a takedown that nobody lifted.
    Purge,
    /// Run a live module again.
    Rerun,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Import,
        Self::Certify,
        Self::Publish,
        Self::Purge,
        Self::Rerun,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Certify => "certify",
            Self::Publish => "publish",
            Self::Purge => "purge",
            Self::Rerun => "rerun",
        }
    }

    /// Whether the work is tried until it is done: nobody waits for it, and nothing else would do it.
    fn until_done(self) -> bool {
        matches!(self, Self::Purge)
    }

    /// What the work is done on, as its payload names it.
    pub(crate) fn subject(self) -> &'static str {
        match self {
            Self::Import | Self::Certify | Self::Publish => "submission",
            Self::Purge => "takedown",
            Self::Rerun => "offer",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a job kind"))
    }
}

impl App {
    /// Queues a publisher's work on a submission within the transaction that made it necessary.
    /// The same work queued twice is queued once.
    pub(crate) async fn enqueue(
        &self,
        tx: &Tx,
        kind: Kind,
        subject: &str,
        publisher: &PublisherId,
    ) -> Result<(), store::Error> {
        let now = self.clock.now();
        self.enqueue_for(tx, kind, subject, publisher, now).await
    }

    /// The same for a later time.
    pub(crate) async fn enqueue_for(
        &self,
        tx: &Tx,
        kind: Kind,
        subject: &str,
        publisher: &PublisherId,
        run_at: i64,
    ) -> Result<(), store::Error> {
        let job = NewJob {
            id: new_id(),
            kind: kind.as_str().to_owned(),
            payload: json!({ kind.subject(): subject }),
            publisher: Some(publisher.clone()),
            unique_key: Some(format!("{}/{subject}", kind.as_str())),
            run_at,
            created_at: self.clock.now(),
        };
        store::jobs::enqueue(tx, &job).await?;
        Ok(())
    }
}

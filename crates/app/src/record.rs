//! Events: who did what to which thing, when. Written in the transaction of the change itself.

use domain::actor::Actor;
use serde_json::Value;
use store::Tx;
use store::events::Event;

use crate::App;
use crate::clock::new_id;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An account.
    Account,
    /// A publisher.
    Publisher,
    /// An offer, by `publisher.offer`.
    Offer,
    /// A submission, by id.
    Submission,
    /// An image repository, by name.
    Repository,
    /// The installation.
    Marketplace,
}

impl Subject {
    /// The word in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Publisher => "publisher",
            Self::Offer => "offer",
            Self::Submission => "submission",
            Self::Repository => "repository",
            Self::Marketplace => "marketplace",
        }
    }
}

impl App {
    /// Appends an event within a transaction.
    pub(crate) async fn record(
        &self,
        tx: &Tx,
        actor: &Actor,
        (subject_kind, subject): (Subject, &str),
        kind: &str,
        data: Value,
    ) -> Result<(), store::Error> {
        let event = Event {
            id: new_id(),
            at: self.clock.now(),
            actor: actor.label().to_owned(),
            subject_kind: subject_kind.as_str().to_owned(),
            subject: subject.to_owned(),
            kind: kind.to_owned(),
            data,
        };
        store::events::append(tx, &event).await
    }
}

//! The audit trail of pushes and deletes: one event each, in the transaction of the change itself.

use serde_json::Value;
use store::Tx;
use store::events::Event;

use super::authorize::PushPass;
use crate::App;
use crate::clock::new_id;
use crate::record::Subject;

/// Appends an event about the repository of `pass`.
pub(super) async fn record(
    app: &App,
    tx: &Tx,
    pass: &PushPass,
    kind: &str,
    data: Value,
) -> Result<(), store::Error> {
    let event = Event {
        id: new_id(),
        at: app.clock.now(),
        actor: pass.account_id().to_owned(),
        subject_kind: Subject::Repository.as_str().to_owned(),
        subject: pass.repository().to_string(),
        kind: kind.to_owned(),
        data,
    };
    store::events::append(tx, &event).await
}

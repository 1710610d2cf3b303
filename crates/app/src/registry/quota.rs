//! What one publisher may hold. Checked twice: before bytes travel, so that nobody sends ten gibibytes in vain, and in the
//! transaction of the change itself, while every other change of the same publisher waits, so that many pushes at once
//! end where one would.

use domain::ids::PublisherId;
use oci::{Digest, RepositoryName};
use store::registry::{Usage, usage};
use store::{Source, Tx};

use super::place::Place;
use super::refusal::Refusal;
use crate::App;

/// Why a publisher may not hold this much.
fn over(app: &App, publisher: &PublisherId, found: Usage) -> Option<String> {
    let quota = &app.settings.limits.quota;
    let table = [
        ("bytes", found.bytes, quota.bytes_max),
        ("repositories", found.repositories, quota.repositories_max),
        ("tags", found.tags, quota.tags_max),
    ];
    let (what, found, max) = table
        .into_iter()
        .find(|(_, found, max)| *max > 0 && found > max)?;
    Some(format!(
        "with this, the publisher `{publisher}` would hold {found} {what} in the registry, and {max} are allowed; delete what is not needed from `incoming/{publisher}/…`, or ask the marketplace's operator to raise `limits.publisher_{what}_max`"
    ))
}

fn unlimited(app: &App) -> bool {
    let quota = &app.settings.limits.quota;
    [quota.bytes_max, quota.repositories_max, quota.tags_max] == [0, 0, 0]
}

/// Why the changes of this transaction are too much, if they are: call it after them, and [`begin`] before.
pub(crate) async fn refusal_within(
    app: &App,
    tx: &Tx,
    publisher: &PublisherId,
) -> Result<Option<String>, store::Error> {
    if unlimited(app) {
        return Ok(None);
    }
    let found = usage(tx, publisher.as_str()).await?;
    Ok(over(app, publisher, found))
}

/// Makes other changes of the same publisher wait for this transaction.
pub(crate) async fn begin(app: &App, tx: &Tx, publisher: &PublisherId) -> Result<(), store::Error> {
    if unlimited(app) {
        return Ok(());
    }
    store::registry::hold_publisher(tx, publisher.as_str()).await
}

/// Refuses changes of this transaction that are too much.
pub(super) async fn keep_within(
    app: &App,
    tx: &Tx,
    repository: &RepositoryName,
) -> Result<(), Refusal> {
    let place = Place::of(repository);
    let Some(publisher) = place.publisher() else {
        return Ok(());
    };
    match refusal_within(app, tx, publisher).await? {
        Some(why) => Err(Refusal::Denied(why)),
        None => Ok(()),
    }
}

/// [`begin`] for the publisher of a repository.
pub(super) async fn hold(app: &App, tx: &Tx, repository: &RepositoryName) -> Result<(), Refusal> {
    match Place::of(repository).publisher() {
        Some(publisher) => Ok(begin(app, tx, publisher).await?),
        None => Ok(()),
    }
}

/// Why there is no room for so many more bytes.
pub(crate) async fn refusal_of_bytes(
    app: &App,
    source: &impl Source,
    publisher: &PublisherId,
    more: u64,
) -> Result<Option<String>, store::Error> {
    if app.settings.limits.quota.bytes_max == 0 {
        return Ok(None);
    }
    let found = usage(source, publisher.as_str()).await?;
    let grown = Usage {
        bytes: found.bytes.saturating_add(more),
        ..Usage::default()
    };
    Ok(over(app, publisher, grown))
}

/// Refuses bytes before they travel. A blob that the publisher holds already takes no room.
pub(super) async fn make_room(
    app: &App,
    repository: &RepositoryName,
    digest: Option<&Digest>,
    bytes: u64,
) -> Result<(), Refusal> {
    let place = Place::of(repository);
    let Some(publisher) = place.publisher() else {
        return Ok(());
    };
    let Some(why) = refusal_of_bytes(app, &app.reader, publisher, bytes).await? else {
        return Ok(());
    };
    let held = match digest {
        Some(digest) => {
            store::registry::publisher_holds(&app.reader, publisher.as_str(), digest).await?
        }
        None => false,
    };
    if held {
        Ok(())
    } else {
        Err(Refusal::Denied(why))
    }
}

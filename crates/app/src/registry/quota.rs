//! What one publisher may hold. Checked twice: before bytes travel, so that nobody sends ten gibibytes in vain, and in the
//! transaction of the change itself, while every other change of the same publisher waits, so that many pushes at once
//! end where one would.
//!
//! Counting all that a publisher holds takes the longer the more it is, so what was counted is kept, and what comes is added
//! to it. Only when that would be too much, or was not counted for an hour, is everything counted anew.

use domain::ids::PublisherId;
use oci::{Digest, RepositoryName};
use store::registry::{KeptUsage, Usage, usage};
use store::{Source, Tx};

use super::place::Place;
use super::refusal::Refusal;
use crate::App;
use crate::clock::HOUR;

/// How long a count is good, with what came since. What was not added to it, such as the tags of a go-live, is found then.
const COUNTED_MICROS_MAX: i64 = HOUR;

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
    let way_out = way_out(app, publisher, what);
    Some(format!(
        "with this, the publisher `{publisher}` would hold {found} {what} in the registry, and {max} are allowed; {way_out}, or ask the marketplace's operator to raise `limits.publisher_{what}_max`"
    ))
}

/// What makes room, and when.
fn way_out(app: &App, publisher: &PublisherId, what: &str) -> String {
    let from = format!("from `incoming/{publisher}/…`");
    match what {
        "bytes" => {
            let when = match app.settings.registry.gc_grace_hours {
                Some(hours) => format!("about {hours} hours later"),
                None => "when the operator collects garbage".to_owned(),
            };
            format!(
                "delete manifests that are not needed {from}: their layers make room {when}, or at once when you delete each of them as well"
            )
        }
        "tags" => format!("delete tags that are not needed {from}"),
        _ => "push into a repository that is there, since their names stay taken".to_owned(),
    }
}

fn unlimited(app: &App) -> bool {
    let quota = &app.settings.limits.quota;
    [quota.bytes_max, quota.repositories_max, quota.tags_max] == [0, 0, 0]
}

/// Leave to grow, for as long as a transaction lasts: other changes of the same publisher wait for it.
pub(crate) struct Growing {
    /// Nobody, where nothing is limited.
    publisher: Option<PublisherId>,
    /// Repositories that come into being with the first thing linked.
    repositories: u64,
}

/// To be called before the changes, and [`Growing::refusal`] after them.
pub(crate) async fn begin(
    app: &App,
    tx: &Tx,
    publisher: &PublisherId,
    repository: &str,
) -> Result<Growing, store::Error> {
    if unlimited(app) {
        return Ok(Growing::unasked());
    }
    store::registry::hold_publisher(tx, publisher.as_str()).await?;
    let known = store::registry::repository_exists(tx, repository).await?;
    Ok(Growing {
        publisher: Some(publisher.clone()),
        repositories: u64::from(!known),
    })
}

/// [`begin`] for the publisher of a repository.
pub(super) async fn hold(
    app: &App,
    tx: &Tx,
    repository: &RepositoryName,
) -> Result<Growing, Refusal> {
    match Place::of(repository).publisher() {
        Some(publisher) => Ok(begin(app, tx, publisher, repository.as_str()).await?),
        None => Ok(Growing::unasked()),
    }
}

impl Growing {
    fn unasked() -> Self {
        Self {
            publisher: None,
            repositories: 0,
        }
    }

    /// What is linked, and the repository where that is the first.
    pub(crate) fn linked(&self, bytes: u64, tags: u64) -> Usage {
        Usage {
            bytes,
            repositories: self.repositories,
            tags,
        }
    }

    /// Why the changes of this transaction are too much, if they are. `more` is the most that they may have brought.
    pub(crate) async fn refusal(
        &self,
        app: &App,
        tx: &Tx,
        more: Usage,
    ) -> Result<Option<String>, store::Error> {
        let Some(publisher) = &self.publisher else {
            return Ok(None);
        };
        let now = app.clock.now();
        let kept = match at_most(app, tx, publisher, more).await? {
            Some(kept) if over(app, publisher, kept.usage).is_none() => kept,
            _ => KeptUsage {
                usage: usage(tx, publisher.as_str()).await?,
                counted_at: now,
            },
        };
        let why = over(app, publisher, kept.usage);
        if why.is_none() {
            store::registry::keep_usage(tx, publisher.as_str(), &kept).await?;
        }
        Ok(why)
    }

    /// Refuses changes of this transaction that are too much.
    pub(super) async fn keep_within(&self, app: &App, tx: &Tx, more: Usage) -> Result<(), Refusal> {
        match self.refusal(app, tx, more).await? {
            Some(why) => Err(Refusal::Denied(why)),
            None => Ok(()),
        }
    }
}

/// The most that a publisher holds with so much more; nothing when that was not counted lately.
async fn at_most(
    app: &App,
    source: &impl Source,
    publisher: &PublisherId,
    more: Usage,
) -> Result<Option<KeptUsage>, store::Error> {
    let kept = store::registry::kept_usage(source, publisher.as_str()).await?;
    let kept = kept.filter(|kept| kept.counted_at + COUNTED_MICROS_MAX > app.clock.now());
    Ok(kept.map(|kept| KeptUsage {
        usage: Usage {
            bytes: kept.usage.bytes.saturating_add(more.bytes),
            repositories: kept.usage.repositories + more.repositories,
            tags: kept.usage.tags + more.tags,
        },
        ..kept
    }))
}

/// Counts what an import brings in parts; whether there is room for all of it was asked before.
pub(crate) async fn count_part(
    app: &App,
    tx: &Tx,
    publisher: &PublisherId,
    bytes: u64,
) -> Result<(), store::Error> {
    if unlimited(app) {
        return Ok(());
    }
    store::registry::add_to_usage(tx, publisher.as_str(), bytes).await
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
    let added = Usage {
        bytes: more,
        ..Usage::default()
    };
    if let Some(kept) = at_most(app, source, publisher, added).await? {
        let bytes = Usage {
            bytes: kept.usage.bytes,
            ..Usage::default()
        };
        if over(app, publisher, bytes).is_none() {
            return Ok(None);
        }
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

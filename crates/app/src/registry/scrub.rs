//! Reads every blob and compares it with its name. Spoiled bytes are put aside, so that nobody is served them, and what is
//! spoiled or missing is fetched again from where it was imported; where that fails, whoever pushes or imports the blob
//! again mends it. A healthy storage is left as it is, byte for byte.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use oci::{Digest, DigestHasher};
use serde::Serialize;
use store::blobs::{BlobError, StoredBlob};

use super::heal::{Healed, heal};
use super::refusal::Refusal;
use crate::App;

/// Repositories named for one broken blob.
const HOLDERS_MAX: u64 = 10;
/// Digests read from the database at a time.
const PAGE_DIGESTS: u64 = 500;
/// Reads of one blob that others write at the same time.
const READS_MAX: usize = 3;
/// Broken blobs listed; more are only counted.
const BROKEN_MAX: usize = 1_000;
/// Blobs that the storage cannot look up, before it is taken for one that is out of order.
const UNSURE_MAX: usize = 10_000;

/// What a scrub found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScrubReport {
    /// Blobs read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs whose bytes are wrong or missing.
    pub broken: u64,
    /// How many of them are whole again.
    pub healed: u64,
    /// The first of them.
    pub list: Vec<Broken>,
}

/// A blob that is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its name.
    pub digest: Digest,
    /// What its bytes hash to; none when there are none, or they cannot be read.
    pub found: Option<Digest>,
    /// Why they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Where the bytes were put, unless it was a dry run.
    pub put_aside: Option<String>,
    /// Why they could not be put aside: they are where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_put_aside: Option<String>,
    /// Repositories that hold it, the public ones first.
    pub held_by: Vec<String>,
    /// Where it was fetched from again.
    pub healed_from: Option<String>,
    /// Why it was not, for each source tried.
    pub not_healed: Option<String>,
}

/// What a scrub may do about what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Only tell.
    Nothing,
    /// Put spoiled bytes aside.
    PutAside,
    /// That, and fetch what is spoiled or missing from where it was imported.
    Fetch,
}

impl ScrubReport {
    async fn tell(&mut self, app: &App, mut broken: Broken, mend: Mend) -> Result<(), Refusal> {
        broken.held_by =
            store::registry::repositories_of_blob(&app.reader, &broken.digest, HOLDERS_MAX).await?;
        if broken.is_missing() && broken.held_by.is_empty() {
            // Let go since it was read that somebody holds it.
            return Ok(());
        }
        self.broken += 1;
        tracing::error!(?broken, "a blob is not what its name says");
        // What only cannot be read may be read tomorrow; it stays where it is.
        if mend == Mend::Fetch && broken.unreadable.is_none() {
            match heal(app, &broken.digest, &broken.held_by).await? {
                Healed::From(source) => broken.healed_from = Some(source),
                Healed::No(why) => broken.not_healed = Some(why),
            }
        }
        self.healed += u64::from(broken.healed_from.is_some());
        if self.list.len() < BROKEN_MAX {
            self.list.push(broken);
        }
        Ok(())
    }
}

impl Broken {
    fn of(digest: Digest) -> Self {
        Self {
            digest,
            found: None,
            unreadable: None,
            put_aside: None,
            not_put_aside: None,
            held_by: Vec::new(),
            healed_from: None,
            not_healed: None,
        }
    }

    fn is_missing(&self) -> bool {
        self.found.is_none() && self.unreadable.is_none()
    }
}

/// What reading a blob told.
enum Read {
    /// It is not there any more.
    Gone,
    /// So many bytes that hash to its name.
    Sound(u64),
    /// This, whose bytes hash to something else.
    Wrong(Digest, StoredBlob),
    /// The storage does not give them.
    Unreadable(BlobError),
}

/// Reads all blobs, and mends what it may. For the operator.
pub async fn scrub(app: &App, mend: Mend) -> Result<ScrubReport, Refusal> {
    let mut report = ScrubReport::default();
    // What is missing comes first: what is put aside after that, and not fetched again, is missing too, and told already.
    let mut unsure = missing(app, &mut report, mend).await?;
    let mut stored = app.blobs.list();
    while let Some(blob) = stored.try_next().await.map_err(Refusal::storage)? {
        unsure.remove(&blob.digest);
        if let Some(broken) = look(app, &mut report, blob.digest, mend).await {
            report.tell(app, broken, mend).await?;
        }
    }
    for digest in unsure {
        let broken = match app.blobs.size(&digest).await {
            Ok(None) => Some(Broken::of(digest)),
            _ => look(app, &mut report, digest, mend).await,
        };
        if let Some(broken) = broken {
            report.tell(app, broken, mend).await?;
        }
    }
    Ok(report)
}

/// Reads one blob and puts it aside if it is spoiled; what it told, unless it is sound or gone.
async fn look(app: &App, report: &mut ScrubReport, digest: Digest, mend: Mend) -> Option<Broken> {
    let mut broken = Broken::of(digest);
    let (found, seen) = match read(app, &broken.digest).await {
        Read::Gone => return None,
        Read::Sound(size) => {
            report.blobs += 1;
            report.bytes += size;
            return None;
        }
        Read::Wrong(found, seen) => (found, seen),
        // A bad sector, or a storage that fails for a moment: told and left where it is.
        Read::Unreadable(error) => {
            broken.unreadable = Some(error.to_string());
            return Some(broken);
        }
    };
    report.blobs += 1;
    report.bytes += seen.size;
    broken.found = Some(found);
    if mend != Mend::Nothing {
        match app.blobs.quarantine(&seen).await {
            Ok(Some(to)) => broken.put_aside = Some(to),
            // Somebody mended it just now.
            Ok(None) => return None,
            Err(error) => broken.not_put_aside = Some(error.to_string()),
        }
    }
    Some(broken)
}

/// Reads a blob, again when somebody mended or removed it meanwhile.
async fn read(app: &App, digest: &Digest) -> Read {
    let mut told = Read::Gone;
    for _ in 0..READS_MAX {
        let before = match app.blobs.find(digest).await {
            Ok(Some(before)) => before,
            Ok(None) => return Read::Gone,
            Err(error) => return Read::Unreadable(error),
        };
        told = match hash(app, digest).await {
            Ok(None) => return Read::Gone,
            Ok(Some((found, size))) if found == *digest => return Read::Sound(size),
            Ok(Some((found, _))) => Read::Wrong(found, before.clone()),
            Err(error) => Read::Unreadable(error),
        };
        if matches!(app.blobs.find(digest).await, Ok(Some(after)) if after == before) {
            break;
        }
    }
    told
}

async fn hash(app: &App, digest: &Digest) -> Result<Option<(Digest, u64)>, BlobError> {
    let Some((_, mut bytes)) = app.blobs.open(digest, None).await? else {
        return Ok(None);
    };
    let (mut hasher, mut size) = (DigestHasher::new(digest.algorithm()), 0);
    while let Some(some) = bytes.try_next().await? {
        hasher.update(&some);
        size += u64::try_from(some.len()).unwrap_or(u64::MAX);
    }
    Ok(Some((hasher.finish(), size)))
}

/// Tells of blobs that a repository holds and the storage does not; gives those that the storage cannot look up.
async fn missing(
    app: &App,
    report: &mut ScrubReport,
    mend: Mend,
) -> Result<BTreeSet<Digest>, Refusal> {
    let mut unsure = BTreeSet::new();
    let mut after: Option<Digest> = None;
    loop {
        let page = store::registry::held_blobs(&app.reader, after.as_ref(), PAGE_DIGESTS).await?;
        for digest in &page {
            match app.blobs.size(digest).await {
                Ok(Some(_)) => {}
                Ok(None) => report.tell(app, Broken::of(digest.clone()), mend).await?,
                Err(error) if unsure.len() == UNSURE_MAX => {
                    return Err(Refusal::storage(format!(
                        "more than {UNSURE_MAX} blobs cannot be looked up, the last because: {error}"
                    )));
                }
                Err(_) => {
                    unsure.insert(digest.clone());
                }
            }
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(unsure),
        }
    }
}

//! Reads every blob and compares it with its name. Spoiled bytes are put aside, so that nobody is served them, and what is
//! spoiled or missing is fetched again from where it was imported; where that fails, whoever pushes or imports the blob
//! again mends it. A healthy storage is left as it is, byte for byte.

use futures_util::TryStreamExt as _;
use oci::{Digest, DigestHasher};
use serde::Serialize;

use super::heal::{Healed, heal};
use super::refusal::Refusal;
use crate::App;

/// Repositories named for one broken blob.
const HOLDERS_MAX: u64 = 10;
/// Digests read from the database at a time.
const PAGE_DIGESTS: u64 = 500;
/// Broken blobs listed; more are only counted.
const BROKEN_MAX: usize = 1_000;

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
    /// What its bytes hash to; none when there are none.
    pub found: Option<Digest>,
    /// Where the bytes were put, unless it was a dry run.
    pub put_aside: Option<String>,
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
    async fn tell(
        &mut self,
        app: &App,
        digest: Digest,
        found: Option<Digest>,
        mend: Mend,
    ) -> Result<(), Refusal> {
        self.broken += 1;
        let put_aside = match (mend, &found) {
            (Mend::PutAside | Mend::Fetch, Some(_)) => Some(put_aside(app, &digest).await?),
            _ => None,
        };
        let held_by =
            store::registry::repositories_of_blob(&app.reader, &digest, HOLDERS_MAX).await?;
        tracing::error!(%digest, ?found, ?held_by, "a blob is not what its name says");
        let (healed_from, not_healed) = match mend {
            Mend::Fetch => match heal(app, &digest, &held_by).await? {
                Healed::From(source) => (Some(source), None),
                Healed::No(why) => (None, Some(why)),
            },
            Mend::Nothing | Mend::PutAside => (None, None),
        };
        self.healed += u64::from(healed_from.is_some());
        if self.list.len() < BROKEN_MAX {
            self.list.push(Broken {
                digest,
                found,
                put_aside,
                held_by,
                healed_from,
                not_healed,
            });
        }
        Ok(())
    }
}

/// Reads all blobs, and mends what it may. For the operator.
pub async fn scrub(app: &App, mend: Mend) -> Result<ScrubReport, Refusal> {
    let mut report = ScrubReport::default();
    let mut stored = app.blobs.list();
    while let Some(blob) = stored.try_next().await.map_err(Refusal::storage)? {
        let Some((found, size)) = hash(app, &blob.digest).await? else {
            // Removed since it was listed.
            continue;
        };
        report.blobs += 1;
        report.bytes += size;
        if found != blob.digest {
            report.tell(app, blob.digest, Some(found), mend).await?;
        }
    }
    missing(app, &mut report, mend).await?;
    Ok(report)
}

async fn put_aside(app: &App, digest: &Digest) -> Result<String, Refusal> {
    app.blobs.quarantine(digest).await.map_err(Refusal::storage)
}

async fn hash(app: &App, digest: &Digest) -> Result<Option<(Digest, u64)>, Refusal> {
    let opened = app.blobs.open(digest, None).await;
    let Some((_, mut bytes)) = opened.map_err(Refusal::storage)? else {
        return Ok(None);
    };
    let (mut hasher, mut size) = (DigestHasher::new(digest.algorithm()), 0);
    while let Some(some) = bytes.try_next().await.map_err(Refusal::storage)? {
        hasher.update(&some);
        size += u64::try_from(some.len()).unwrap_or(u64::MAX);
    }
    Ok(Some((hasher.finish(), size)))
}

/// Blobs that a repository holds and the storage does not.
async fn missing(app: &App, report: &mut ScrubReport, mend: Mend) -> Result<(), Refusal> {
    let mut after: Option<Digest> = None;
    loop {
        let page = store::registry::held_blobs(&app.reader, after.as_ref(), PAGE_DIGESTS).await?;
        for digest in &page {
            let known = report.list.iter().any(|broken| broken.digest == *digest);
            let there = app.blobs.size(digest).await.map_err(Refusal::storage)?;
            if there.is_none() && !known {
                report.tell(app, digest.clone(), None, mend).await?;
            }
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

//! Removing what nobody will come back for: chunks of finished or forgotten uploads, and files that a killed process
//! left half-written. Blobs themselves are removed one by one, by whoever knows that no repository holds them.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::{BlobError, Blobs};

impl Blobs {
    /// Removes every chunk of an upload, also those that its rows never heard of.
    pub async fn delete_chunks(&self, upload: &str) -> Result<(), BlobError> {
        self.remove_all(&self.upload(upload)?, |_| true).await?;
        Ok(())
    }

    /// Removes half-written files and chunks last touched before `older_than` (microseconds since 1970, UTC), but not
    /// those of the uploads `under_way`, however old; tells how many. Ask for the uploads first, and choose a time before
    /// which nobody began one unasked.
    pub async fn sweep(
        &self,
        older_than: i64,
        under_way: &BTreeSet<String>,
    ) -> Result<u64, BlobError> {
        let uploads = self.under(&["uploads"]);
        let forgotten = |meta: &ObjectMeta| {
            let upload = meta
                .location
                .prefix_match(&uploads)
                .and_then(|mut rest| rest.next());
            meta.last_modified.timestamp_micros() < older_than
                && !upload.is_some_and(|upload| under_way.contains(upload.as_ref()))
        };
        let mut removed = self.remove_all(&uploads, forgotten).await?;
        if let Some(local) = &self.local {
            let root = local.path_to_filesystem(&self.under(&["blobs"]));
            let root = root.map_err(BlobError::storage("sweep", &self.prefix))?;
            let folder = root
                .parent()
                .map_or_else(|| root.clone(), FilePath::to_owned);
            let before =
                UNIX_EPOCH + Duration::from_micros(u64::try_from(older_than).unwrap_or_default());
            let swept = tokio::task::spawn_blocking(move || sweep_staged(&folder, before)).await;
            removed += swept
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(|source| BlobError::File {
                    attempt: "sweep",
                    object: root.display().to_string(),
                    source,
                })?;
        }
        Ok(removed)
    }

    async fn remove_all(
        &self,
        under: &Path,
        which: impl Fn(&ObjectMeta) -> bool,
    ) -> Result<u64, BlobError> {
        let mut found = self.store.list(Some(under));
        let mut removed = 0;
        while let Some(meta) = found.next().await {
            let meta = meta.map_err(BlobError::storage("list", under))?;
            if which(&meta) {
                self.remove(&meta.location).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// `object_store` writes `name#1`, `name#2`, … beside the final name and renames; those files it does not list.
fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, count)| {
        !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn sweep_staged(root: &FilePath, before: SystemTime) -> std::io::Result<u64> {
    let mut removed = 0;
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && is_staged(&entry.file_name().to_string_lossy())
                && entry.metadata()?.modified()? < before
            {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::is_staged;

    #[test]
    fn only_half_written_files_are_staged() {
        assert!(is_staged("1f3a#1") && is_staged("a#b#27"));
        assert!(!is_staged("1f3a") && !is_staged("1f3a#") && !is_staged("#x"));
    }
}

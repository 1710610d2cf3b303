//! The two ends of a chain: the file store, which keeps lines in rotated files, and the HTTP forwarder, which hands
//! them to a server outside and buffers while that does not answer.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::context::Context;
use crate::intake;
use crate::json;

/// How often a sink says what it did.
const REPORT_PAUSE: Duration = Duration::from_secs(60);
const MEBIBYTE: u64 = 1024 * 1024;

/// Keeps every line in `DIRECTORY`, in at most `FILES_MAX` files of `FILE_MEBIBYTES_MAX` each.
pub fn file_store(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8083");
    let directory = PathBuf::from(context.settings.text("DIRECTORY", "/data"));
    let bytes_max = u64::from(context.settings.count("FILE_MEBIBYTES_MAX", 8, 1, 1024)) * MEBIBYTE;
    let files_max = context.settings.count("FILES_MAX", 4, 1, 1000);
    // The file is the output: printing every line again would only fill the device's log.
    let output = context.started(1, REPORT_PAUSE, false)?;
    if output.posts() {
        context.log(
            "warning",
            "POST_URL is not used by this module: put an http-forwarder beside it",
        );
    }
    let store = Mutex::new(Store::open(directory, bytes_max, files_max)?);
    let kept = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&kept);
    let handler = move |line: &str| {
        store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(line)?;
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    run_sink(context, &listen, Arc::new(handler), &kept, "kept")
}

/// Hands every line to `POST_URL`, in order, with `BUFFER_LINES` waiting at most.
pub fn http_forwarder(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8084");
    let buffer = context.settings.count("BUFFER_LINES", 1000, 1, 1_000_000);
    let retry = context.settings.seconds("RETRY_SECONDS", 5.0);
    let echo = context.settings.flag("ECHO", false);
    let output = context.started(buffer as usize, retry, echo)?;
    if !output.posts() {
        context.log("warning", "no POST_URL: lines are counted and go nowhere");
    }
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let handler = move |line: &str| {
        json::parse(line)?;
        output.send(line);
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    run_sink(context, &listen, Arc::new(handler), &taken, "taken")
}

fn run_sink(
    context: &mut Context,
    listen: &str,
    handler: Arc<intake::Handler>,
    count: &AtomicU64,
    verb: &str,
) -> Result<(), String> {
    let bound = intake::listen(context.module(), listen, handler)?;
    context.log("info", &format!("listening on {bound}"));
    while !context.wait(REPORT_PAUSE) {
        context.log(
            "info",
            &format!("{} lines {verb}", count.load(Ordering::Relaxed)),
        );
    }
    Ok(())
}

/// Files `lines.0.jsonl` (being written), `lines.1.jsonl` … (older).
struct Store {
    directory: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    files_max: u32,
}

impl Store {
    fn open(directory: PathBuf, bytes_max: u64, files_max: u32) -> Result<Store, String> {
        std::fs::create_dir_all(&directory).map_err(|e| {
            format!(
                "cannot make DIRECTORY={}: {e}; mount a volume there",
                directory.display()
            )
        })?;
        let (file, bytes) = open_current(&directory)?;
        Ok(Store {
            directory,
            file,
            bytes,
            bytes_max,
            files_max,
        })
    }

    fn append(&mut self, line: &str) -> Result<(), String> {
        let size = line.len() as u64 + 1;
        if self.bytes > 0 && self.bytes + size > self.bytes_max {
            self.rotate()?;
        }
        let record = format!("{line}\n");
        self.file
            .write_all(record.as_bytes())
            .map_err(|e| format!("cannot write in {}: {e}", self.directory.display()))?;
        self.bytes += size;
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), String> {
        for number in (0..self.files_max).rev() {
            let from = path(&self.directory, number);
            let moved = match number + 1 == self.files_max {
                true => std::fs::remove_file(&from),
                false => std::fs::rename(&from, path(&self.directory, number + 1)),
            };
            match moved {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("cannot rotate {}: {e}", from.display()));
                }
                _ => {}
            }
        }
        (self.file, self.bytes) = open_current(&self.directory)?;
        Ok(())
    }
}

fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("lines.{number}.jsonl"))
}

fn open_current(directory: &Path) -> Result<(File, u64), String> {
    let path = path(directory, 0);
    let wrong = |e: std::io::Error| {
        format!(
            "cannot open {}: {e}; the volume must be writable for user 1000",
            path.display()
        )
    };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(wrong)?;
    let bytes = file.metadata().map_err(wrong)?.len();
    Ok((file, bytes))
}

#[cfg(test)]
mod tests {
    use super::Store;

    #[test]
    fn the_newest_files_are_kept() {
        let directory =
            std::env::temp_dir().join(format!("edge-samples-store-{}", std::process::id()));
        let mut store = Store::open(directory.clone(), 16, 2).unwrap();
        for number in 0..10 {
            store.append(&format!("line {number}")).unwrap();
        }
        let read = |number| std::fs::read_to_string(super::path(&directory, number)).unwrap();
        let (older, newer) = (read(1), read(0));
        let third = super::path(&directory, 2).exists();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(
            (older.as_str(), newer.as_str(), third),
            ("line 6\nline 7\n", "line 8\nline 9\n", false)
        );
    }
}

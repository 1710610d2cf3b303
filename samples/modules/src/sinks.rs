//! The two ends of a chain: the file store, which keeps lines in rotated files, and the HTTP forwarder, which hands
//! them to a server outside and buffers while that does not answer.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::context::{Context, Echo, Sending};
use crate::dial::NumberDial;
use crate::hub::Actions;
use crate::intake::{self, Handler};
use crate::json;

/// How often a sink says what it did.
const REPORT_PAUSE: Duration = Duration::from_secs(60);
const MEBIBYTE: u64 = 1024 * 1024;

/// Keeps every line in `DIRECTORY`, in at most `FILES_MAX` files of `FILE_MEBIBYTES_MAX` each.
pub fn file_store(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8083");
    let directory = PathBuf::from(context.settings.text("DIRECTORY", "/data"));
    let mebibytes_max = context
        .settings
        .count_dial("FILE_MEBIBYTES_MAX", 8, 1, 1024);
    let files_max = context.settings.count_dial("FILES_MAX", 4, 1, 1000);
    // The file is the output: printing every line again would only fill the device's log.
    let output = context.started(Sending {
        output: None,
        echo: Echo::Never,
        ..Sending::to("")
    })?;
    if output.poster().is_some() {
        context.log(
            "warning",
            "POST_URL is not used by this module: put an http-forwarder beside it",
        );
    }
    let limits = Limits {
        mebibytes_max,
        files_max,
    };
    let store = Arc::new(Mutex::new(Store::open(directory, limits)?));
    let kept = Arc::new(AtomicU64::new(0));
    let (counter, writing) = (Arc::clone(&kept), Arc::clone(&store));
    let handler: Arc<Handler> = Arc::new(move |line: &str| {
        writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(line)?;
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let counted = Arc::clone(&kept);
    let actions = Actions::default()
        .input("messages", &handler)
        .method("usage", move |_| {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let (files, bytes) = store.usage();
            let lines = counted.load(Ordering::Relaxed);
            Ok(format!(
                r#"{{"lines":{lines},"files":{files},"bytes":{bytes}}}"#
            ))
        });
    run_sink(context, &listen, (handler, actions), &kept, "kept")
}

/// Hands every line to `POST_URL`, in order, with `BUFFER_LINES` waiting at most.
pub fn http_forwarder(context: &mut Context) -> Result<(), String> {
    let listen = context.settings.text("LISTEN", "0.0.0.0:8084");
    let buffer = context
        .settings
        .count_dial("BUFFER_LINES", 1000, 1, 1_000_000);
    let retry = context.settings.seconds_dial("RETRY_SECONDS", 5.0);
    let echo = context.settings.flag("ECHO", false);
    let output = context.started(Sending {
        output: None,
        echo: if echo { Echo::Always } else { Echo::Never },
        buffer,
        retry,
    })?;
    if output.poster().is_none() {
        context.log("warning", "no POST_URL: lines are counted and go nowhere");
    }
    let taken = Arc::new(AtomicU64::new(0));
    let (counter, sending) = (Arc::clone(&taken), output.clone());
    let handler: Arc<Handler> = Arc::new(move |line: &str| {
        json::parse(line)?;
        sending.send(line);
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let counted = Arc::clone(&taken);
    let actions = Actions::default()
        .input("messages", &handler)
        .method("status", move |_| {
            let poster = output.poster();
            let (waiting, dropped) = poster.map_or((0, 0), |poster| poster.waiting_and_dropped());
            Ok(format!(
                r#"{{"taken":{},"waiting":{waiting},"dropped":{dropped},"posting":{}}}"#,
                counted.load(Ordering::Relaxed),
                poster.is_some(),
            ))
        });
    run_sink(context, &listen, (handler, actions), &taken, "taken")
}

fn run_sink(
    context: &mut Context,
    listen: &str,
    (handler, actions): (Arc<Handler>, Actions),
    count: &AtomicU64,
    verb: &str,
) -> Result<(), String> {
    let bound = intake::listen(context.module(), listen, handler)?;
    context.log("info", &format!("listening on {bound}"));
    context.serve(actions)?;
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
    limits: Limits,
    /// The highest number a file had; there may be more files than are allowed since lately.
    highest: u64,
}

/// How much a store keeps; may change while it is open.
struct Limits {
    mebibytes_max: NumberDial,
    files_max: NumberDial,
}

impl Store {
    fn open(directory: PathBuf, limits: Limits) -> Result<Store, String> {
        std::fs::create_dir_all(&directory).map_err(|e| {
            format!(
                "cannot make DIRECTORY={}: {e}; mount a volume there",
                directory.display()
            )
        })?;
        let (file, bytes) = open_current(&directory)?;
        let mut highest = 0;
        while path(&directory, highest + 1).exists() {
            highest += 1;
        }
        Ok(Store {
            directory,
            file,
            bytes,
            limits,
            highest,
        })
    }

    fn append(&mut self, line: &str) -> Result<(), String> {
        let size = line.len() as u64 + 1;
        if self.bytes > 0 && self.bytes + size > self.limits.mebibytes_max.whole() * MEBIBYTE {
            self.rotate()?;
        }
        let record = format!("{line}\n");
        self.file
            .write_all(record.as_bytes())
            .map_err(|e| format!("cannot write in {}: {e}", self.directory.display()))?;
        self.bytes += size;
        Ok(())
    }

    /// Every file becomes one older; those beyond the limit go.
    fn rotate(&mut self) -> Result<(), String> {
        let files_max = self.limits.files_max.whole();
        for number in (0..=self.highest.max(files_max)).rev() {
            let from = path(&self.directory, number);
            let moved = if number + 1 >= files_max {
                std::fs::remove_file(&from)
            } else {
                std::fs::rename(&from, path(&self.directory, number + 1))
            };
            match moved {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("cannot rotate {}: {e}", from.display()));
                }
                _ => {}
            }
        }
        self.highest = (self.highest + 1).min(files_max - 1);
        (self.file, self.bytes) = open_current(&self.directory)?;
        Ok(())
    }

    /// Files, and the bytes in them.
    fn usage(&self) -> (u64, u64) {
        let sizes = (0..=self.highest)
            .filter_map(|number| Some(path(&self.directory, number).metadata().ok()?.len()));
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
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
    use super::{path, Limits, Store};
    use crate::dial::NumberDial;

    #[test]
    fn the_newest_files_are_kept() {
        let directory =
            std::env::temp_dir().join(format!("edge-samples-store-{}", std::process::id()));
        let limits = Limits {
            mebibytes_max: NumberDial::fixed(1.0),
            files_max: NumberDial::fixed(2.0),
        };
        let mut store = Store::open(directory.clone(), limits).unwrap();
        let line = |number: u32| format!("{number:06}").repeat(100_000);
        for number in 0..4 {
            store.append(&line(number)).unwrap();
        }
        let begins =
            |number| std::fs::read_to_string(path(&directory, number)).unwrap()[..6].to_owned();
        let (older, newer, usage) = (begins(1), begins(0), store.usage());
        let third = path(&directory, 2).exists();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(
            (older.as_str(), newer.as_str(), third),
            ("000002", "000003", false)
        );
        assert_eq!(usage, (2, 2 * 600_001));
    }
}

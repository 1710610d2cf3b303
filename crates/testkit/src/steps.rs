//! Ends a program by `kill -9` at one exact call that changes a file, whichever thread makes it, without a word of that in
//! the program: a small library (`steps.c`) is loaded before its own and counts. `strace --inject` cannot do it, since it
//! counts for each thread and each kind of call apart.

use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::folder::Folder;

/// What the file of [`Steps`] has: two numbers and a name.
const FILE_BYTES: usize = 32;
/// Counts without an end.
const NEVER: u64 = u64::MAX;

/// A counter that programs started with its [`Steps::environment`] share.
pub struct Steps {
    folder: Folder,
    file: std::fs::File,
}

impl Steps {
    /// Builds the library. Nothing is counted before [`Steps::kill_at`] or [`Steps::count`].
    pub fn new() -> Self {
        let folder = Folder::new("steps").unwrap_or_else(|e| panic!("no folder: {e}"));
        let source = folder.path().join("steps.c");
        std::fs::write(&source, include_str!("steps.c")).unwrap_or_else(|e| panic!("{e}"));
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(folder.path().join("steps.so"))
            .arg(&source)
            .arg("-ldl")
            .output()
            .unwrap_or_else(|e| panic!("cc (of build-essential) did not start: {e}"));
        let told = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "steps.c was not built: {told}");
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(folder.path().join("count"))
            .and_then(|file| file.set_len(FILE_BYTES as u64).map(|()| file))
            .unwrap_or_else(|e| panic!("no file for the count: {e}"));
        Self { folder, file }
    }

    /// What a program to be counted has to find in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let inside = |name: &str| -> PathBuf { self.folder.path().join(name) };
        vec![
            ("LD_PRELOAD", inside("steps.so").display().to_string()),
            ("TESTKIT_STEPS", inside("count").display().to_string()),
        ]
    }

    fn put(&self, at: u64, number: u64) {
        let done = self.file.write_all_at(&number.to_ne_bytes(), at);
        done.unwrap_or_else(|e| panic!("the count could not be set: {e}"));
    }

    fn get(&self) -> [u8; FILE_BYTES] {
        let mut bytes = [0; FILE_BYTES];
        let done = self.file.read_exact_at(&mut bytes, 0);
        done.unwrap_or_else(|e| panic!("the count could not be read: {e}"));
        bytes
    }

    /// Counts from here, and kills at the step with this number; the first is 1.
    pub fn kill_at(&self, step: u64) {
        self.put(0, 0);
        self.put(8, 0);
        self.put(0, step);
    }

    /// Counts from here, and kills nothing.
    pub fn count(&self) {
        self.kill_at(NEVER);
    }

    /// Counts no further; tells how many steps were taken.
    pub fn stop(&self) -> u64 {
        self.put(0, 0);
        let bytes = self.get();
        u64::from_ne_bytes(bytes[8..16].try_into().expect("eight bytes"))
    }

    /// The call at which it was last killed.
    pub fn killed_in(&self) -> String {
        let bytes = self.get();
        let name = bytes[16..].split(|byte| *byte == 0).next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self::new()
    }
}

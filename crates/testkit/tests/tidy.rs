//! The laws of the house that a compiler does not know: who may depend on whom, how long a file may be, which crates are
//! banned, and that nothing half-done or local slipped into the tree.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines a source file may have without a written reason.
const FILE_LINES_MAX: usize = 600;

/// The table of `ARCHITECTURE.md`: a crate and those of ours that it may depend on. A new edge is a decision.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("domain", &["oci"]),
    ("certify", &["domain", "oci"]),
    ("edge", &["domain", "oci"]),
    ("samples", &[]),
    ("store", &["domain", "oci"]),
    ("app", &["certify", "domain", "edge", "oci", "store"]),
    ("web", &["app", "certify", "domain", "oci", "store"]),
    (
        "edgemart",
        &[
            "app", "certify", "domain", "edge", "oci", "samples", "store", "web",
        ],
    ),
    (
        "testkit",
        &["app", "certify", "domain", "oci", "samples", "store", "web"],
    ),
];

/// Packages that must not be linked: a second TLS provider panics at run time, and C builds cost minutes.
const BANNED: &[&str] = &[
    "aws-lc-sys",
    "aws-lc-rs",
    "openssl-sys",
    "openssl",
    "native-tls",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names in one table of a `Cargo.toml`.
fn names(manifest: &str, table: &str) -> BTreeSet<String> {
    let value: toml::Table = manifest.parse().unwrap();
    let found = value.get(table).and_then(toml::Value::as_table);
    found
        .map(|t| t.keys().cloned().collect())
        .unwrap_or_default()
}

/// Files that git tracks or would track.
fn files() -> Vec<PathBuf> {
    let listed = std::process::Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .expect("git tells which files are ours");
    assert!(listed.status.success(), "git ls-files failed");
    let names = String::from_utf8(listed.stdout).unwrap();
    let paths = names.split('\0').filter(|name| !name.is_empty());
    paths
        .map(|name| root().join(name))
        .filter(|path| path.is_file())
        .collect()
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| endings.contains(&e))
}

#[test]
fn crates_depend_only_downwards() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.iter().copied().collect();
    let ours: BTreeSet<&str> = allowed.keys().copied().collect();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let may = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crate {name} is not in the table"));
        let manifest = read(folder.join("Cargo.toml"));
        for dependency in names(&manifest, "dependencies") {
            if ours.contains(dependency.as_str()) {
                assert!(
                    may.contains(&dependency.as_str()),
                    "{name} must not depend on {dependency}"
                );
            }
        }
        assert!(
            !names(&manifest, "dependencies").contains("testkit"),
            "testkit is for tests only"
        );
    }
}

#[test]
fn pure_crates_stay_pure() {
    for name in ["oci", "domain", "certify"] {
        let manifest = read(root().join("crates").join(name).join("Cargo.toml"));
        let dependencies = names(&manifest, "dependencies");
        for effect in [
            "tokio",
            "reqwest",
            "sea-orm",
            "object_store",
            "axum",
            "jiff",
            "uuid",
            "ring",
        ] {
            assert!(
                !dependencies.contains(effect),
                "{name} is pure and must not depend on {effect}"
            );
        }
    }
}

#[test]
fn banned_packages_are_not_linked() {
    let lock: toml::Table = read(root().join("Cargo.lock")).parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let linked: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    for banned in BANNED {
        assert!(
            !linked.contains(banned),
            "{banned} must not be linked; see CONTRIBUTING.md"
        );
    }
}

#[test]
fn files_are_short() {
    for path in files() {
        if ends_with(&path, &["rs", "html", "sh", "js"]) && !path.ends_with("htmx.min.js") {
            let lines = read(&path).lines().count();
            assert!(
                lines <= FILE_LINES_MAX,
                "{} has {lines} lines; a file has at most {FILE_LINES_MAX}",
                path.display()
            );
        }
    }
}

#[test]
fn modules_say_what_they_are_for() {
    for path in files() {
        if ends_with(&path, &["rs"]) && path.components().any(|part| part.as_os_str() == "src") {
            let text = read(&path);
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("//!"),
                "{} does not open with what it is for",
                path.display()
            );
        }
    }
}

#[test]
fn nothing_is_left_half_done() {
    // Put together here, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("unimplemented", "!("),
        concat!("todo", "!("),
    ];
    for path in files() {
        if ends_with(&path, &["rs", "html", "sh", "toml"]) {
            let text = read(&path);
            for mark in marks {
                assert!(!text.contains(mark), "{} contains {mark}", path.display());
            }
        }
    }
}

#[test]
fn sql_stays_in_the_store() {
    for path in files() {
        let inside = path.strip_prefix(root()).unwrap().to_owned();
        if ends_with(&path, &["rs"])
            && (inside.starts_with("crates/web/src") || inside.starts_with("crates/app/src"))
        {
            let text = read(&path);
            assert!(
                !text.contains("sea_orm"),
                "{} talks to the database past the store",
                inside.display()
            );
        }
    }
}

/// What can be printed is printed one day, into a log that more people read.
#[test]
fn passwords_are_in_nothing_that_can_be_printed() {
    for path in files() {
        if !ends_with(&path, &["rs"]) || !path.display().to_string().contains("/src/") {
            continue;
        }
        let text = read(&path);
        for (at, _) in text.match_indices("    pub password: ") {
            let before = &text[..at];
            let derived = before.rfind("#[derive(").map_or("", |from| &before[from..]);
            let derived = derived.lines().next().unwrap_or_default();
            let place = path.display();
            assert!(
                !derived.contains("Debug"),
                "{place}: a password under {derived}"
            );
        }
    }
}

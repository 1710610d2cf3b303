//! Podman's service on a socket of its own, with storage and networks of its own, so that nothing of this machine's
//! containers is touched; and programs of this machine as files for an image.
//!
//! It takes root: only then has a container network an address on this machine.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::image::ImageBuilder;
use crate::process::Process;

/// Works also where cgroups are of both versions, and where limits may not be raised.
const SETTINGS: &str = r#"[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"#;
/// What `podman run` gives a container unless told otherwise: more than this machine may raise.
const LIMITS: &str = r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=32768:32768"]
"#;
/// How long the service may take to listen.
const START_MAX: Duration = Duration::from_secs(30);

/// A running service.
#[derive(Debug)]
pub struct Podman {
    folder: Folder,
    service: Option<Process>,
}

impl Podman {
    /// Starts it.
    ///
    /// # Panics
    /// Without Podman, or when it does not listen in time.
    #[expect(
        clippy::unwrap_used,
        reason = "a fixture that cannot be made ends the test"
    )]
    pub fn start() -> Self {
        let folder = Folder::new("podman").unwrap();
        let settings = format!("{SETTINGS}{}", networks(folder.path()));
        std::fs::write(folder.path().join("containers.conf"), settings).unwrap();
        let mut podman = Self {
            folder,
            service: None,
        };
        let mut arguments = podman.arguments();
        arguments.extend(["system", "service", "--time=0"].map(str::to_owned));
        arguments.push(podman.address());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        podman.service = Some(Process::start("env", &arguments));
        let end = Instant::now() + START_MAX;
        while std::os::unix::net::UnixStream::connect(podman.socket()).is_err() {
            assert!(
                Instant::now() < end,
                "podman (scripts/packages.sh installs it) does not listen at {}",
                podman.socket().display()
            );
            std::thread::yield_now();
        }
        podman
    }

    /// `unix:///…`
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Runs one of its verbs; gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("env")
            .args(self.arguments())
            .args(arguments)
            .output()
            .unwrap_or_else(|e| panic!("podman {arguments:?}: {e}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "podman {arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// A program that is `podman` with this storage and these networks, for tools that start it by themselves.
    ///
    /// # Panics
    /// When it cannot be written.
    #[expect(
        clippy::unwrap_used,
        reason = "a fixture that cannot be made ends the test"
    )]
    pub fn program(&self) -> PathBuf {
        let place = |name: &str| self.folder.path().join(name);
        let settings = std::fs::read_to_string(place("containers.conf")).unwrap();
        std::fs::write(place("program.conf"), settings + LIMITS).unwrap();
        let path = place("podman");
        let podman = self.arguments()[1..].join(" ");
        let settings = place("program.conf").display().to_string();
        let text = format!("#!/bin/sh\nCONTAINERS_CONF={settings} exec {podman} \"$@\"\n");
        std::fs::write(&path, text).unwrap();
        let runs = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, runs).unwrap();
        path
    }

    /// Containers, networks and images of runs that are there; `""` when nothing is left of any.
    ///
    /// # Panics
    /// When it cannot say.
    pub fn left_behind(&self) -> String {
        let containers = self.run(&["ps", "--all", "--quiet"]);
        let networks = self.run(&["network", "ls", "--quiet", "--filter", "name=edgemart"]);
        let images = self.run(&["images", "--format", "{{.Repository}}"]);
        let images: Vec<&str> = images
            .lines()
            .filter(|name| name.contains("edgemart-run"))
            .collect();
        format!("{containers}{networks}{}", images.join("\n"))
            .trim()
            .to_owned()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("podman.sock")
    }

    fn arguments(&self) -> Vec<String> {
        let place = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            format!("CONTAINERS_CONF={}", place("containers.conf")),
            "podman".into(),
            "--root".into(),
            place("root"),
            "--runroot".into(),
            place("run"),
            "--tmpdir".into(),
            place("tmp"),
            "--network-config-dir".into(),
            place("networks"),
        ]
    }
}

/// Addresses for the networks of one engine. Engines that do not know of each other would give the same ones to theirs, so
/// each has 256 networks of its own, by the random name of its folder.
fn networks(folder: &Path) -> String {
    let name = folder.as_os_str().as_encoded_bytes();
    let number = name.iter().fold(std::process::id(), |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
    });
    let base = format!("10.{}.0.0/16", 100 + number % 150);
    format!("[network]\ndefault_subnet_pools = [{{\"base\" = \"{base}\", \"size\" = 24}}]\n")
}

/// Containers are unmounted before their folder goes.
impl Drop for Podman {
    fn drop(&mut self) {
        for verb in [["rm", "--all", "--force"], ["rmi", "--all", "--force"]] {
            let ended = Command::new("env")
                .args(self.arguments())
                .args(verb)
                .output();
            if !ended.is_ok_and(|output| output.status.success()) {
                eprintln!(
                    "podman {verb:?} failed below {}",
                    self.folder.path().display()
                );
            }
        }
        drop(self.service.take());
        let _ = Command::new("umount")
            .arg(self.folder.path().join("root/overlay"))
            .output();
    }
}

/// A program of this machine with the libraries that it is linked to, as paths inside an image and their bytes.
///
/// # Panics
/// When `ldd` does not know it.
pub fn program(path: &Path) -> Vec<(String, Vec<u8>)> {
    with_libraries(&[path.to_owned()])
}

/// Python of this machine with its standard library, for an image whose entry point is `/usr/bin/python3`.
///
/// # Panics
/// When Debian's Python is not there.
#[expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made ends the test"
)]
pub fn python() -> Vec<(String, Vec<u8>)> {
    let real = std::fs::canonicalize("/usr/bin/python3").expect("Debian's python3");
    let version = real.file_name().unwrap().to_str().unwrap().to_owned();
    let library = PathBuf::from(format!("/usr/lib/{version}"));
    let mut modules = Vec::new();
    collect(&library, &mut modules);
    let native = modules
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "so"));
    let mut linked: Vec<PathBuf> = native.cloned().collect();
    linked.push(real.clone());
    let mut files = with_libraries(&linked);
    for path in modules {
        let inside = inside(&path);
        if !files.iter().any(|(known, _)| *known == inside) {
            files.push((inside, std::fs::read(&path).unwrap()));
        }
    }
    files.push(("usr/bin/python3".into(), std::fs::read(real).unwrap()));
    files
}

/// An image for this machine's platform whose entry point is a program in Python.
pub fn python_module(source: &[u8]) -> ImageBuilder {
    let mut image = ImageBuilder::new().platform("linux/amd64");
    for (path, bytes) in python() {
        image = image.file(&path, bytes, 0o755);
    }
    let start = serde_json::json!(["/usr/bin/python3", "-B", "/module.py"]);
    image
        .file("module.py", source, 0o644)
        .config("Entrypoint", start)
}

/// Packages from PyPI, at pinned versions, where that Python looks for them. They are installed once below `target`.
///
/// # Panics
/// When they cannot be installed.
#[expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made ends the test"
)]
pub fn python_packages(requirements: &Path) -> Vec<(String, Vec<u8>)> {
    let pins = std::fs::read_to_string(requirements).unwrap();
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/container-packages");
    let mark = place.join("installed");
    let within = "usr/lib/python3/dist-packages";
    if std::fs::read_to_string(&mark).is_ok_and(|found| found == pins) {
        return packages(&place.join("packages"), within);
    }
    let _ = std::fs::remove_dir_all(&place);
    run(Command::new("/usr/bin/python3")
        .args(["-m", "venv"])
        .arg(place.join("venv")));
    run(Command::new(place.join("venv/bin/pip"))
        .args(["install", "--quiet", "--target"])
        .arg(place.join("packages"))
        .arg("--requirement")
        .arg(requirements));
    std::fs::write(&mark, pins).unwrap();
    packages(&place.join("packages"), within)
}

/// Packages from npm, at the versions that `package-lock.json` of a folder pins, for a module at the root of an image.
/// They are installed once below `target`.
///
/// # Panics
/// When they cannot be installed.
#[expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be made ends the test"
)]
pub fn node_packages(pinned: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["package.json", "package-lock.json"];
    let pins = names.map(|name| std::fs::read_to_string(pinned.join(name)).unwrap());
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/container-node");
    let mark = place.join("installed");
    if !std::fs::read_to_string(&mark).is_ok_and(|found| found == pins.concat()) {
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place).unwrap();
        for (name, text) in names.iter().zip(&pins) {
            std::fs::write(place.join(name), text).unwrap();
        }
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&place));
        std::fs::write(&mark, pins.concat()).unwrap();
    }
    packages(&place.join("node_modules"), "node_modules")
}

fn packages(folder: &Path, within: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    collect(folder, &mut found);
    let inside = |path: &Path| {
        let below = path.strip_prefix(folder).unwrap_or(path);
        format!("{within}/{}", below.display())
    };
    found
        .iter()
        .map(|path| {
            (
                inside(path),
                std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            )
        })
        .collect()
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
}

/// Everything of a library that a module may import.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    const LEFT_OUT: [&str; 9] = [
        "__pycache__",
        "test",
        "idlelib",
        "lib2to3",
        "ensurepip",
        "distutils",
        "tkinter",
        "pydoc_data",
        "dist-packages",
    ];
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) && !name.starts_with("config-") {
                collect(&path, found);
            }
        } else if [
            ".py", ".so", ".pem", "METADATA", ".js", ".mjs", ".cjs", ".json",
        ]
        .iter()
        .any(|ending| name.ends_with(ending))
        {
            found.push(path);
        }
    }
}

fn with_libraries(programs: &[PathBuf]) -> Vec<(String, Vec<u8>)> {
    let listed = Command::new("ldd").args(programs).output().expect("ldd");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let libraries = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let path = words.iter().find(|word| word.starts_with('/'))?;
        (!path.ends_with(':')).then(|| PathBuf::from(path))
    });
    let paths: BTreeSet<PathBuf> = programs.iter().cloned().chain(libraries).collect();
    paths
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (inside(&path), bytes)
        })
        .collect()
}

fn inside(path: &Path) -> String {
    path.display()
        .to_string()
        .trim_start_matches('/')
        .to_owned()
}

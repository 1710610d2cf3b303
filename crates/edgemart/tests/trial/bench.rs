//! An engine, the fixture's image, and `edgemart try` on it.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use testkit::folder::Folder;
use testkit::image::ImageBuilder;
use testkit::podman::{self, Podman};

/// The fixture's source.
const MODULE: &[u8] = include_bytes!("module.py");
/// Its name at the engine.
const NAME: &str = "localhost/edgemart-fixture:1";

/// Starts a module in Python.
const PYTHON: [&str; 3] = ["/usr/bin/python3", "-B", "/module.py"];

/// One fault, and what has to come of it.
pub(crate) struct Case<'a> {
    pub(crate) mode: &'a str,
    pub(crate) broken: &'a [&'a str],
    pub(crate) more: &'a [&'a str],
}

pub(crate) struct Bench {
    podman: Option<Podman>,
    _folder: Folder,
}

/// An official SDK, and the module of the crate `edge` that uses all of it.
#[derive(Clone, Copy)]
pub(crate) enum Sdk {
    Python,
    Node,
}

impl Sdk {
    /// The files of the image, and what it starts.
    fn image(self) -> (Vec<(String, Vec<u8>)>, Vec<&'static str>) {
        let programs = root().join("crates/edge/tests/programs");
        let module = |name: &str| {
            let bytes = std::fs::read(programs.join(name)).unwrap();
            vec![(name.to_owned(), bytes)]
        };
        match self {
            Self::Python => {
                let packages = podman::python_packages(&programs.join("requirements.txt"));
                let files = [podman::python(), packages, module("module.py")].concat();
                (files, PYTHON.to_vec())
            }
            Self::Node => {
                let node = podman::program(Path::new("/usr/bin/node"));
                let packages = podman::node_packages(&programs);
                let files = [node, packages, module("module.js")].concat();
                (files, vec!["/usr/bin/node", "/module.js"])
            }
        }
    }
}

/// The archive of an image with these files.
fn archive(folder: &Folder, files: &[(String, Vec<u8>)], start: &[&str]) -> PathBuf {
    let mut image = ImageBuilder::new()
        .docker()
        .single()
        .platform("linux/amd64");
    for (path, bytes) in files {
        image = image.file(path, bytes.clone(), 0o755);
    }
    let image = image.config("Entrypoint", serde_json::json!(start)).build();
    let path = folder.path().join("fixture.tar");
    std::fs::write(&path, testkit::archive::docker_archive(&image, NAME)).unwrap();
    path
}

impl Bench {
    pub(crate) fn start() -> Self {
        let folder = Folder::new("try").unwrap();
        let module = ("module.py".to_owned(), MODULE.to_vec());
        let files = [podman::python(), vec![module]].concat();
        let archive = archive(&folder, &files, &PYTHON);
        let podman = Podman::start();
        podman.run(&["load", "--quiet", "--input", archive.to_str().unwrap()]);
        Self {
            podman: Some(podman),
            _folder: folder,
        }
    }

    /// An engine, and a module on an official SDK as an archive that it has not loaded.
    pub(crate) fn with_sdk(sdk: Sdk) -> (Self, PathBuf) {
        let folder = Folder::new("try").unwrap();
        let (files, start) = sdk.image();
        let archive = archive(&folder, &files, &start);
        let bench = Self {
            podman: Some(Podman::start()),
            _folder: folder,
        };
        (bench, archive)
    }

    pub(crate) fn without_engine() -> Self {
        Self {
            podman: None,
            _folder: Folder::new("try").unwrap(),
        }
    }

    fn command(&self, image: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgemart"));
        command
            .args(["try", image, "--check", "--name", "m", "-o", "json"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        if let Some(podman) = &self.podman {
            command.env("EDGEMART_ENGINE", podman.address());
        }
        command
    }

    pub(crate) fn tried_image(&self, image: &str, more: &[&str]) -> Output {
        self.command(image).args(more).output().unwrap()
    }

    fn fixture(&self, mode: &str, more: &[&str]) -> Command {
        let mut command = self.command(NAME);
        command.args(["--kind", "source", "--output-name", "out", "--input", "in"]);
        command.args(["--method", "ping", "--product", "contoso.sensor.standard"]);
        command.args([
            "--settle",
            "4",
            "--outage",
            "3",
            "--env",
            &format!("MODE={mode}"),
        ]);
        command.args(["--desired", r#"{"interval": 1}"#]);
        command.args(more);
        command
    }

    pub(crate) fn tried(&self, mode: &str, more: &[&str]) -> Output {
        self.fixture(mode, more).output().unwrap()
    }

    /// Runs a case; the error says what came instead.
    pub(crate) fn judge(&self, case: &Case<'_>) -> Result<(), String> {
        let began = std::time::Instant::now();
        let output = self.tried(case.mode, case.more);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let failed = |what: String| Err(format!("{}: {what}\n{err}\n{out}", case.mode));
        let Some(verdict) = out
            .lines()
            .last()
            .filter(|line| line.contains("\"verdict\""))
        else {
            return failed("no verdict".to_owned());
        };
        let verdict: Value = serde_json::from_str(verdict).unwrap();
        let in_state = |wanted: &[&str]| -> Vec<String> {
            let results = verdict["results"].as_array().unwrap().iter();
            results
                .filter(|result| wanted.contains(&result["state"].as_str().unwrap()))
                .map(|result| result["code"].as_str().unwrap().to_owned())
                .collect()
        };
        let broken = in_state(&["failed", "warned", "needs_review"]);
        if broken != case.broken {
            return failed(format!("{:?} expected, {broken:?} found", case.broken));
        }
        let blocked = !in_state(&["failed"]).is_empty();
        let code = if blocked { 5 } else { 0 };
        if output.status.code() != Some(code) {
            return failed(format!(
                "exit code {:?} instead of {code}",
                output.status.code()
            ));
        }
        let mut not_run = in_state(&["not_run"]);
        // Nobody waits for a token's end unless asked to.
        not_run.retain(|code| code != "RUN-19" || case.more.contains(&"--long-run"));
        if not_run != Vec::<String>::new() {
            return failed(format!("{not_run:?} were not run"));
        }
        let aside = in_state(&["not_reached", "not_applicable"]);
        eprintln!(
            "{}: {:?}, {} not reached, {:?}",
            case.mode,
            broken,
            aside.len(),
            began.elapsed()
        );
        if case.broken.is_empty() && !aside.is_empty() {
            return failed(format!("{aside:?} were not judged"));
        }
        Ok(())
    }

    /// Starts a run and kills it once the module works.
    pub(crate) fn kill_halfway(&self) {
        let mut child = self
            .fixture("good", &[])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let connected = lines
            .map_while(Result::ok)
            .any(|line| line.contains("\"connected\""));
        assert!(connected, "the module connects");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Variables and arguments of a module without a fault, for a run that one looks at.
    pub(crate) fn live<'a>(&self, more: &[&'a str]) -> (Vec<&'a str>, String) {
        let mut arguments = vec![
            NAME,
            "--name",
            "m",
            "--output-name",
            "out",
            "--method",
            "ping",
        ];
        arguments.extend(more);
        (arguments, self.podman.as_ref().unwrap().address())
    }

    /// One of Podman's verbs; gives what it printed.
    pub(crate) fn podman(&self, arguments: &[&str]) -> String {
        self.podman.as_ref().unwrap().run(arguments)
    }

    /// Debian's `podman-compose` with a file.
    pub(crate) fn compose(&self, file: &Path, arguments: &[&str]) {
        let podman = self.podman.as_ref().unwrap().program();
        let output = Command::new("podman-compose")
            .arg("--podman-path")
            .arg(podman)
            .arg("-f")
            .arg(file)
            .args(arguments)
            .output()
            .expect("podman-compose, which scripts/packages.sh installs");
        // It hides the exit code of what it starts, so that what it says counts.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && !said.contains("Error"),
            "{arguments:?}: {said}"
        );
    }

    /// `edgemart offer lint --run` on a folder, with the fixture as image.
    pub(crate) fn lint(&self, folder: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_edgemart"))
            .args(["offer", "lint", "--run", "--image", NAME, "-o", "json"])
            .arg(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("EDGEMART_ENGINE", self.podman.as_ref().unwrap().address())
            .output()
            .unwrap()
    }

    /// Containers and networks that are there.
    pub(crate) fn left_behind(&self) -> String {
        let podman = self.podman.as_ref().unwrap();
        let containers = podman.run(&["ps", "--all", "--quiet"]);
        let networks = podman.run(&["network", "ls", "--quiet", "--filter", "name=edgemart"]);
        format!("{containers}{networks}").trim().to_owned()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

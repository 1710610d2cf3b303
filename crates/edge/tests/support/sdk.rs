//! Installs the official SDKs under `target/`, once, at the versions that `programs/` pins.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs are.
pub(crate) fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs")
}

/// The interpreter of a virtual environment that has the Python SDK.
pub(crate) fn python() -> PathBuf {
    let pins = programs().join("requirements.txt");
    let folder = installed("python", &[&pins], |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        let pip = folder.join("bin/pip");
        run(Command::new(pip)
            .args(["install", "--quiet", "--requirement"])
            .arg(&pins));
    });
    folder.join("bin/python")
}

/// The `node_modules` folder with the Node SDK.
pub(crate) fn node_modules() -> PathBuf {
    let pins = ["package.json", "package-lock.json"].map(|name| programs().join(name));
    let folder = installed("node", &[&pins[0], &pins[1]], |folder| {
        std::fs::create_dir_all(folder).expect("a folder");
        for pin in &pins {
            let name = pin.file_name().expect("a name");
            std::fs::copy(pin, folder.join(name)).expect("copied");
        }
        let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm").args(quiet).current_dir(folder));
    });
    folder.join("node_modules")
}

/// A folder that `install` fills, made anew when the pins change. Tests of several processes take turns.
fn installed(name: &str, pins: &[&Path], install: impl FnOnce(&Path)) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
    std::fs::create_dir_all(&root).expect("a folder under target");
    let lock = File::create(root.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    let wanted: String = pins
        .iter()
        .map(|pin| std::fs::read_to_string(pin).expect("pins"))
        .collect();
    let (folder, mark) = (root.join(name), root.join(format!("{name}.installed")));
    if std::fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return folder;
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the old folder removed");
    }
    install(&folder);
    std::fs::write(&mark, wanted).expect("a mark");
    folder
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|problem| {
        panic!("{command:?}: {problem}; scripts/packages.sh installs it")
    });
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

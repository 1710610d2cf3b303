//! Puts the sample program (one binary a platform, made by `samples/build.sh`) and the offers under `samples/offers`
//! into the crate, as a generated list of `include_bytes!`. It builds nothing itself and never leaves anything out:
//! a missing binary stops the build with the command that makes it.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Platform and the folder `samples/build.sh` writes its binary to.
const PLATFORMS: [(&str, &str); 3] = [
    ("linux/amd64", "linux-amd64"),
    ("linux/arm64", "linux-arm64"),
    ("linux/arm/v7", "linux-arm-v7"),
];
/// Variable that names another folder of binaries.
const DIRECTORY_VARIABLE: &str = "EDGEMART_SAMPLES_DIR";

fn main() {
    if let Err(reason) = generate() {
        println!("cargo::error={reason}");
    }
}

fn generate() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={DIRECTORY_VARIABLE}");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    let binaries = match env::var_os(DIRECTORY_VARIABLE) {
        Some(directory) => PathBuf::from(directory),
        None => root.join("target/samples"),
    };
    let mut code = String::new();
    embed_binaries(&binaries, &mut code)?;
    embed_offers(&root.join("samples/offers"), &mut code)?;
    let file = Path::new(&variable("OUT_DIR")?).join("embedded.rs");
    fs::write(&file, code).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|e| format!("{name}, which cargo sets, cannot be read: {e}"))
}

fn embed_binaries(directory: &Path, code: &mut String) -> Result<(), String> {
    code.push_str("pub(crate) static BINARIES: &[(&str, &[u8])] = &[\n");
    for (platform, folder) in PLATFORMS {
        let binary = directory.join(folder).join("edge-samples");
        println!("cargo::rerun-if-changed={}", binary.display());
        let path = fs::canonicalize(&binary).map_err(|e| {
            format!(
                "the sample program for {platform} is missing ({}: {e}). Run `make samples` (or samples/build.sh) in \
                 the root of the repository, or name a folder that has it in {DIRECTORY_VARIABLE}",
                binary.display()
            )
        })?;
        let _ = writeln!(
            code,
            "    ({platform:?}, include_bytes!({:?})),",
            path.display().to_string()
        );
    }
    code.push_str("];\n");
    Ok(())
}

fn embed_offers(directory: &Path, code: &mut String) -> Result<(), String> {
    code.push_str("pub(crate) static OFFERS: &[EmbeddedOffer] = &[\n");
    for folder in entries(directory)? {
        let sheet = folder.join("offer.yaml");
        let text = fs::read_to_string(&sheet)
            .map_err(|e| format!("cannot read {}: {e}", sheet.display()))?;
        let (publisher, offer) = (
            top_level(&text, "publisher", &sheet)?,
            top_level(&text, "offer", &sheet)?,
        );
        let _ = writeln!(code, "    ({publisher:?}, {offer:?}, &[");
        let mut files = Vec::new();
        walk(&folder, &mut files)?;
        for file in files {
            let name = file.strip_prefix(&folder).map_err(|e| e.to_string())?;
            let path = fs::canonicalize(&file)
                .map_err(|e| format!("cannot find {}: {e}", file.display()))?;
            let (name, path) = (name.display().to_string(), path.display().to_string());
            let _ = writeln!(code, "        ({name:?}, include_bytes!({path:?})),");
        }
        code.push_str("    ]),\n");
    }
    code.push_str("];\n");
    Ok(())
}

/// The plain value of a top-level key; enough YAML to name the folder's offer.
fn top_level(text: &str, key: &str, sheet: &Path) -> Result<String, String> {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| format!("{} has no line `{key}: …`", sheet.display()))
}

/// Everything in a folder in a steady order; the folder itself is watched, so that a new file is noticed.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let wrong = |e: std::io::Error| format!("cannot list {}: {e}", directory.display());
    let mut found = fs::read_dir(directory)
        .map_err(wrong)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(wrong)?;
    found.sort();
    Ok(found)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for path in entries(directory)? {
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}

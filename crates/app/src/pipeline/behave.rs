//! Runs the modules of a submission where the operator named a container engine: one trial for each plan and platform,
//! with the plan's own defaults. Without an engine, and where something keeps a module from being run, the report says
//! so, and nothing counts as passed.
//!
//! The image goes to the engine as an archive of the very blobs that were imported: it is not public yet, and an engine
//! need not know how to reach this marketplace.

use std::collections::BTreeMap;
use std::path::Path;

use certify::{Behaviour, Expected, ImageEvidence, PlanEvidence, Trial};
use domain::create_options::CreateOptions;
use domain::offer::{Offer, Plan};
use edge::identity::is_id;
use edge::runner::{self, Engine, Limits, Pace, Stand};
use futures_util::TryStreamExt as _;
use oci::{Digest, Manifest};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::App;
use crate::error::{Refused, Trouble};

/// What the report says where nobody named an engine.
const NO_ENGINE: &str = "no container engine is configured";
/// Bytes of a block of a tar archive.
const BLOCK_BYTES: usize = 512;
/// Largest file that a plain tar header can tell the size of.
const FILE_BYTES_MAX: u64 = 0o77_777_777_777;

/// What is seen of every module.
pub(super) async fn behaviour(
    app: &App,
    offer: &Offer,
    plans: &[PlanEvidence],
) -> Result<Behaviour, Refused> {
    let Some(address) = &app.settings.engine else {
        return Ok(Behaviour::NotRun(NO_ENGINE.to_owned()));
    };
    let engine = match Engine::open(address).await {
        Ok(engine) => engine,
        Err(problem) => return Ok(Behaviour::NotRun(problem.to_string())),
    };
    match engine.sweep().await {
        Ok(swept) if swept.containers + swept.networks > 0 => {
            tracing::info!(
                ?swept,
                "removed what earlier runs left at the container engine"
            );
        }
        Ok(_) => {}
        Err(problem) => tracing::warn!(%problem, "cannot look for what earlier runs left"),
    }
    let mut trials = Vec::new();
    for evidence in plans {
        let Some(plan) = offer.plans.iter().find(|plan| plan.plan == evidence.plan) else {
            continue;
        };
        for image in &evidence.images {
            trials.push(trial(app, &engine, offer, plan, evidence, image).await?);
        }
    }
    Ok(Behaviour::Tried(trials))
}

/// One plan on one platform. Only trouble of our own is an error.
async fn trial(
    app: &App,
    engine: &Engine,
    offer: &Offer,
    plan: &Plan,
    evidence: &PlanEvidence,
    image: &ImageEvidence,
) -> Result<Trial, Refused> {
    let place = format!("plan {}, {}", plan.plan, image.platform);
    let wanted = match wanted(offer, plan, image) {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Trial::not_run(place, why)),
    };
    let architecture = &image.platform.architecture;
    if !runs_here(engine, architecture) {
        let why =
            format!("the engine's machine runs no {architecture}, and has no emulator for it");
        return Ok(Trial::not_run(place, why));
    }
    let Some(manifest) = evidence.manifests.get(&image.digest) else {
        return Ok(Trial::not_run(place, "the manifest was not read"));
    };
    let folder = tempfile::tempdir().map_err(|e| Refused::trouble(format!("a folder: {e}")))?;
    let archive = folder.path().join("image.tar");
    let name = format!("localhost/edgemart-certify:{}", &image.digest.hex()[..32]);
    write_archive(app, manifest, &name, &archive).await?;
    let observed = match engine.load_image(&archive).await {
        Ok(loaded) => {
            let seen = observe(
                engine,
                runner::Plan {
                    image: loaded.clone(),
                    ..wanted.clone()
                },
            )
            .await;
            if let Err(problem) = engine.remove_image(&loaded).await {
                tracing::warn!(%problem, "an image stays at the container engine");
            }
            seen
        }
        Err(problem) => Err(problem.to_string()),
    };
    Ok(Trial {
        place,
        expected: wanted.expected,
        observed: observed.map(Box::new),
    })
}

async fn observe(engine: &Engine, plan: runner::Plan) -> Result<certify::Observed, String> {
    let mut stand = Stand::open(engine.clone(), plan)
        .await
        .map_err(|problem| problem.to_string())?;
    let mut output = String::new();
    let observed = stand.perform(&mut output).await;
    if let Err(problem) = stand.close().await {
        tracing::warn!(%problem, "a run left something at the container engine");
    }
    observed.map_err(|problem| problem.to_string())
}

/// What the defaults of the plan ask for; or why they cannot be run.
fn wanted(offer: &Offer, plan: &Plan, image: &ImageEvidence) -> Result<runner::Plan, String> {
    let defaults = domain::placeholder::fill(&plan.defaults, &BTreeMap::new()).map_err(|open| {
        let names: Vec<String> = open.into_iter().map(|one| one.name).collect();
        format!(
            "the defaults leave {} to the customer, so nobody can start them as they are",
            names.join(", ")
        )
    })?;
    let module = match defaults.module_name.as_str() {
        name if is_id(name) => name.to_owned(),
        other => return Err(format!("{other:?} is no name for a module")),
    };
    let create_options = CreateOptions::parse(defaults.create_options_text())
        .map_err(|problem| problem.to_string())?;
    let desired: Map<String, Value> = defaults
        .twin
        .iter()
        .map(|property| (property.name.clone(), property.value.clone()))
        .collect();
    let pairs = |texts: &[domain::defaults::NamedText]| -> Vec<(String, String)> {
        texts
            .iter()
            .map(|text| (text.name.clone(), text.value.clone()))
            .collect()
    };
    Ok(runner::Plan {
        expected: Expected {
            kind: offer.properties.kind,
            outputs: plan.outputs.clone(),
            inputs: plan.inputs.clone(),
            desired: desired.keys().cloned().collect(),
            product: Some(format!("{}.{}", offer.key(), plan.plan)),
            ..Expected::default()
        },
        module,
        image: String::new(),
        compressed_bytes: Some(image.compressed_bytes),
        routes: pairs(&defaults.routes),
        desired,
        variables: pairs(&defaults.env),
        create_options,
        limits: Limits::default(),
        pace: Pace::default(),
    })
}

/// Does the machine run programs of an architecture, by itself or through a registered emulator?
fn runs_here(engine: &Engine, architecture: &str) -> bool {
    let emulator = match architecture {
        "arm" => "qemu-arm",
        "arm64" => "qemu-aarch64",
        "amd64" => "qemu-x86_64",
        _ => return engine.architecture == architecture,
    };
    engine.architecture == architecture
        || Path::new("/proc/sys/fs/binfmt_misc")
            .join(emulator)
            .exists()
}

/// The image in the layout of `docker save`.
async fn write_archive(
    app: &App,
    manifest: &Manifest,
    name: &str,
    path: &Path,
) -> Result<(), Refused> {
    let trouble = |e: std::io::Error| Refused::trouble(format!("{}: {e}", path.display()));
    let mut file = tokio::fs::File::create(path).await.map_err(trouble)?;
    let mut layers = Vec::new();
    let mut config = String::new();
    let last = manifest.layers().len();
    let config_first = manifest.blobs().take(last + 1);
    for (at, blob) in config_first.enumerate() {
        let ending = if at == 0 { "json" } else { "tar.gz" };
        let entry = format!("{}.{ending}", blob.digest.hex());
        let head = header(&entry, blob.size).map_err(Refused::trouble)?;
        file.write_all(&head).await.map_err(trouble)?;
        copy(app, &blob.digest, &mut file).await?;
        file.write_all(&padding(blob.size)).await.map_err(trouble)?;
        if at == 0 {
            config = entry;
        } else {
            layers.push(entry);
        }
    }
    let listed = json!([{"Config": config, "RepoTags": [name], "Layers": layers}]).to_string();
    let size = listed.len() as u64;
    let head = header("manifest.json", size).map_err(Refused::trouble)?;
    file.write_all(&head).await.map_err(trouble)?;
    file.write_all(listed.as_bytes()).await.map_err(trouble)?;
    file.write_all(&padding(size)).await.map_err(trouble)?;
    file.write_all(&[0; BLOCK_BYTES * 2])
        .await
        .map_err(trouble)?;
    file.flush().await.map_err(trouble)
}

async fn copy(app: &App, digest: &Digest, file: &mut tokio::fs::File) -> Result<(), Refused> {
    let storage = |what: String| Refused::Failed(Trouble::Storage(what));
    let opened = app.blobs.open(digest, None).await;
    let opened = opened.map_err(|e| storage(e.to_string()))?;
    let (_, mut stream) = opened.ok_or_else(|| storage(format!("blob {digest} is gone")))?;
    while let Some(chunk) = stream
        .try_next()
        .await
        .map_err(|e| storage(e.to_string()))?
    {
        let written = file.write_all(&chunk).await;
        written.map_err(|e| Refused::trouble(format!("an archive: {e}")))?;
    }
    Ok(())
}

/// A ustar header of a plain file.
fn header(name: &str, size: u64) -> Result<[u8; BLOCK_BYTES], String> {
    if size > FILE_BYTES_MAX || name.len() > 100 {
        return Err(format!("{name} of {size} bytes does not fit an archive"));
    }
    let mut head = [0; BLOCK_BYTES];
    let mut put =
        |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

/// Zeros up to the next block.
fn padding(size: u64) -> Vec<u8> {
    let block = BLOCK_BYTES as u64;
    let missing = (block - size % block) % block;
    vec![0; usize::try_from(missing).unwrap_or_default()]
}

//! An image of the marketplace, brought to the engine: by digest, through this client, as an archive. So it works with an
//! engine that does not pull by plain HTTP, and every byte is checked against its digest.

use edge::runner::{Archive, Engine};
use oci::{Descriptor, Digest, DigestHasher, MANIFEST_BYTES_MAX, Manifest};

use super::engine::refused;
use crate::verbs::client::Client;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

/// Kinds of manifests that are asked for.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Brings `host/repository@digest` to the engine, unless it is there; gives the name it has there.
pub(super) async fn fetch(
    engine: &Engine,
    reference: &str,
    global: &Global,
) -> Result<String, Failure> {
    let wrong = || {
        Failure::new(
            Exit::Failure,
            format!("{reference:?} is no image by digest"),
        )
    };
    let (name, digest) = reference.split_once('@').ok_or_else(wrong)?;
    let (host, repository) = name.split_once('/').ok_or_else(wrong)?;
    let digest: Digest = digest.parse().map_err(|_| wrong())?;
    let client = global.client()?;
    if !client.is_at(host) {
        tell(&format!("Pulling {reference}."));
        engine.pull_image(reference, None).await.map_err(refused)?;
        return Ok(reference.to_owned());
    }
    let name = format!(
        "localhost/edgemart-try/{repository}:{}",
        &digest.hex()[..32]
    );
    if engine.image(&name).await.map_err(refused)?.is_some() {
        return Ok(name);
    }
    tell(&format!("Pulling {reference}."));
    let manifest = image(&client, repository, digest, engine).await?;
    let loaded = engine
        .load_written(|archive| write(&client, repository, &manifest, &name, archive))
        .await?;
    loaded.map_err(refused)
}

/// The manifest, or of an index that of the engine's own platform, or else of one that its machine runs.
async fn image(
    client: &Client,
    repository: &str,
    digest: Digest,
    engine: &Engine,
) -> Result<Manifest, Failure> {
    let top = manifest(client, repository, &digest).await?;
    if top.children().is_empty() {
        return Ok(top);
    }
    let architecture = |child: &Descriptor| {
        let platform = child.platform.as_ref();
        platform
            .map_or("", |platform| &platform.architecture)
            .to_owned()
    };
    let children = || {
        top.children()
            .iter()
            .filter(|child| !child.is_attestation())
    };
    let own = children().find(|child| architecture(child) == engine.architecture);
    let child = own.or_else(|| children().find(|child| engine.runs(&architecture(child))));
    let child = child.ok_or_else(|| {
        Failure::new(Exit::Failure, "this machine cannot run the module")
            .why(format!("its image has no part for {}", engine.architecture))
            .fix("try it on a machine of one of its platforms, or install qemu-user-static")
    })?;
    manifest(client, repository, &child.digest).await
}

async fn manifest(client: &Client, repository: &str, digest: &Digest) -> Result<Manifest, Failure> {
    let mut answer = client
        .registry(&format!("{repository}/manifests/{digest}"), MANIFESTS)
        .await?;
    let kind = answer.headers().get("content-type").cloned();
    let mut bytes = Vec::new();
    while let Some(piece) = client.piece(&mut answer).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(spoiled(digest, "it is too long"));
        }
    }
    if Digest::of(digest.algorithm(), &bytes) != *digest {
        return Err(spoiled(digest, "its bytes have another digest"));
    }
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    Manifest::parse(kind, &bytes).map_err(|problem| spoiled(digest, problem))
}

/// Writes the image as an archive, every blob checked as it comes.
async fn write(
    client: &Client,
    repository: &str,
    manifest: &Manifest,
    name: &str,
    mut archive: Archive,
) -> Result<(), Failure> {
    for blob in manifest.blobs().take(manifest.layers().len() + 1) {
        let hex = blob.digest.hex();
        archive.begin(hex, blob.size).await.map_err(|e| pipe(&e))?;
        let mut hasher = DigestHasher::new(blob.digest.algorithm());
        let path = format!("{repository}/blobs/{}", blob.digest);
        let mut answer = client.registry(&path, "*/*").await?;
        while let Some(piece) = client.piece(&mut answer).await? {
            hasher.update(&piece);
            archive.write(&piece).await.map_err(|e| pipe(&e))?;
        }
        if hasher.finish() != blob.digest {
            return Err(spoiled(&blob.digest, "its bytes have another digest"));
        }
    }
    archive.finish(name).await.map_err(|e| pipe(&e))
}

fn pipe(problem: &std::io::Error) -> Failure {
    Failure::new(Exit::Failure, "the image cannot be given to the engine").why(problem)
}

fn spoiled(digest: &Digest, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Network, format!("{digest} did not come as it should")).why(why)
}

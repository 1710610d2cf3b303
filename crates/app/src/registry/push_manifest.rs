//! A member puts a manifest into the publisher's own repository. Refuses one that is malformed, whose digest is another,
//! or that states wrong sizes. What it lists and this repository does not hold is told, and refused where the operator
//! wants none of that: content of others is as unknown as content that does not exist (product ruling 6).

use oci::{Digest, ErrorCode, Manifest, ManifestError, Reference, Tag};
use serde_json::json;
use store::Tx;
use store::registry::StoredManifest;

use super::authorize::PushPass;
use super::intake;
use super::log::record;
use super::quota;
use super::refusal::{Fault, Refusal};
use crate::App;

/// Faults told at once; a manifest may list thousands of absent layers.
const FAULTS_MAX: usize = 20;

/// What a person's client sends.
#[derive(Clone, Debug)]
pub struct PushManifest {
    /// Under which tag or digest.
    pub reference: Reference,
    /// Further tags to set at once.
    pub tags: Vec<Tag>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The exact bytes.
    pub bytes: Vec<u8>,
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedManifest {
    /// Under this digest.
    pub digest: Digest,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// What it lists and the repository does not hold (yet), the first of them. Such an image is not to be imported.
    pub missing: Vec<Digest>,
}

/// Stores the manifest, links it and moves the tags, all at once or not at all.
pub async fn push_manifest(
    app: &App,
    pass: &PushPass,
    command: PushManifest,
) -> Result<PushedManifest, Refusal> {
    intake::check_size(app, command.bytes.len())?;
    let manifest = parse(&command)?;
    intake::check_entries(app, &manifest)?;
    let digest = match &command.reference {
        Reference::Tag(_) => manifest.digest.clone(),
        Reference::Digest(stated) => {
            let found = manifest.digest_with(stated.algorithm());
            if found != *stated {
                let message = format!(
                    "the manifest was pushed as {stated} but its bytes have the digest {found}; send the exact bytes"
                );
                return Err(Refusal::invalid(ErrorCode::DigestInvalid, message));
            }
            found
        }
    };
    let mut tags = command.tags;
    if let Reference::Tag(tag) = &command.reference
        && !tags.contains(tag)
    {
        tags.push(tag.clone());
    }
    let subject = manifest.subject().map(|subject| subject.digest.clone());
    let row = StoredManifest {
        digest: digest.clone(),
        media_type: manifest.media_type.clone(),
        bytes: command.bytes,
        subject: subject.clone(),
        artifact_type: manifest.artifact_type().map(ToOwned::to_owned),
    };
    let now = app.clock.now();
    let repository = pass.repository().as_str();
    let tx = app.writer.begin().await?;
    if let Some(reason) = store::registry::block_reason(&tx, &digest).await? {
        return Err(Refusal::Denied(format!(
            "{digest} was taken down by the operator and cannot be pushed again: {reason}"
        )));
    }
    let growing = match grows(&tx, repository, &digest, &tags).await? {
        true => Some(quota::hold(app, &tx, pass.repository()).await?),
        false => None,
    };
    let missing = hold_what_it_needs(app, &tx, repository, &manifest).await?;
    store::registry::put_manifest(&tx, &row).await?;
    store::registry::link_manifest(&tx, repository, &digest, false, now).await?;
    if store::registry::hold_manifest(&tx, repository, &digest)
        .await?
        .is_none()
    {
        // It was there, and someone deleted it while we waited for the lock.
        store::registry::link_manifest(&tx, repository, &digest, false, now).await?;
    }
    for tag in &tags {
        store::registry::set_tag(&tx, repository, tag.as_str(), &digest, now).await?;
    }
    if let Some(growing) = growing {
        intake::check_tags(app, &tx, pass.repository()).await?;
        let more = growing.linked(row.bytes.len() as u64, tags.len() as u64);
        growing.keep_within(app, &tx, more).await?;
    }
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let data = json!({"digest": digest, "media_type": row.media_type, "tags": names});
    record(app, &tx, pass, "manifest_pushed", data).await?;
    tx.commit().await?;
    Ok(PushedManifest {
        digest,
        subject,
        missing,
    })
}

/// Whether the repository will hold more than before: not when a known manifest comes again, under known tags.
async fn grows(
    tx: &Tx,
    repository: &str,
    digest: &Digest,
    tags: &[Tag],
) -> Result<bool, store::Error> {
    if store::registry::has_manifest(tx, repository, digest)
        .await?
        .is_none()
    {
        return Ok(true);
    }
    for tag in tags {
        if store::registry::tag(tx, repository, tag.as_str())
            .await?
            .is_none()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn parse(command: &PushManifest) -> Result<Manifest, Refusal> {
    Manifest::parse(command.content_type.as_deref(), &command.bytes).map_err(|error| {
        let fault = Fault::new(error.code(), error.to_string());
        match error {
            ManifestError::TooLarge { .. } => Refusal::TooLarge(fault),
            _ => Refusal::Invalid(vec![fault]),
        }
    })
}

/// Looks for every blob and child in the repository, with the size the manifest states, and keeps the blobs from being
/// deleted until this transaction has ended. Answers what is not there, when that is allowed.
async fn hold_what_it_needs(
    app: &App,
    tx: &Tx,
    repository: &str,
    manifest: &Manifest,
) -> Result<Vec<Digest>, Refusal> {
    let (mut faults, mut missing) = (Vec::new(), Vec::new());
    for blob in manifest.blobs() {
        match store::registry::hold_blob(tx, repository, &blob.digest).await? {
            Some(held) if u64::try_from(held.size) == Ok(blob.size) => {}
            Some(held) => faults.push(Fault::new(
                ErrorCode::ManifestInvalid,
                format!(
                    "the manifest says that {} has {} bytes, but it has {}",
                    blob.digest, blob.size, held.size
                ),
            )),
            None => missing.push(("blob", blob.digest.clone())),
        }
        if faults.len() + missing.len() >= FAULTS_MAX {
            break;
        }
    }
    for child in manifest.children() {
        if faults.len() + missing.len() >= FAULTS_MAX {
            break;
        }
        let found = store::registry::has_manifest(tx, repository, &child.digest).await?;
        if found.is_none() {
            missing.push(("manifest", child.digest.clone()));
        }
    }
    if !app.settings.registry.sparse_manifests {
        faults.extend(
            missing
                .iter()
                .map(|(what, digest)| absent(repository, what, digest)),
        );
    }
    if faults.is_empty() {
        Ok(missing.into_iter().map(|(_, digest)| digest).collect())
    } else {
        Err(Refusal::Invalid(faults))
    }
}

fn absent(repository: &str, what: &str, digest: &Digest) -> Fault {
    Fault::new(
        ErrorCode::ManifestBlobUnknown,
        format!("the manifest lists the {what} {digest}, which `{repository}` does not have; push it first"),
    )
    .with(json!({"digest": digest}))
}

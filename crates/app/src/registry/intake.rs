//! What the operator lets into the registry: how long and deep a name may be, how large a manifest, how much it may list, how
//! many tags a repository may have. Each refusal names the limit, what was found and the way out.

use oci::{ErrorCode, Manifest, RepositoryName};
use store::Tx;

use super::refusal::{Fault, Refusal};
use crate::App;

/// A name that is pushed to. Older ones stay readable, and what they hold can be deleted.
pub(super) fn check_name(app: &App, repository: &RepositoryName) -> Result<(), Refusal> {
    let limits = &app.settings.limits.intake;
    let (bytes, parts) = (repository.as_str().len(), repository.components().count());
    let told = if bytes > limits.name_bytes_max {
        let max = limits.name_bytes_max;
        format!("a repository name may have {max} characters here, and this one has {bytes}")
    } else if parts > limits.name_parts_max {
        let max = limits.name_parts_max;
        format!("a repository name may have {max} parts here, and this one has {parts}")
    } else {
        return Ok(());
    };
    let message = format!("{told}; push to a shorter name");
    Err(Refusal::invalid(ErrorCode::NameInvalid, message))
}

/// The size of a manifest, before anything of it is read.
pub(super) fn check_size(app: &App, bytes: usize) -> Result<(), Refusal> {
    let max = app.settings.limits.intake.manifest_bytes_max;
    if bytes <= max {
        return Ok(());
    }
    let message = format!("a manifest may have {max} bytes here, found {bytes}; shorten it");
    Err(Refusal::TooLarge(Fault::new(
        ErrorCode::SizeInvalid,
        message,
    )))
}

/// How much a manifest lists.
pub(super) fn check_entries(app: &App, manifest: &Manifest) -> Result<(), Refusal> {
    let max = app.settings.limits.intake.manifest_entries_max;
    let found = manifest.entries();
    if found <= max {
        return Ok(());
    }
    let message =
        format!("a manifest may list {max} things here, and this one lists {found}; list less");
    Err(Refusal::invalid(ErrorCode::ManifestInvalid, message))
}

/// How many tags a repository has, the new ones of this transaction among them.
pub(super) async fn check_tags(
    app: &App,
    tx: &Tx,
    repository: &RepositoryName,
) -> Result<(), Refusal> {
    let max = app.settings.limits.intake.repository_tags_max;
    if max == 0 {
        return Ok(());
    }
    let found = store::registry::tag_count(tx, repository.as_str()).await?;
    if found <= max {
        return Ok(());
    }
    Err(Refusal::Denied(format!(
        "with this, `{repository}` would have {found} tags, and {max} are allowed; delete tags that nobody needs, push to another repository, or ask the marketplace's operator to raise `limits.repository_tags_max`"
    )))
}

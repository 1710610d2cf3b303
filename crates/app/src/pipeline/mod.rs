//! The trip of a submission: import, certify, publish; and the end of what was taken down. Each is a job that may die at
//! any line and run again.

mod attached;
mod behave;
mod certify;
mod contents;
mod drop_logs;
mod evidence;
mod fetch;
mod gather;
mod give_up;
mod import;
mod import_own;
mod intake;
mod judged_by;
mod keep_run;
mod publish;
mod purge;
mod read_image;
mod rerun;
mod run_module;
mod tags;

pub(crate) use behave::sweep_runs;
pub(crate) use certify::certify;
pub(crate) use drop_logs::drop_unnamed_logs;
pub use evidence::{ReadImage, evidence};
pub(crate) use fetch::drop_parts;
pub(crate) use give_up::give_up;
pub(crate) use import::import;
pub use intake::may_be_loaded;
pub use judged_by::{JudgedBy, judged_by};
pub(crate) use publish::{publish, releases_of};
pub(crate) use purge::purge;
pub use read_image::{ReadError, read_image};
pub(crate) use rerun::rerun;
pub use run_module::write_archive;
pub(crate) use tags::point_tags;

use std::collections::BTreeMap;

use domain::ids::PlanName;
use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::error::Refused;

/// What the import brought for one plan; kept with the submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// `host/repository` it was read from.
    pub source: String,
    /// Every declared tag that the source has.
    pub tags: BTreeMap<String, Digest>,
    /// Declared tags that it has not.
    pub missing_tags: Vec<String>,
    /// Every manifest reachable from the tags.
    pub manifests: Vec<Digest>,
    /// Signatures, bills of materials and attestations that the source has for those.
    #[serde(default)]
    pub attached: Vec<Digest>,
    /// Tags that cosign keeps some of them under.
    #[serde(default)]
    pub attached_tags: BTreeMap<String, Digest>,
    /// What the indexes list and the publisher chose not to bring, with the platform it is for.
    #[serde(default)]
    pub left_out: BTreeMap<Digest, String>,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// What the import brought, by plan.
pub fn imported(
    submission: &store::submissions::Submission,
) -> Result<BTreeMap<PlanName, Imported>, Refused> {
    serde_json::from_value(submission.imported.clone())
        .map_err(|e| Refused::trouble(format!("submission {}: imported: {e}", submission.id)))
}

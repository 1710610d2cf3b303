//! What the `/v2` registry knows: manifests byte for byte, which repository holds which of them and which blobs,
//! tags, uploads under way, blocked digests and tokens that pull a preview. Layers themselves are in [`crate::Blobs`].

pub mod blocked_digests;
pub mod condemned;
pub mod pull_tokens;
pub mod pulls;
pub mod uploads;

mod blobs;
mod holds;
mod kept_usage;
mod left_out;
mod manifests;
mod repositories;
mod tags;
mod usage;

pub use blobs::{
    BlobMembership, BlobTotals, blob_totals, blobs_of, has_blob, held_blobs, is_blob_linked,
    let_go_blob, link_blob, link_blobs, need_blob, unlink_blob, unlink_incoming,
    unlink_unless_since,
};
pub use holds::{
    block_reason, hold_blob, hold_manifest, linked_since, publisher_holds, publisher_may_read,
    repositories_of_blob, repository_public,
};
pub use kept_usage::{KeptUsage, add_to_usage, keep_usage, kept_usage};
pub use left_out::{leave_out, left_out};
pub use manifests::{
    Membership, ReferrersOf, StoredManifest, has_manifest, let_go_manifest, link_manifest,
    manifest, manifests_of, put_manifest, referrer_digests, referrers, repositories_with_manifest,
    unlink_manifest,
};
pub use repositories::{public_repositories_of, publish_closure, repositories, repository_exists};
pub use tags::{delete_tag, set_tag, standing_tags, tag, tag_count, tags, tags_of_digest};
pub use usage::{Usage, hold_publisher, usage};

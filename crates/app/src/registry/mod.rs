//! The image registry's use-cases, and the only writer of its rows: who is asking, what they may do, tokens, uploads,
//! manifests, deletes, and what a caller finds. Speaks the protocol's vocabulary but no HTTP.
//!
//! Left out: go-live, which alone writes `{publisher}/{offer}/{plan}`.

mod access;
mod authorize;
mod caller;
mod catalog;
mod delete;
mod gc;
mod grant;
mod heal;
mod intake;
mod keys;
mod lab;
mod linked;
mod log;
mod meter;
mod passwords;
mod place;
mod pulls;
mod push_manifest;
pub(crate) mod quota;
mod rate;
mod read;
mod referrers;
mod refresh;
mod refusal;
mod scrub;
mod stopped;
mod token;
mod upload;

pub use access::{Ask, Decision, Facts, Target, decide, sees_hidden};
pub use authorize::{PushPass, allow_write, write_ask};
pub use caller::{
    AUTHORIZATION_BYTES_MAX, Caller, PREVIEW_USER, identify, refresh, secret_of, sign_in,
};
pub use catalog::catalog;
pub use delete::{delete_blob, delete_manifest};
pub(crate) use gc::collect_garbage_until;
pub use gc::{GC_GRACE_HOURS, GcReport, collect_garbage};
pub(crate) use gc::{Removal, remove_unlinked};
pub use grant::{Granted, SCOPES_MAX, grant_token};
pub use keys::{KeyError, OLD_KEYS_MAX, TOKEN_KEYS_MAX, TokenKeys, rotate_token_keys};
pub use lab::lab_caller;
pub(crate) use linked::is_there;
pub(crate) use passwords::Passwords;
pub use place::{INCOMING, Place};
pub(crate) use pulls::bring_now_and_then;
pub use pulls::{PullCount, Pulls, bring_pulls, day_of};
pub use push_manifest::{PushManifest, PushedManifest, push_manifest};
pub use rate::Rate;
pub use read::{
    FoundBlob, FoundManifest, PAGE_ENTRIES_MAX, Page, find_blob, find_manifest, list_tags,
};
pub use referrers::{REFERRERS_MAX, Referrers, ReferrersQuery, referrers};
pub use refresh::{LOGINS_MAX, REFRESH_DAYS, refresh_token};
pub use refusal::{Fault, Refusal};
pub use scrub::{Broken, Mend, ScrubReport, scrub};
pub use token::{Bearer, Claims, TOKEN_BYTES_MAX, TOKEN_SECONDS_MAX, TokenError};
pub use upload::{
    CHUNKS_MAX, Chunk, UPLOAD_IDLE_HOURS_MAX, Upload, append_chunk, cancel_upload,
    drop_stale_uploads, find_upload, finish_upload, mount_blob, put_blob, start_upload,
};
pub(crate) use upload::{drop_chunk, drop_chunks, drop_upload};

//! What every story here starts from.

use std::time::Duration;

use app::egress::{Egress, EgressLimits, EgressPolicy};
use app::upstream::{Credentials, Registry, UpstreamError, UpstreamLimits};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use oci::Tag;
use testkit::image::TestImage;
use testkit::registry::{PASSWORD, USERNAME};

/// The repository of every image here.
pub(crate) const REPOSITORY: &str = "contoso/sensor";

/// Short enough for tests, long enough for a busy machine.
pub(crate) fn limits() -> UpstreamLimits {
    UpstreamLimits {
        attempts_max: 3,
        pause_first: Duration::from_millis(2),
        pause_max: Duration::from_millis(10),
        retry_after_max: Duration::from_secs(2),
        document_time_max: Duration::from_secs(20),
        headway_time_max: Duration::from_secs(10),
        headway_bytes_min: 1_000,
        ..UpstreamLimits::default()
    }
}

/// A door that opens loopback.
pub(crate) fn egress() -> Egress {
    guarded(EgressPolicy::allowing(&["127.0.0.0/8"]).unwrap())
}

/// A door with a policy of its own.
pub(crate) fn guarded(policy: EgressPolicy) -> Egress {
    Egress::new(policy).unwrap()
}

/// A registry on loopback for which nobody waits long.
pub(crate) fn impatient(host: &str) -> Registry {
    let policy = EgressPolicy::allowing(&["127.0.0.0/8"]).unwrap();
    let idle_max = Duration::from_millis(500);
    let waits = EgressLimits {
        idle_max,
        ..EgressLimits::default()
    };
    let limits = UpstreamLimits {
        headway_time_max: Duration::from_millis(300),
        ..limits()
    };
    let egress = Egress::with_limits(policy, waits).unwrap();
    let repository = REPOSITORY.parse().unwrap();
    Registry::with_limits(&egress, host, &repository, None, limits).unwrap()
}

/// The right credentials of testkit's registries.
pub(crate) fn credentials() -> Credentials {
    Credentials::new(USERNAME, PASSWORD)
}

/// A registry at `host` behind `egress`.
pub(crate) fn registry(egress: &Egress, host: &str, credentials: Option<Credentials>) -> Registry {
    let repository = REPOSITORY.parse().unwrap();
    Registry::with_limits(egress, host, &repository, credentials, limits()).unwrap()
}

pub(crate) fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// Everything a stream gives.
pub(crate) async fn collect(
    stream: impl Stream<Item = Result<Bytes, UpstreamError>>,
) -> Result<Vec<u8>, UpstreamError> {
    let mut stream = std::pin::pin!(stream);
    let mut all = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Fetches the largest blob of `image`.
pub(crate) async fn fetch_largest(
    registry: &Registry,
    image: &TestImage,
) -> Result<Vec<u8>, UpstreamError> {
    let (digest, bytes) = image.largest_blob();
    let digest = digest.parse().unwrap();
    let stream = registry.blob(&digest, bytes.len() as u64, 0).await?;
    collect(stream).await
}

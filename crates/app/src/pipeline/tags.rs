//! Where the tags that move stand: `latest` and `X.Y` name the newest release that anybody may pull.

use domain::release::Release;
use domain::tag::ModuleTag;
use store::Tx;

/// Points `latest` and every `X.Y` that one of `all` was tagged with at the newest of the standing releases. Where none
/// stands, a tag stays where it is: whoever pulls it reads why.
pub(crate) async fn point_tags(
    tx: &Tx,
    repo: &str,
    (standing, all): (&[Release], &[Release]),
    now: i64,
) -> Result<(), store::Error> {
    let Some(newest) = standing.iter().max_by_key(|release| release.version) else {
        return Ok(());
    };
    store::registry::set_tag(tx, repo, "latest", &newest.digest, now).await?;
    for tag in all.iter().flat_map(|release| &release.tags) {
        let Ok(ModuleTag::Rolling(major, minor)) = tag.parse() else {
            continue;
        };
        let within = |r: &&Release| (r.version.major, r.version.minor) == (major, minor);
        if let Some(newest) = standing.iter().filter(within).max_by_key(|r| r.version) {
            store::registry::set_tag(tx, repo, tag, &newest.digest, now).await?;
        }
    }
    Ok(())
}

//! One repository, one tag and one search result as Hub writes them.

use std::collections::BTreeMap;

use app::catalog::{Module, ModulePlan};
use app::clock::rfc3339;
use domain::release::{Release, ReleasePlatform};
use domain::taxonomy::subcategory;
use serde_json::{Value, json};

/// The tags of a plan, each with the release it names now: releases come newest first, and a tag that moved on stands in
/// several.
pub(super) fn tags_of(plan: &ModulePlan) -> BTreeMap<&str, &Release> {
    let mut tags = BTreeMap::new();
    for release in &plan.releases {
        for tag in &release.tags {
            tags.entry(tag.as_str()).or_insert(release);
        }
    }
    tags
}

/// `{offer}/{plan}`.
pub(super) fn name(module: &Module, plan: &ModulePlan) -> String {
    format!("{}/{}", module.key.offer, plan.plan)
}

/// Bytes of a release, all platforms together. Layers they share are counted for each.
fn bytes(release: &Release) -> u64 {
    release
        .platforms
        .iter()
        .map(|one| one.compressed_bytes)
        .sum()
}

/// A repository; `whole` adds what only its own address tells.
pub(super) fn repository(module: &Module, plan: &ModulePlan, whole: bool) -> Value {
    let newest = plan
        .releases
        .iter()
        .map(|release| release.released_at)
        .max();
    let first = plan
        .releases
        .iter()
        .map(|release| release.released_at)
        .min();
    let categories: Vec<Value> = module
        .categories
        .iter()
        .filter_map(|id| subcategory(id))
        .map(|one| json!({"name": one.title, "slug": one.id}))
        .collect();
    let mut entry = json!({
        "name": name(module, plan),
        "namespace": module.key.publisher,
        "repository_type": "image",
        "status": if module.listed { 1 } else { 0 },
        "status_description": if module.listed { "active" } else { "stopped" },
        "description": module.summary,
        "is_private": false,
        "star_count": 0,
        "pull_count": 0,
        "last_updated": newest.map(rfc3339),
        "last_modified": newest.map(rfc3339),
        "date_registered": first.map(rfc3339),
        "affiliation": "",
        "content_types": ["image"],
        "categories": categories,
        "storage_size": plan.releases.iter().map(bytes).sum::<u64>(),
    });
    if whole {
        entry["user"] = json!(module.key.publisher);
        entry["hub_user"] = json!(module.key.publisher);
        entry["full_description"] = json!(module.description_text);
        entry["is_automated"] = json!(false);
        entry["has_starred"] = json!(false);
        entry["collaborator_count"] = json!(0);
        entry["permissions"] = json!({"read": true, "write": false, "admin": false});
        entry["immutable_tags_settings"] =
            json!({"enabled": true, "rules": ["^[0-9]+\\.[0-9]+\\.[0-9]+$"]});
        entry["source"] = Value::Null;
    }
    entry
}

/// A tag with the images it names.
pub(super) fn tag(module: &Module, plan: &ModulePlan, tag: &str, release: &Release) -> Value {
    let pushed = rfc3339(release.released_at);
    let images: Vec<Value> = release
        .platforms
        .iter()
        .map(|one| image(one, &pushed))
        .collect();
    json!({
        "id": id(&plan.repository, tag),
        "name": tag,
        "creator": 0,
        "repository": id(&plan.repository, ""),
        "full_size": bytes(release),
        "last_updated": pushed,
        "last_updater": 0,
        "last_updater_username": module.key.publisher,
        "v2": true,
        "tag_status": "active",
        "tag_last_pushed": pushed,
        "tag_last_pulled": null,
        "content_type": "image",
        "digest": release.digest,
        "images": images,
    })
}

fn image(one: &ReleasePlatform, pushed: &str) -> Value {
    json!({
        "architecture": one.platform.architecture,
        "variant": one.platform.variant,
        "features": "",
        "os": one.platform.os,
        "os_version": null,
        "os_features": "",
        "digest": one.digest,
        "size": one.compressed_bytes,
        "status": "active",
        "last_pushed": pushed,
        "last_pulled": null,
    })
}

/// Hub numbers things; ours is made of the name, so that it is the same on every replica and after every restart.
fn id(repository: &str, tag: &str) -> u64 {
    let digest = oci::Digest::sha256_of(format!("{repository}:{tag}").as_bytes());
    // 52 bits: the largest whole numbers that every JSON reader keeps.
    u64::from_str_radix(&digest.hex()[..13], 16).unwrap_or_default()
}

/// One search result.
pub(super) fn found(module: &Module, plan: &ModulePlan) -> Value {
    json!({
        "repo_name": plan.repository,
        "short_description": module.summary,
        "star_count": 0,
        "pull_count": 0,
        "repo_owner": module.key.publisher,
        "is_automated": false,
        "is_official": module.verified,
    })
}

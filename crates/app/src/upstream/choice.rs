//! Which images of an index come along with a plan: all, or those of its declared platforms alone. The index itself always
//! comes as it is, byte for byte, so that its digest and what is signed of it stay.

use std::collections::{BTreeMap, BTreeSet};

use domain::offer::Plan;
use oci::{Descriptor, Digest, Platform};

/// In an index of build tools: the image that an attestation speaks about.
const SPEAKS_ABOUT: &str = "vnd.docker.reference.digest";

/// What a publisher chose.
#[derive(Clone, Debug)]
pub struct Choice(Option<BTreeSet<String>>);

impl Choice {
    /// Everything.
    pub fn all() -> Self {
        Self(None)
    }

    /// As the plan says.
    pub fn of(plan: &Plan) -> Self {
        let declared = || {
            let parsed = plan.platforms.iter().filter_map(|text| text.parse().ok());
            parsed.map(|platform| spelt(&platform)).collect()
        };
        Self(plan.image.declared_only.then(declared))
    }

    /// Entries of one index that stay where they are, each with what it is for. An entry without a platform comes along:
    /// an index within an index is judged by its own entries.
    pub fn left_out(&self, children: &[Descriptor]) -> BTreeMap<Digest, String> {
        let Some(chosen) = &self.0 else {
            return BTreeMap::new();
        };
        let images = || children.iter().filter(|child| !child.is_attestation());
        let mut left = BTreeMap::new();
        for child in images() {
            if let Some(platform) = child.platform.as_ref().map(spelt)
                && !chosen.contains(&platform)
            {
                left.insert(child.digest.clone(), platform);
            }
        }
        // One image may stand there for several platforms.
        for child in images() {
            let platform = child.platform.as_ref().map(spelt);
            if platform.is_none_or(|platform| chosen.contains(&platform)) {
                left.remove(&child.digest);
            }
        }
        for child in children.iter().filter(|child| child.is_attestation()) {
            let subject = child.annotations.get(SPEAKS_ABOUT);
            let subject = subject.and_then(|text| text.parse::<Digest>().ok());
            if let Some(platform) = subject.and_then(|subject| left.get(&subject).cloned()) {
                left.insert(child.digest.clone(), platform);
            }
        }
        left
    }
}

fn spelt(platform: &Platform) -> String {
    platform.normalized().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, platform: Option<&str>) -> Descriptor {
        let value = serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": Digest::sha256_of(name.as_bytes()), "size": 2,
        });
        let entry: Descriptor = serde_json::from_value(value).unwrap();
        Descriptor {
            platform: platform.map(|text| text.parse().unwrap()),
            ..entry
        }
    }

    fn names(left: &BTreeMap<Digest, String>, all: &[&str]) -> Vec<String> {
        let there = all
            .iter()
            .filter(|name| left.contains_key(&Digest::sha256_of(name.as_bytes())));
        there.map(ToString::to_string).collect()
    }

    #[test]
    fn platforms_that_nobody_chose_stay_with_what_speaks_about_them() {
        let about = |name: &str, subject: &str| {
            let mut entry = entry(name, Some("unknown/unknown"));
            let subject = Digest::sha256_of(subject.as_bytes()).to_string();
            entry.annotations.insert(SPEAKS_ABOUT.into(), subject);
            let kind = "vnd.docker.reference.type".to_owned();
            entry
                .annotations
                .insert(kind, "attestation-manifest".into());
            entry
        };
        let children = [
            about("on-riscv", "riscv"),
            entry("amd", Some("linux/amd64")),
            entry("arm", Some("linux/arm64/v8")),
            entry("riscv", Some("linux/riscv64")),
            entry("both", Some("linux/s390x")),
            entry("both", Some("linux/aarch64")),
            entry("inner", None),
            about("on-amd", "amd"),
        ];
        let chosen = ["linux/amd64", "linux/arm64"].map(str::to_owned);
        let choice = Choice(Some(chosen.into_iter().collect()));
        let left = choice.left_out(&children);
        let all = ["amd", "arm", "riscv", "both", "inner", "on-amd", "on-riscv"];
        assert_eq!(names(&left, &all), ["riscv", "on-riscv"]);
        assert!(left.values().all(|platform| platform == "linux/riscv64"));
        assert!(Choice::all().left_out(&children).is_empty());
    }
}

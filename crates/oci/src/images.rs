//! The images that a tag offers to devices: what an index and its nested indexes list, platform by platform.
//!
//! Attestations and artifacts are left out. Whether a claimed platform is the true one is judged by certification.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::image_config::ImageConfig;
use crate::manifest::{Manifest, ManifestBody};
use crate::platform::Platform;

/// How deep indexes may be nested and still be followed.
pub const INDEX_DEPTH_MAX: usize = 4;

/// The images under `root` with their platforms in normal spelling: the platform that the index claims, or, where it
/// claims none, that of the image's configuration (`configs`, by the digest of the manifest). In the order of the
/// index, each pair of platform and image once. Children that are not among `manifests` are passed over; so is
/// whatever has no platform at all.
#[must_use]
pub fn images_of<'a>(
    root: &'a Manifest,
    manifests: &'a BTreeMap<Digest, Manifest>,
    configs: &BTreeMap<Digest, ImageConfig>,
) -> Vec<(Platform, &'a Manifest)> {
    let mut walk = Walk {
        manifests,
        configs,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    walk.visit(root, None, 0);
    walk.found
}

struct Walk<'a, 'c> {
    manifests: &'a BTreeMap<Digest, Manifest>,
    configs: &'c BTreeMap<Digest, ImageConfig>,
    /// Indexes entered and images found: an index that lists others many times is walked once.
    seen: BTreeSet<(Option<Platform>, &'a Digest)>,
    found: Vec<(Platform, &'a Manifest)>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, manifest: &'a Manifest, claimed: Option<&Platform>, depth: usize) {
        match &manifest.body {
            ManifestBody::Image { .. } => {
                let own = || {
                    self.configs
                        .get(&manifest.digest)?
                        .platform()
                        .ok()
                        .flatten()
                };
                let Some(platform) = claimed.cloned().or_else(own) else {
                    return;
                };
                let platform = platform.normalized();
                if !platform.is_unknown()
                    && self.seen.insert((Some(platform.clone()), &manifest.digest))
                {
                    self.found.push((platform, manifest));
                }
            }
            ManifestBody::Index { manifests, .. } => {
                if depth == INDEX_DEPTH_MAX || !self.seen.insert((None, &manifest.digest)) {
                    return;
                }
                for child in manifests.iter().filter(|child| !child.is_attestation()) {
                    if let Some(found) = self.manifests.get(&child.digest) {
                        self.visit(found, child.platform.as_ref(), depth + 1);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Descriptor;
    use crate::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};

    fn image(seed: &str) -> Manifest {
        let config = serde_json::to_string(&Descriptor::new(
            OCI_CONFIG,
            Digest::sha256_of(seed.as_bytes()),
            1,
        ))
        .unwrap();
        let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#);
        Manifest::parse(Some(OCI_MANIFEST), text.as_bytes()).unwrap()
    }

    fn index(children: &[(&Manifest, Option<&str>)]) -> Manifest {
        let children: Vec<Descriptor> = children
            .iter()
            .map(|(child, platform)| Descriptor {
                platform: platform.map(|text| text.parse().unwrap()),
                ..Descriptor::new(
                    child.media_type.clone(),
                    child.digest.clone(),
                    child.bytes.len() as u64,
                )
            })
            .collect();
        let children = serde_json::to_string(&children).unwrap();
        let text = format!(r#"{{"schemaVersion":2,"manifests":{children}}}"#);
        Manifest::parse(Some(OCI_INDEX), text.as_bytes()).unwrap()
    }

    fn listed(
        root: &Manifest,
        others: &[&Manifest],
        configs: &BTreeMap<Digest, ImageConfig>,
    ) -> Vec<(String, Digest)> {
        let manifests = others
            .iter()
            .map(|&manifest| (manifest.digest.clone(), manifest.clone()))
            .collect();
        let found = images_of(root, &manifests, configs);
        found
            .into_iter()
            .map(|(platform, image)| (platform.to_string(), image.digest.clone()))
            .collect()
    }

    #[test]
    fn nested_indexes_and_attestations() {
        let (amd, arm, absent, note) = (image("amd"), image("arm"), image("absent"), image("note"));
        let inner = index(&[
            (&arm, Some("linux/arm64/v8")),
            (&arm, Some("linux/aarch64")),
        ]);
        let root = index(&[
            (&amd, Some("linux/amd64")),
            (&inner, None),
            (&inner, None),
            (&absent, Some("linux/riscv64")),
            (&note, Some("unknown/unknown")),
            (&note, None),
        ]);
        let expected = [
            ("linux/amd64".to_owned(), amd.digest.clone()),
            ("linux/arm64".to_owned(), arm.digest.clone()),
        ];
        assert_eq!(
            listed(&root, &[&amd, &arm, &inner, &note], &BTreeMap::new()),
            expected
        );
    }

    #[test]
    fn a_single_image_says_what_it_is_itself() {
        let image = image("one");
        let config = ImageConfig::parse(br#"{"os":"linux","architecture":"arm"}"#).unwrap();
        let configs = BTreeMap::from([(image.digest.clone(), config)]);
        assert_eq!(
            listed(&image, &[], &configs),
            [("linux/arm/v7".to_owned(), image.digest.clone())]
        );
        assert_eq!(listed(&image, &[], &BTreeMap::new()), []);
    }

    #[test]
    fn nesting_is_bounded() {
        let image = image("deep");
        let mut chain = vec![index(&[(&image, Some("linux/amd64"))])];
        for _ in 1..=INDEX_DEPTH_MAX {
            let next = index(&[(chain.last().unwrap(), None)]);
            chain.push(next);
        }
        let all: Vec<&Manifest> = chain.iter().chain([&image]).collect();
        assert_eq!(
            listed(&chain[INDEX_DEPTH_MAX - 1], &all, &BTreeMap::new()).len(),
            1
        );
        assert_eq!(
            listed(&chain[INDEX_DEPTH_MAX], &all, &BTreeMap::new()).len(),
            0
        );
    }
}

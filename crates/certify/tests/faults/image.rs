//! Images with one fault each.

use certify::{EntrypointKind, Subject, Vulnerability};
use domain::matrix::{Demand, MatrixRow};
use oci::Digest;

use super::{Fault, options};

/// Tags and versions.
pub(super) const TAGS: &[Fault] = &[
    (&["IMG-01"], |s| {
        let image = s.plans[0].images[0].digest.clone();
        let root = s.plans[0].root.replace(image.clone()).unwrap();
        for digest in s.plans[0]
            .tags
            .values_mut()
            .filter(|digest| **digest == root)
        {
            *digest = image.clone();
        }
    }),
    (&["IMG-02"], |s| {
        s.offer.plans[0].image.tags.retain(|tag| tag != "latest");
    }),
    (&["IMG-03"], |s| {
        let root = s.plans[0].root.clone().unwrap();
        s.plans[0].tags.insert("1.0.0".into(), root);
    }),
    (&["IMG-03"], |s| {
        s.plans[0].moved_tags.push(certify::MovedTag {
            tag: "0.9.0".into(),
            published: Digest::sha256_of(b"was"),
            found: Digest::sha256_of(b"is"),
        });
    }),
    (&["IMG-13"], |s| {
        s.offer.plans[0].image.tags.push("v1".into());
        let root = s.plans[0].root.clone().unwrap();
        s.plans[0].tags.insert("v1".into(), root);
    }),
    (&["IMG-14"], |s| {
        let old = s.plans[0].tags["1.0.0"].clone();
        s.plans[0].tags.insert("latest".into(), old);
    }),
    (&["IMG-15"], |s| {
        s.offer.plans[0].image.tags.push("1.0-arm".into());
        s.plans[0].missing_tags.push("1.0-arm".into());
    }),
    (&["IMG-16"], |s| {
        let mut newer = s.previous[0].clone();
        newer.version = "2.0.0".parse().unwrap();
        newer.tags.clear();
        s.previous.push(newer);
    }),
    (&["IMG-17"], |s| s.previous[0].tags.push("1.0".into())),
    (&["IMG-18"], |s| s.registry_host = "bad host".into()),
    (&["IMG-20"], |s| {
        s.first_sources
            .values_mut()
            .for_each(|source| source.push('2'));
    }),
    (&["IMG-21"], |s| {
        let source = s.plans[0].source.clone();
        s.other_sources
            .insert(source, "contoso.other".parse().unwrap());
    }),
    (&["IMG-25"], |s| s.plans[0].root = None),
    (&["IMG-25"], |s| s.plans.clear()),
    (&["IMG-25"], |s| {
        // The attestation is the one manifest without a configuration.
        let evidence = &mut s.plans[0];
        let images: Vec<Digest> = evidence.configs.keys().cloned().collect();
        evidence
            .manifests
            .retain(|digest, manifest| images.contains(digest) || !manifest.children().is_empty());
    }),
    (&["IMG-25"], |s| {
        let image = s.plans[0].images.pop().unwrap();
        s.offer.plans[0].platforms.pop();
        s.matrix
            .platforms
            .retain(|row| row.platform != image.platform);
        s.offer.listing.description = s.offer.listing.description.replace("or arm32v7", "");
    }),
];

/// Manifests that say too much. The index is written anew, so that it holds what the fault says.
pub(super) const MANIFESTS: &[Fault] = &[
    (&["IMG-26"], |s| {
        foreign(s, |layer| {
            layer["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
        });
    }),
    (&["IMG-26"], |s| {
        foreign(s, |layer| {
            layer["urls"] = serde_json::json!(["https://elsewhere.example/layer"]);
        });
    }),
    (&["IMG-27"], |s| {
        let second = s.plans[0].images[0].digest.clone();
        let mut entry = children(s)[0].clone();
        // The image of the older version, under the same platform as that of the newer.
        let old = s.plans[0].tags["1.0.0"].clone();
        let child = &s.plans[0].manifests[&old].children()[0];
        assert_ne!(child.digest, second);
        entry["digest"] = child.digest.to_string().into();
        entry["size"] = child.size.into();
        let mut all = children(s);
        all.push(entry);
        relist(s, all);
        let added = s.plans[0].images[0].clone();
        let old = s.plans[0].manifests[&old].children()[0].digest.clone();
        s.plans[0].images.push(certify::ImageEvidence {
            digest: old,
            ..added
        });
    }),
    (&["IMG-27"], |s| {
        let mut all = children(s);
        all[3]["annotations"] = serde_json::json!({});
        relist(s, all);
    }),
    (&["IMG-27"], |s| {
        let mut all = children(s);
        let mut hidden = all[3].clone();
        hidden["platform"] = serde_json::json!({"os": "linux", "architecture": "riscv64"});
        all.push(hidden);
        relist(s, all);
    }),
];

/// The entries of the newest version's index.
fn children(subject: &Subject) -> Vec<serde_json::Value> {
    let evidence = &subject.plans[0];
    let root = &evidence.manifests[evidence.root.as_ref().unwrap()];
    let index: serde_json::Value = serde_json::from_slice(&root.bytes).unwrap();
    index["manifests"].as_array().unwrap().clone()
}

/// Puts other entries into the newest version's index, under whatever digest that gives.
fn relist(subject: &mut Subject, entries: Vec<serde_json::Value>) {
    let evidence = &mut subject.plans[0];
    let old = evidence.root.clone().unwrap();
    let media_type = evidence.manifests[&old].media_type.clone();
    let index =
        serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries});
    let index = oci::Manifest::parse(Some(&media_type), index.to_string().as_bytes()).unwrap();
    let new = index.digest.clone();
    evidence.manifests.remove(&old);
    evidence.manifests.insert(new.clone(), index);
    for digest in evidence.tags.values_mut().filter(|digest| **digest == old) {
        *digest = new.clone();
    }
    evidence.root = Some(new);
}

/// Changes the layer of one platform's image of the newest version.
fn foreign(subject: &mut Subject, change: impl Fn(&mut serde_json::Value)) {
    let evidence = &mut subject.plans[0];
    let old = evidence.images[0].digest.clone();
    let manifest = evidence.manifests.remove(&old).unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    change(&mut document["layers"][0]);
    let bytes = document.to_string();
    let manifest = oci::Manifest::parse(Some(&manifest.media_type), bytes.as_bytes()).unwrap();
    let new = manifest.digest.clone();
    let config = evidence.configs.remove(&old).unwrap();
    evidence.configs.insert(new.clone(), config);
    evidence.images[0].digest = new.clone();
    evidence.manifests.insert(new.clone(), manifest);
    let mut all = children(subject);
    all[0]["digest"] = new.to_string().into();
    all[0]["size"] = bytes.len().into();
    relist(subject, all);
}

/// Platforms.
pub(super) const PLATFORMS: &[Fault] = &[
    (&["IMG-04"], |s| {
        s.offer.plans[0].platforms.push("linux/riscv64".into());
    }),
    (&["IMG-19"], |s| {
        let lie = s.plans[0].images[0].digest.clone();
        s.plans[0].configs.get_mut(&lie).unwrap().architecture = Some("arm64".into());
    }),
    (&["IMG-19"], |s| {
        let lie = s.plans[0].images[0].digest.clone();
        s.plans[0].configs.get_mut(&lie).unwrap().os = None;
    }),
    (&["IMG-22"], |s| want(s, Demand::Required)),
    (&["IMG-23"], |s| want(s, Demand::Recommended)),
    (&["IMG-22"], |s| {
        s.offer.properties.platforms = domain::offer::PlatformOption::Any;
        s.matrix.platforms.clear();
        want(s, Demand::Required);
    }),
];

fn want(subject: &mut Subject, demand: Demand) {
    subject.matrix.platforms.push(MatrixRow {
        platform: "linux/riscv64".parse().unwrap(),
        demand,
        examples: String::new(),
    });
}

/// What is inside.
pub(super) const CONTENTS: &[Fault] = &[
    (&["IMG-05"], |s| s.plans[0].images[0].layers = 41),
    (&["IMG-05"], |s| {
        s.plans[0].images[0].compressed_bytes = 1_000_000_001;
    }),
    (&["IMG-06"], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.user = None);
    }),
    (&["IMG-06"], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.user = Some("0:1000".into()));
    }),
    (&[], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.user = None);
        options(s, r#"{"user":"1000"}"#);
    }),
    (&["IMG-07"], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.env.push("DB_PASSWORD=x1".into()));
    }),
    (&["IMG-07"], |s| {
        let step = oci::image_config::History {
            created_by: "RUN login --token abc".into(),
            empty_layer: true,
        };
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.history.push(step.clone()));
    }),
    (&["IMG-07"], |s| {
        contents(s).secrets.push("/home/app/.ssh/id_rsa".into());
    }),
    (&["IMG-08"], |s| {
        contents(s).setuid.push("/opt/backdoor".into());
    }),
    (&["IMG-09"], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.created = None);
    }),
    (&["IMG-09"], |s| {
        let epoch = || Some("1970-01-01T00:00:00Z".to_owned());
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.created = epoch());
    }),
    (&["IMG-10"], |s| {
        s.plans[0]
            .configs
            .values_mut()
            .for_each(|config| config.labels.clear());
    }),
    (&["IMG-11"], |s| {
        let of_arm64 = s.plans[0].images[1].contents.clone().unwrap().entrypoint;
        contents(s).entrypoint = of_arm64;
    }),
    (&["IMG-11"], |s| contents(s).entrypoint = None),
    (&["IMG-11"], |s| {
        contents(s).entrypoint.as_mut().unwrap().kind = EntrypointKind::Other;
    }),
    (&[], |s| {
        contents(s).entrypoint.as_mut().unwrap().kind = EntrypointKind::Script;
    }),
    (&["IMG-12"], |s| {
        s.plans[0].images[0]
            .scan
            .as_mut()
            .unwrap()
            .vulnerabilities
            .push(Vulnerability {
                id: "CVE-2026-0001".into(),
                package: "zlib 1.0".into(),
                cvss_tenths: 70,
            });
    }),
    (&["IMG-24"], |s| {
        s.plans[0].images[0]
            .scan
            .as_mut()
            .unwrap()
            .malware
            .push("/bin/x: Eicar".into());
    }),
];

fn contents(subject: &mut Subject) -> &mut certify::Contents {
    subject.plans[0].images[0].contents.as_mut().unwrap()
}

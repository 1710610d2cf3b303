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
        contents(s).secrets.push("/root/.ssh/id_rsa".into());
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

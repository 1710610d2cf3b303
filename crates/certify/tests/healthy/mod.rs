//! An offer that passes every rule, with all evidence, for tests to break one thing at a time.

mod behaviour;

use std::collections::{BTreeMap, BTreeSet};

use certify::{
    Contents, Entrypoint, EntrypointKind, ImageEvidence, LinkEvidence, LogoEvidence, PlanEvidence,
    Scan, Subject,
};
use domain::defaults::{Defaults, NamedJson, NamedText};
use domain::matrix::Matrix;
use domain::offer::{
    Contact, ImageSource, Link, Listing, LogoSlot, Logos, Offer, Plan, Properties, Terms,
};
use domain::release::Release;
use oci::{Digest, ImageConfig, Manifest, Platform, elf};
use serde_json::{Value, json};

/// A moment in 2026, in microseconds.
pub(crate) const NOW: i64 = 1_790_000_000_000_000;

pub(crate) fn offer() -> Offer {
    let mut offer = Offer::empty(&"contoso.sensor".parse().unwrap());
    let contact = |url: &str| Contact {
        name: "Support desk".into(),
        email: "support@contoso.example".into(),
        phone: "+1 425 555 0100".into(),
        url: url.into(),
    };
    offer.listing = Listing {
        title: "Contoso Sensor".into(),
        summary: "Reads temperatures and sends them on".into(),
        short_description: "Reads temperatures from a sensor and sends them to the hub.".into(),
        description: "<p>Reads a sensor. <b>Interval</b> is the pause in seconds; HUB_PASSWORD is the password of the \
                      sensor; the web page is on port 8081.</p><p>Minimum hardware requirements: Linux on amd64, arm64 \
                      or arm32v7, 64 MB RAM, 50 MB storage</p>"
            .into(),
        keywords: vec!["temperature".into()],
        logos: Logos {
            small: "sha256:1".into(),
            medium: "sha256:2".into(),
            large: "sha256:3".into(),
            wide: "sha256:4".into(),
        },
        privacy_policy_url: "https://contoso.example/privacy".into(),
        documentation_url: "https://contoso.example/sensor".into(),
        useful_links: vec![Link {
            title: "Source".into(),
            url: "https://contoso.example/source".into(),
        }],
        support_contact: contact("https://contoso.example/support"),
        engineering_contact: contact(""),
    };
    offer.properties = Properties {
        categories: vec!["simulation".into()],
        terms: Terms {
            standard_contract: true,
            ..Terms::default()
        },
        licence: "MIT".into(),
        ..Properties::default()
    };
    offer.plans = vec![plan()];
    offer
}

fn plan() -> Plan {
    Plan {
        plan: "standard".parse().unwrap(),
        title: "Standard".into(),
        summary: "Everything".into(),
        description: "<p>All of it.</p>".into(),
        hidden: false,
        price: domain::offer::Price::Free,
        image: ImageSource {
            declared_only: false,
            registry: "registry.contoso.example:5000".into(),
            repository: "contoso/sensor".into(),
            tags: ["latest", "1.0.0", "1.1", "1.1.0"].map(Into::into).to_vec(),
        },
        platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7"]
            .map(Into::into)
            .to_vec(),
        defaults: Defaults {
            module_name: "SensorModule".into(),
            routes: vec![NamedText::new(
                "SensorToCloud",
                "FROM /messages/modules/SensorModule/outputs/temperature INTO $upstream",
            )],
            twin: vec![NamedJson::new("Interval", json!(5))],
            env: vec![NamedText::new("HUB_PASSWORD", "<MY_PASSWORD>")],
            create_options: r#"{"HostConfig":{"PortBindings":{"8081/tcp":[{"HostPort":"8081"}]}}}"#
                .into(),
        },
        inputs: Vec::new(),
        outputs: vec!["temperature".into()],
        release_notes: String::new(),
    }
}

/// Everything there is to know, and all of it good.
pub(crate) fn subject() -> Subject {
    let evidence = evidence();
    let previous = vec![release(&evidence)];
    let mut subject = Subject::offline(offer(), Matrix::default(), "market.example");
    subject.logos = LogoSlot::ALL
        .map(|slot| (slot, LogoEvidence::Judged(Ok(()))))
        .into();
    subject.links = Some(links());
    subject.first_sources = BTreeMap::from([(evidence.plan.clone(), evidence.source.clone())]);
    subject.plans = vec![evidence];
    subject.previous = previous;
    subject.imported = true;
    subject.unasked = None;
    subject.behaviour = behaviour::behaviour();
    subject
}

fn links() -> Vec<LinkEvidence> {
    [
        (
            "listing.privacy_policy_url",
            "https://contoso.example/privacy",
        ),
        (
            "listing.documentation_url",
            "https://contoso.example/sensor",
        ),
        (
            "listing.support_contact.url",
            "https://contoso.example/support",
        ),
        (
            "listing.useful_links[0].url",
            "https://contoso.example/source",
        ),
    ]
    .map(|(field, url)| LinkEvidence {
        url: url.into(),
        field: field.into(),
        status: Ok(200),
        text: None,
    })
    .to_vec()
}

fn release(evidence: &PlanEvidence) -> Release {
    Release {
        key: "contoso.sensor".parse().unwrap(),
        plan: evidence.plan.clone(),
        version: "1.0.0".parse().unwrap(),
        digest: evidence.tags["1.0.0"].clone(),
        tags: vec!["1.0.0".into()],
        platforms: Vec::new(),
        defaults: Defaults::default(),
        notes: String::new(),
        submission: "s1".into(),
        released_at: 1,
    }
}

/// A registry with two versions for three platforms each, and an attestation.
pub(crate) fn evidence() -> PlanEvidence {
    let mut evidence = PlanEvidence {
        plan: "standard".parse().unwrap(),
        source: "registry.contoso.example:5000/contoso/sensor".into(),
        tags: BTreeMap::new(),
        missing_tags: Vec::new(),
        root: None,
        manifests: BTreeMap::new(),
        configs: BTreeMap::new(),
        images: Vec::new(),
        moved_tags: Vec::new(),
        left_out: BTreeSet::new(),
        by_itself: false,
    };
    let old = add_version(&mut evidence, "1.0.0");
    evidence.images.clear();
    let new = add_version(&mut evidence, "1.1.0");
    evidence.tags = BTreeMap::from([
        ("1.0.0".into(), old),
        ("1.1".into(), new.clone()),
        ("1.1.0".into(), new.clone()),
        ("latest".into(), new.clone()),
    ]);
    evidence.root = Some(new);
    evidence
}

fn add_version(evidence: &mut PlanEvidence, version: &str) -> Digest {
    let mut entries = Vec::new();
    for (platform, machine, class) in [
        (
            "linux/amd64",
            elf::ElfMachine::X86_64,
            elf::ElfClass::Bits64,
        ),
        (
            "linux/arm64",
            elf::ElfMachine::Aarch64,
            elf::ElfClass::Bits64,
        ),
        ("linux/arm/v7", elf::ElfMachine::Arm, elf::ElfClass::Bits32),
    ] {
        let platform: Platform = platform.parse().unwrap();
        let config = config(&platform, version);
        let manifest = image_manifest(&config.to_string());
        entries.push(entry(&manifest, &platform));
        let parsed = ImageConfig::parse(config.to_string().as_bytes()).unwrap();
        evidence.configs.insert(manifest.digest.clone(), parsed);
        let elf = elf::Elf {
            class,
            machine,
            little_endian: true,
        };
        evidence.images.push(image(&manifest, platform, elf));
        evidence.manifests.insert(manifest.digest.clone(), manifest);
    }
    let attestation = image_manifest(&format!("{{\"attests\":\"{version}\"}}"));
    let unknown = "unknown/unknown".parse().unwrap();
    let mut listed = entry(&attestation, &unknown);
    listed["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    entries.push(listed);
    evidence
        .manifests
        .insert(attestation.digest.clone(), attestation);
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries});
    let index = Manifest::parse(Some(media_type), index.to_string().as_bytes()).unwrap();
    let digest = index.digest.clone();
    evidence.manifests.insert(digest.clone(), index);
    digest
}

fn image(manifest: &Manifest, platform: Platform, elf: elf::Elf) -> ImageEvidence {
    ImageEvidence {
        digest: manifest.digest.clone(),
        platform,
        compressed_bytes: 400_000,
        layers: 1,
        contents: Ok(Contents {
            unpacked_bytes: 900_000,
            files: 3,
            setuid: vec!["/bin/su".into()],
            entrypoint: Some(Entrypoint {
                path: "/app/sensor".into(),
                kind: EntrypointKind::Elf(elf),
            }),
            secrets: Vec::new(),
        }),
        scan: Some(Scan {
            scanner: "scanner 1".into(),
            ..Scan::default()
        }),
    }
}

fn config(platform: &Platform, version: &str) -> Value {
    let mut config = json!({
        "os": platform.os, "architecture": platform.architecture, "created": "2026-10-01T00:00:00Z",
        "config": {
            "User": "1000", "Env": ["PATH=/usr/bin"], "Entrypoint": ["/app/sensor"],
            "Labels": {
                "org.opencontainers.image.title": "Sensor",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "MIT",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created_by": "COPY sensor /app/sensor"}],
    });
    if let Some(variant) = &platform.variant {
        config["variant"] = json!(variant);
    }
    config
}

fn image_manifest(config: &str) -> Manifest {
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let descriptor = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": Digest::sha256_of(bytes).to_string(), "size": bytes.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", b"layer")],
    });
    Manifest::parse(Some(media_type), manifest.to_string().as_bytes()).unwrap()
}

fn entry(manifest: &Manifest, platform: &Platform) -> Value {
    let mut claim = json!({"os": platform.os, "architecture": platform.architecture});
    if let Some(variant) = &platform.variant {
        claim["variant"] = json!(variant);
    }
    json!({
        "mediaType": manifest.media_type, "digest": manifest.digest.to_string(),
        "size": manifest.bytes.len(), "platform": claim,
    })
}

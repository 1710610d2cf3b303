//! IMG-26: every layer is in the registry, none is to be fetched from somewhere else.

use oci::media_type::is_nondistributable;
use oci::{Descriptor, Manifest};

use crate::places::{each_source, plan_place};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;
use crate::words::counted;

pub(super) static RULE: Rule = Rule {
    code: "IMG-26",
    title: "No layer is foreign: every byte of the image comes from the registry",
    level: Level::Block,
    waivable: false,
    sources: &["T-03", "OCI image-spec layer.md"],
    why: "A foreign (non-distributable) layer is fetched from an address that its maker wrote into the manifest. The \
          marketplace does not copy or examine it, and a device in a plant may not reach it, or may be sent anywhere.",
    fix: "Build on a base image whose layers may be distributed, or push the layers as ordinary ones where their \
          licence allows (Docker: `allow-nondistributable-artifacts`, then without `urls` in the manifest).",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_source(subject, |plan, evidence| {
        let foreign: Vec<Outcome> = evidence
            .manifests
            .values()
            .flat_map(|manifest| foreign(manifest).map(move |layer| (manifest, layer)))
            .map(|(manifest, layer)| {
                Outcome::failed(
                    format!("{}, {}", plan_place(plan), manifest.digest),
                    told(layer),
                )
            })
            .collect();
        if !foreign.is_empty() {
            return foreign;
        }
        let manifests = counted(evidence.manifests.len(), "manifest", "manifests");
        let passed = format!("no foreign layer in {manifests}");
        vec![Outcome::passed(plan_place(plan), passed)]
    })
}

fn foreign(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    let own =
        |layer: &&Descriptor| is_nondistributable(&layer.media_type) || !layer.urls.is_empty();
    manifest.layers().iter().filter(own)
}

/// The address itself is not repeated: it is a stranger's text, and nobody should follow it from a report.
fn told(layer: &Descriptor) -> String {
    let Descriptor {
        digest, media_type, ..
    } = layer;
    match layer.urls.len() {
        0 => format!("layer {digest} is of the type {media_type}"),
        count => {
            let addresses = counted(count, "address", "addresses");
            format!("layer {digest} ({media_type}) names {addresses} to fetch it from")
        }
    }
}

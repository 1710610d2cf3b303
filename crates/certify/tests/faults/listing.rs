//! Listings with one fault each.

use certify::LogoEvidence;
use domain::defaults::NamedText;
use domain::offer::LogoSlot;

use super::Fault;
use certify::Subject;

/// Texts, pictures, links.
pub(super) const LISTING: &[Fault] = &[
    (&["LST-01"], |s| s.offer.listing.title.clear()),
    (&["LST-01"], |s| s.offer.listing.summary = "x".repeat(101)),
    (&["LST-01"], |s| {
        s.offer.listing.support_contact.email = "nobody".into();
    }),
    (&["LST-02"], |s| {
        s.logos.insert(LogoSlot::Wide, LogoEvidence::Missing);
    }),
    (&["LST-02"], |s| {
        s.logos.remove(&LogoSlot::Small);
    }),
    (&["LST-02"], |s| {
        s.logos
            .insert(LogoSlot::Small, LogoEvidence::Judged(Err("48×48".into())));
    }),
    (&["LST-03"], |s| {
        s.offer.listing.description = s.offer.listing.description.replace("64 MB RAM, ", "");
    }),
    (&["LST-03"], |s| {
        s.offer.listing.description.push_str("<p>Buy now.</p>");
    }),
    (&["LST-04"], |s| {
        s.links.as_mut().unwrap()[0].status = Ok(404);
    }),
    (&["LST-04"], |s| {
        s.links.as_mut().unwrap()[1].status = Err("timed out".into());
    }),
    (&[], |s| s.links.as_mut().unwrap()[1].status = Ok(301)),
    (&["LST-05"], |s| {
        s.offer.plans[0]
            .defaults
            .env
            .push(NamedText::new("MYSTERY", "1"));
    }),
    (&[], |s| {
        s.offer.plans[0]
            .defaults
            .env
            .push(NamedText::new("MYSTERY", "1"));
        s.links.as_mut().unwrap()[1].text = Some("Set MYSTERY to 1.".into());
    }),
    (&["LST-06"], |s| s.offer.properties.licence.clear()),
    (&["LST-07"], |s| {
        s.offer.listing.description = s.offer.listing.description.replace("arm64", "amd64");
    }),
    (&["LST-07"], |s| {
        s.plans[0].images.remove(1);
        forget_arm64(s);
    }),
    (&["LST-08"], |s| s.offer.listing.title = "Sensor ".repeat(8)),
    (&["LST-08"], |s| {
        s.offer
            .listing
            .description
            .insert_str(0, "<script>1</script>");
    }),
    (&["LST-09"], |s| {
        s.offer.listing.title = "Redis at the edge".into();
    }),
    (&["LST-09"], |s| {
        s.offer.plans[0].image.repository = "contoso/nginx".into();
        s.first_sources.clear();
    }),
    (&["LST-10"], |s| {
        s.offer.plans[0].defaults.routes.clear();
        s.offer.plans[0].outputs.clear();
    }),
    (&[], |s| {
        s.offer.plans[0].defaults.routes.clear();
        s.offer.plans[0].outputs.clear();
        s.offer.properties.kind = domain::offer::ModuleKind::Companion;
        s.offer.properties.companion_of = "contoso.other".into();
    }),
];

/// arm64 out of the plan and its newest index, as if it had never been built.
fn forget_arm64(subject: &mut Subject) {
    subject.offer.plans[0].platforms.remove(1);
    for row in &mut subject.matrix.platforms {
        if row.platform.architecture == "arm64" {
            row.platform = "linux/amd64".parse().unwrap();
        }
    }
    let evidence = &mut subject.plans[0];
    let root = evidence.root.clone().unwrap();
    let text = String::from_utf8(evidence.manifests[&root].bytes.to_vec()).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["manifests"].as_array_mut().unwrap().remove(1);
    let index = oci::Manifest::parse(None, index.to_string().as_bytes()).unwrap();
    for digest in evidence.tags.values_mut().filter(|digest| **digest == root) {
        *digest = index.digest.clone();
    }
    evidence.root = Some(index.digest.clone());
    evidence.manifests.insert(index.digest.clone(), index);
}

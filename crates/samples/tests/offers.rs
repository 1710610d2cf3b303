//! The sample offers parse, are complete, agree with the images, and document every setting.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

use domain::offer::{LogoSlot, ModuleKind, Offer};
use domain::{complete, html, logo, matrix::Matrix, placeholder};
use samples::SampleOffer;

/// The offer that is made to be refused.
const REFUSED: &str = "northwind.gateway-inspector";

fn parse(sample: &SampleOffer) -> Offer {
    let text = std::str::from_utf8(sample.file("offer.yaml").unwrap()).unwrap();
    let mut offer: Offer =
        serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{}: {e}", sample.offer));
    let description = sample.file("description.html").unwrap();
    offer.listing.description = std::str::from_utf8(description).unwrap().trim().to_owned();
    assert_eq!(
        offer.key().to_string(),
        format!("{}.{}", sample.publisher, sample.offer)
    );
    offer
}

fn all() -> Vec<(SampleOffer, Offer)> {
    samples::offers()
        .into_iter()
        .map(|sample| (sample.clone(), parse(&sample)))
        .collect()
}

#[test]
fn every_offer_is_complete_and_clean() {
    let offers = all();
    assert!(offers.len() >= 8, "{} offers", offers.len());
    for (_, offer) in &offers {
        let violations = complete::check(offer, &Matrix::default());
        assert!(violations.is_empty(), "{}: {violations:?}", offer.key());
        let description = &offer.listing.description;
        assert_eq!(
            html::refused_elements(description),
            Vec::<String>::new(),
            "{}",
            offer.key()
        );
        let hardware = html::last_paragraph(&html::clean(description)).unwrap();
        for word in [
            "Minimum hardware requirements:",
            "Linux",
            "MB of RAM",
            "MB of storage",
        ] {
            assert!(
                hardware.contains(word),
                "{} lacks {word:?}: {hardware}",
                offer.key()
            );
        }
        for platform in offer.plans.iter().flat_map(|plan| &plan.platforms) {
            assert!(
                hardware.contains(platform.as_str()),
                "{} does not name {platform}",
                offer.key()
            );
        }
    }
}

#[test]
fn every_logo_has_its_size_and_no_two_are_alike() {
    let mut seen = BTreeMap::new();
    for (sample, offer) in all() {
        for slot in LogoSlot::ALL {
            let path = offer.listing.logos.get(slot);
            let bytes = sample
                .file(path)
                .unwrap_or_else(|| panic!("{} has no {path}", offer.key()));
            assert_eq!(logo::check(slot, bytes), Ok(()), "{} {path}", offer.key());
            assert_eq!(
                seen.insert(bytes, path.to_owned()),
                None,
                "{} {path}",
                offer.key()
            );
        }
    }
}

#[test]
fn every_setting_is_documented() {
    for (_, offer) in all() {
        let text = html::plain_text(&offer.listing.description);
        for plan in &offer.plans {
            let defaults = &plan.defaults;
            let named = defaults
                .routes
                .iter()
                .chain(&defaults.env)
                .map(|each| &each.name);
            for name in named.chain(defaults.twin.iter().map(|each| &each.name)) {
                assert!(
                    text.contains(name.as_str()),
                    "{} does not explain {name}",
                    offer.key()
                );
            }
            assert!(
                text.contains("createOptions"),
                "{} does not explain its createOptions",
                offer.key()
            );
        }
    }
}

#[test]
fn every_plan_names_an_image_that_is_there() {
    let mut tags: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let seeds = samples::images().unwrap();
    for seed in &seeds {
        tags.entry(seed.repository)
            .or_default()
            .extend(seed.tags.iter().map(|(tag, _)| tag.clone()));
    }
    let mut used = BTreeSet::new();
    for (sample, offer) in all() {
        for plan in &offer.plans {
            assert_eq!(
                plan.image.registry,
                format!("registry.{}.example", sample.publisher)
            );
            let listed: BTreeSet<String> = plan.image.tags.iter().cloned().collect();
            assert_eq!(
                tags.get(plan.image.repository.as_str()),
                Some(&listed),
                "{}",
                plan.image.repository
            );
            assert!(
                used.insert(plan.image.repository.clone()),
                "{} is used twice",
                plan.image.repository
            );
        }
    }
    assert_eq!(used.len(), tags.len(), "an image belongs to no offer");
}

#[test]
fn routes_agree_with_inputs_and_outputs_except_where_refusal_is_wanted() {
    for (_, offer) in all() {
        for plan in &offer.plans {
            let name = &plan.defaults.module_name;
            let mut named = BTreeSet::new();
            for route in &plan.defaults.routes {
                for (kind, ports) in [("inputs", &plan.inputs), ("outputs", &plan.outputs)] {
                    let Some((_, rest)) =
                        route.value.split_once(&format!("/modules/{name}/{kind}/"))
                    else {
                        continue;
                    };
                    let port: String = rest
                        .chars()
                        .take_while(char::is_ascii_alphanumeric)
                        .collect();
                    let declared = ports.contains(&port);
                    assert_eq!(
                        declared,
                        offer.key().to_string() != REFUSED,
                        "{} {}",
                        offer.key(),
                        route.value
                    );
                    named.insert(port);
                }
            }
            assert_eq!(
                named.len(),
                plan.inputs.len() + plan.outputs.len(),
                "{}",
                offer.key()
            );
        }
    }
}

#[test]
fn the_catalog_shows_every_kind_and_price_and_a_placeholder() {
    let offers = all();
    let kinds: Vec<ModuleKind> = offers
        .iter()
        .map(|(_, offer)| offer.properties.kind)
        .collect();
    for kind in [ModuleKind::Source, ModuleKind::Filter, ModuleKind::Sink] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    let prices = |wanted: &str| {
        let plans = offers.iter().map(|(_, offer)| {
            offer
                .plans
                .iter()
                .filter(|p| p.price.model() == wanted)
                .count()
        });
        plans.max().unwrap_or_default()
    };
    assert_eq!(
        (prices("free"), prices("byol"), prices("freemium")),
        (1, 1, 2)
    );
    let placeholders: BTreeSet<String> = offers
        .iter()
        .flat_map(|(_, offer)| {
            offer
                .plans
                .iter()
                .flat_map(|plan| placeholder::find(&plan.defaults))
        })
        .map(|placeholder| placeholder.name)
        .collect();
    let wanted = ["FROM_MODULE_NAME", "MY_LICENSE_KEY", "MY_SERVER_IP_ADDRESS"];
    assert_eq!(
        placeholders.iter().map(String::as_str).collect::<Vec<_>>(),
        wanted
    );
    let publishers: BTreeSet<&str> = offers.iter().map(|(sample, _)| sample.publisher).collect();
    assert_eq!(
        publishers,
        BTreeSet::from(["contoso", "fabrikam", "northwind"])
    );
}

#[test]
fn one_offer_is_made_to_be_refused() {
    let (_, refused) = all()
        .into_iter()
        .find(|(_, offer)| offer.key().to_string() == REFUSED)
        .unwrap();
    let [plan] = refused.plans.as_slice() else {
        panic!("one plan is wanted")
    };
    let options: serde_json::Value =
        serde_json::from_str(plan.defaults.create_options_text()).unwrap();
    assert_eq!(options["HostConfig"]["Privileged"], serde_json::json!(true));
    let seeds = samples::images().unwrap();
    let seed = seeds
        .iter()
        .find(|seed| seed.repository == plan.image.repository)
        .unwrap();
    let real: Vec<&str> = seed
        .image
        .children
        .iter()
        .map(|child| child.platform)
        .collect();
    assert_eq!(real, ["linux/amd64"]);
    assert!(plan.platforms.contains(&"linux/arm/v7".to_owned()));
}

#[test]
fn one_offer_is_made_for_a_reviewer() {
    let (_, asked) = all()
        .into_iter()
        .find(|(_, offer)| offer.key().to_string() == "northwind.clock-check")
        .unwrap();
    let takes_part = |plan: &domain::offer::Plan| {
        !plan.defaults.routes.is_empty() || !plan.inputs.is_empty() || !plan.outputs.is_empty()
    };
    assert!(!asked.plans.iter().any(takes_part));
    assert_ne!(asked.properties.kind, ModuleKind::Companion);
}

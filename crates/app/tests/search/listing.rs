//! Modules for a catalog, from the few things that a search looks at.

use app::catalog::{Module, ModulePlan};
use domain::defaults::Defaults;
use domain::offer::{Contact, Logos, ModuleKind, Price, Terms};
use domain::release::Release;
use oci::Digest;
use store::runs::{Footprint, Summary};

/// What a search looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) publisher: u8,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) keywords: String,
    pub(crate) platforms: Vec<&'static str>,
    pub(crate) categories: Vec<&'static str>,
    pub(crate) prices: Vec<&'static str>,
    /// Of a plan that nobody is shown.
    pub(crate) hidden_price: Option<&'static str>,
    /// Of every plan that is shown: what its runs measured on each platform, in MiB.
    pub(crate) measured: Vec<u64>,
    /// The limit that it declares, in MiB.
    pub(crate) limit: Option<u64>,
    pub(crate) listed: bool,
    pub(crate) released_at: i64,
}

fn price(model: &str) -> Price {
    match model {
        "byol" => Price::Byol {
            licence_instructions: String::new(),
        },
        "freemium" => Price::Freemium {
            restrictions: String::new(),
        },
        _ => Price::Free,
    }
}

/// A run that measured something; one that broke a rule counts for nothing.
fn run(plan: &domain::ids::PlanName, mib: u64, broken: Vec<String>) -> Summary {
    Summary {
        id: format!("{plan}-{mib}"),
        submission: String::new(),
        plan: plan.clone(),
        platform: "linux/amd64".parse().unwrap(),
        digest: Digest::sha256_of(b"image"),
        nightly: !broken.is_empty(),
        began_at: 0,
        environment: String::new(),
        engine: String::new(),
        passed: 1,
        applicable: 1,
        broken,
        emulated: false,
        why_not: None,
        footprint: Some(Footprint {
            memory_peak_bytes: mib << 20,
            memory_steady_bytes: 1,
            cpu_permille: 1,
        }),
        log: None,
    }
}

fn plan(key: &domain::ids::OfferKey, name: &str, model: &str, listing: &Listing) -> ModulePlan {
    let plan: domain::ids::PlanName = name.parse().unwrap();
    let hidden = name == "hidden";
    let seen = if hidden {
        &[1]
    } else {
        listing.measured.as_slice()
    };
    let mut runs: Vec<Summary> = seen
        .iter()
        .map(|mib| run(&plan, *mib, Vec::new()))
        .collect();
    runs.push(run(&plan, 9_000, vec!["RUN-05".to_owned()]));
    let options = |mib: u64| format!(r#"{{"HostConfig":{{"Memory":{}}}}}"#, mib << 20);
    ModulePlan {
        repository: key.repository(&plan),
        title: name.to_owned(),
        summary: String::new(),
        description: String::new(),
        hidden,
        price: price(model),
        releases: vec![Release {
            key: key.clone(),
            plan: plan.clone(),
            version: "1.0.0".parse().unwrap(),
            digest: Digest::sha256_of(b"release"),
            tags: Vec::new(),
            platforms: Vec::new(),
            defaults: Defaults {
                create_options: listing.limit.map(options).unwrap_or_default(),
                ..Defaults::default()
            },
            notes: String::new(),
            submission: String::new(),
            released_at: 0,
        }],
        placeholders: Vec::new(),
        runs,
        plan,
    }
}

/// Module number `at` of a catalog.
pub(crate) fn module(at: usize, listing: &Listing) -> Module {
    let publisher = format!("publisher-{}", listing.publisher);
    let key: domain::ids::OfferKey = format!("{publisher}.m{at:03}").parse().unwrap();
    let shown = listing.prices.iter().enumerate();
    let mut plans: Vec<ModulePlan> = shown
        .map(|(number, model)| plan(&key, &format!("p{number}"), model, listing))
        .collect();
    plans.extend(
        listing
            .hidden_price
            .map(|model| plan(&key, "hidden", model, listing)),
    );
    Module {
        listed: listing.listed,
        stop: None,
        publisher_title: format!("Publisher {}", listing.publisher),
        verified: false,
        title: listing.title.clone(),
        summary: listing.summary.clone(),
        short_description: String::new(),
        description: String::new(),
        description_text: listing.description.clone(),
        hardware: String::new(),
        keywords: listing
            .keywords
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        categories: listing
            .categories
            .iter()
            .map(|id| (*id).to_owned())
            .collect(),
        kind: ModuleKind::Source,
        logos: Logos::default(),
        links: Vec::new(),
        documentation_url: String::new(),
        privacy_policy_url: String::new(),
        support: Contact::default(),
        terms: Terms::default(),
        licence: String::new(),
        plans,
        withdrawn: Vec::new(),
        platforms: listing
            .platforms
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        report: None,
        submission: String::new(),
        first_released_at: 0,
        released_at: listing.released_at,
        key,
    }
}

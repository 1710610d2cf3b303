//! A module: the live public view of an offer, joined once so that pages and the API only read.

use certify::Report;
use domain::ids::{OfferKey, PlanName};
use domain::offer::{Contact, Link, Logos, ModuleKind, Price, Terms};
use domain::placeholder::Placeholder;
use domain::release::Release;
use domain::tag::Version;
use oci::Platform;
use store::offers::StopInfo;
use store::runs::Summary as Run;

/// One module as everyone may see it.
#[derive(Clone, Debug)]
pub struct Module {
    /// `publisher.offer`.
    pub key: OfferKey,
    /// False for stopped ones: they keep their page and their images, and leave search.
    pub listed: bool,
    /// Why it was stopped and what to use instead.
    pub stop: Option<StopInfo>,
    /// Name of the publisher.
    pub publisher_title: String,
    /// The operator checked who the publisher is.
    pub verified: bool,
    /// Name of the module.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// A few sentences.
    pub short_description: String,
    /// Cleaned HTML.
    pub description: String,
    /// The same without markup.
    pub description_text: String,
    /// The minimum-hardware paragraph, without markup.
    pub hardware: String,
    /// Words that searchers use.
    pub keywords: Vec<String>,
    /// Ids of subcategories.
    pub categories: Vec<String>,
    /// Source, filter, sink or companion.
    pub kind: ModuleKind,
    /// Media digests.
    pub logos: Logos,
    /// Useful links.
    pub links: Vec<Link>,
    /// Documentation.
    pub documentation_url: String,
    /// Privacy policy.
    pub privacy_policy_url: String,
    /// Public contact.
    pub support: Contact,
    /// Terms of use.
    pub terms: Terms,
    /// Licence of the image's contents.
    pub licence: String,
    /// Plans that are not hidden come first.
    pub plans: Vec<ModulePlan>,
    /// Platforms of the newest releases of all public plans, each once.
    pub platforms: Vec<Platform>,
    /// The report of the live submission.
    pub report: Option<Report>,
    /// The live submission.
    pub submission: String,
    /// First go-live, microseconds.
    pub first_released_at: i64,
    /// Newest release, microseconds.
    pub released_at: i64,
    /// Releases that the operator took down.
    pub withdrawn: Vec<Withdrawn>,
}

/// A release that was taken down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// Of which plan.
    pub plan: PlanName,
    /// Which version.
    pub version: Version,
    /// The operator's words.
    pub reason: String,
}

/// One plan of a module.
#[derive(Clone, Debug)]
pub struct ModulePlan {
    /// Its id.
    pub plan: PlanName,
    /// Name.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Cleaned HTML.
    pub description: String,
    /// Unlisted, yet deployable by whoever knows it.
    pub hidden: bool,
    /// What it costs.
    pub price: Price,
    /// `{publisher}/{offer}/{plan}`.
    pub repository: String,
    /// Newest first; never empty.
    pub releases: Vec<Release>,
    /// The newest run of each image of the newest release, those that were never run left out.
    pub runs: Vec<Run>,
    /// What the customer has to fill in for the newest release.
    pub placeholders: Vec<Placeholder>,
}

impl Module {
    /// A plan by id, hidden ones included.
    pub fn plan(&self, plan: &str) -> Option<&ModulePlan> {
        self.plans.iter().find(|p| p.plan.as_str() == plan)
    }

    /// Why a version of a plan, or everything of a plan, is gone, if the operator took it down.
    pub fn withdrawn(&self, plan: &str, version: &str) -> Option<&Withdrawn> {
        let nothing_left = self.plan(plan).is_none();
        self.withdrawn.iter().rev().find(|one| {
            one.plan.as_str() == plan && (nothing_left || one.version.to_string() == version)
        })
    }

    /// Plans that are listed.
    pub fn public_plans(&self) -> impl Iterator<Item = &ModulePlan> {
        self.plans.iter().filter(|plan| !plan.hidden)
    }
}

impl ModulePlan {
    /// A release by version, or the newest when none is named.
    pub fn release(&self, version: Option<&str>) -> Option<&Release> {
        match version {
            None | Some("" | "latest") => self.releases.first(),
            Some(wanted) => self
                .releases
                .iter()
                .find(|release| release.version.to_string() == wanted),
        }
    }
}

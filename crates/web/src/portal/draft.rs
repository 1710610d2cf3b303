//! An offer as its editors see it: the draft, what is missing in it, where its newest submission stands, and the frame
//! that all its pages share (head and rail of sections).

use domain::complete;
use domain::ids::OfferKey;
use domain::lifecycle::{OfferState, State};
use domain::matrix::Matrix;
use domain::offer::Offer;
use domain::role::PublisherAction;
use domain::violation::Violation;
use store::offers::OfferRow;
use store::submissions::Submission;

use super::{hidden, key_for, link, offer_path};
use crate::messages::{t, t1, tn, word};
use crate::params::Places;
use crate::pieces::{Link, RailItem};
use crate::problem::Problem;
use crate::state::Web;
use crate::visitor::Visitor;

/// The sections of an offer, in the order of the rail.
pub(super) const SECTIONS: [&str; 6] =
    ["listing", "links", "logos", "properties", "plans", "review"];

/// An offer with everything that its pages ask for.
pub(super) struct Draft {
    /// Which.
    pub(super) key: OfferKey,
    /// As it is kept.
    pub(super) row: OfferRow,
    /// All that is wrong with it.
    pub(super) violations: Vec<Violation>,
    /// Its newest submission.
    pub(super) latest: Option<Submission>,
    /// Platforms asked for.
    pub(super) matrix: Matrix,
}

/// The top of an offer's page.
pub(super) struct Head {
    pub(super) title: String,
    pub(super) key: String,
    pub(super) path: String,
    pub(super) state: &'static str,
    pub(super) submission: String,
    pub(super) submission_state: &'static str,
    pub(super) sentence: String,
    /// Address of the module's page; empty while nothing is live.
    pub(super) live: String,
    /// The page has no other thing to do than to go on to submitting.
    pub(super) submit: bool,
    pub(super) crumbs: Vec<Link>,
    pub(super) rail: Vec<RailItem>,
}

/// What is the most helpful thing to do with an offer now.
pub(super) struct NextAction {
    pub(super) label: String,
    pub(super) href: String,
    /// The publisher's turn, rather than somebody else's.
    pub(super) ours: bool,
}

/// The section of the rail that a violation belongs to.
pub(super) fn section_of(field: &str) -> &'static str {
    const LINKS: [&str; 5] = [
        "listing.privacy_policy_url",
        "listing.documentation_url",
        "listing.useful_links",
        "listing.support_contact",
        "listing.engineering_contact",
    ];
    if field.starts_with("listing.logos") {
        "logos"
    } else if LINKS.iter().any(|name| field.starts_with(name)) {
        "links"
    } else if field.starts_with("listing") {
        "listing"
    } else if field.starts_with("properties") {
        "properties"
    } else if field.starts_with("plans") {
        "plans"
    } else {
        "review"
    }
}

impl Draft {
    /// Reads the offer in the address, if the visitor may do this with it.
    pub(super) async fn load(
        web: &Web,
        visitor: &Visitor,
        places: &Places,
        action: PublisherAction,
    ) -> Result<Self, Problem> {
        let key = key_for(visitor, places, action)?;
        let row = store::offers::find(&web.app.reader, &key)
            .await?
            .ok_or_else(hidden)?;
        Self::of(web, row).await
    }

    /// The same for an offer that was read already.
    pub(super) async fn of(web: &Web, row: OfferRow) -> Result<Self, Problem> {
        let matrix = app::offers::matrix(&web.app).await?;
        Ok(Self {
            violations: complete::check(&row.draft, &matrix),
            latest: store::submissions::latest_of_offer(&web.app.reader, &row.key).await?,
            key: row.key.clone(),
            matrix,
            row,
        })
    }

    /// The violations of one section.
    pub(super) fn of_section(&self, section: &str) -> Vec<Violation> {
        let all = self.violations.iter();
        all.filter(|violation| section_of(&violation.field) == section)
            .cloned()
            .collect()
    }

    /// Does the publisher have to do something before this can be submitted?
    pub(super) fn errors(&self) -> usize {
        self.violations
            .iter()
            .filter(|violation| violation.is_error())
            .count()
    }

    /// Was anything put into this section yet?
    pub(super) fn started(&self, section: &str) -> bool {
        let (draft, empty) = (&self.row.draft, Offer::empty(&self.key));
        let (listing, none) = (&draft.listing, &empty.listing);
        match section {
            "listing" => {
                listing.summary != none.summary
                    || listing.description != none.description
                    || listing.short_description != none.short_description
            }
            "links" => {
                listing.privacy_policy_url != none.privacy_policy_url
                    || listing.support_contact != none.support_contact
                    || listing.engineering_contact != none.engineering_contact
                    || listing.documentation_url != none.documentation_url
            }
            "logos" => listing.logos != none.logos,
            "properties" => draft.properties != empty.properties,
            "plans" => !draft.plans.is_empty(),
            _ => true,
        }
    }

    /// The state of a section, for the rail.
    pub(super) fn section_state(&self, section: &str) -> &'static str {
        let wrong = if section == "review" {
            self.violations.iter().filter(|v| v.is_error()).count()
        } else {
            self.of_section(section)
                .iter()
                .filter(|v| v.is_error())
                .count()
        };
        if wrong == 0 {
            return "complete";
        }
        if section == "review" {
            return "incomplete";
        }
        if !self.started(section) {
            return "not_started";
        }
        let missing = |v: &Violation| !v.is_error() || v.limit.starts_with("required");
        if self.of_section(section).iter().all(missing) {
            "incomplete"
        } else {
            "attention"
        }
    }

    fn rail(&self, current: &str) -> Vec<RailItem> {
        let path = offer_path(&self.key);
        let items = SECTIONS.iter().map(|section| RailItem {
            label: word("offer_section", section).into_owned(),
            href: format!("{path}/{section}"),
            state: self.section_state(section).to_owned(),
            current: *section == current,
        });
        items.collect()
    }

    /// The title, or the name where there is none yet.
    pub(super) fn title(&self) -> String {
        let title = self.row.draft.listing.title.trim();
        if title.is_empty() {
            self.key.offer.to_string()
        } else {
            title.to_owned()
        }
    }

    /// The top of a page of this offer; `trail` comes after the offer in the breadcrumbs.
    pub(super) fn head(&self, current: &str, trail: &[Link]) -> Head {
        let path = offer_path(&self.key);
        let publisher = self.key.publisher.to_string();
        let mut crumbs = vec![
            link(t("nav.publish"), "/publish"),
            link(publisher.clone(), format!("/publish/{publisher}")),
            link(self.title(), path.clone()),
        ];
        if trail.is_empty() && !current.is_empty() {
            crumbs.push(link(word("offer_section", current).into_owned(), ""));
        }
        crumbs.extend_from_slice(trail);
        // A submission that is live says nothing new beside the offer's own state.
        let told = self
            .latest
            .as_ref()
            .filter(|latest| !matches!(latest.state, State::Live | State::Superseded));
        Head {
            title: self.title(),
            key: self.key.to_string(),
            state: self.row.state.as_str(),
            submission: told
                .map(|latest| format!("/publish/submissions/{}", latest.id))
                .unwrap_or_default(),
            submission_state: told.map_or("", |latest| latest.state.as_str()),
            sentence: self.sentence(),
            live: match self.row.live_submission {
                Some(_) => format!("/modules/{}/{}", self.key.publisher, self.key.offer),
                None => String::new(),
            },
            submit: !matches!(current, "" | "review"),
            rail: self.rail(current),
            path,
            crumbs,
        }
    }

    fn sentence(&self) -> String {
        let errors = self.errors();
        if errors > 0 {
            return tn("portal.to_mend", errors);
        }
        match &self.latest {
            Some(latest) if latest.state.is_running() => t1("portal.is_running", latest.number),
            _ if self.changed() => t("portal.can_submit").to_owned(),
            _ => t("portal.nothing_new").to_owned(),
        }
    }

    /// Does the draft differ from what was submitted last? Descriptions are cleaned on the way, hence compared clean.
    pub(super) fn changed(&self) -> bool {
        let Some(latest) = &self.latest else {
            return true;
        };
        if matches!(latest.state, State::Rejected | State::Cancelled) {
            return true;
        }
        let mut draft = self.row.draft.clone();
        draft.listing.description = domain::html::clean(&draft.listing.description);
        for plan in &mut draft.plans {
            plan.description = domain::html::clean(&plan.description);
        }
        draft != latest.frozen
    }

    /// The next thing to do.
    pub(super) fn next_action(&self) -> NextAction {
        let path = offer_path(&self.key);
        let to = |label: String, href: String, ours: bool| NextAction { label, href, ours };
        if let Some(latest) = &self.latest {
            let href = format!("/publish/submissions/{}", latest.id);
            match latest.state {
                State::InReview => return to(t("portal.next_wait_review").to_owned(), href, false),
                State::Preview => return to(t("portal.next_go_live").to_owned(), href, true),
                State::Rejected if self.errors() == 0 => {
                    return to(t("portal.next_mend").to_owned(), href, true);
                }
                state if state.is_running() => {
                    return to(t("portal.next_watch").to_owned(), href, false);
                }
                _ => {}
            }
        }
        if self.errors() > 0 {
            let first = SECTIONS
                .iter()
                .find(|section| self.section_state(section) != "complete");
            let section = first.copied().unwrap_or("review");
            let label = t1("portal.next_complete", word("offer_section", section));
            return to(label, format!("{path}/{section}"), true);
        }
        if self.changed() {
            return to(
                t("portal.review_and_submit").to_owned(),
                format!("{path}/review"),
                true,
            );
        }
        match self.row.state {
            OfferState::Stopped => to(t("portal.next_resume").to_owned(), path, true),
            OfferState::Draft | OfferState::Live => {
                to(t("portal.next_nothing").to_owned(), path, false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::section_of;

    #[test]
    fn every_violation_has_its_section() {
        for (field, section) in [
            ("listing.title", "listing"),
            ("listing.logos.wide", "logos"),
            ("listing.useful_links[2].url", "links"),
            ("listing.support_contact.email", "links"),
            ("properties.terms.url", "properties"),
            ("plans", "plans"),
            ("plans.standard.image.tags[0]", "plans"),
            ("certification_notes", "review"),
        ] {
            assert_eq!(section_of(field), section, "{field}");
        }
    }
}

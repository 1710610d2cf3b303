//! The life of a submission and of an offer: the only place that knows the arrows.
//!
//! submitted → importing → certifying → (in review →) preview → publishing → live; and rejected, cancelled, superseded.

use serde::{Deserialize, Serialize};

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Frozen and queued.
    Submitted,
    /// Images are being copied from the publisher's registry.
    Importing,
    /// Rules are being run.
    Certifying,
    /// A rule asked for a person.
    InReview,
    /// Waiting for the publisher's sign-off.
    Preview,
    /// Signed off; tags, listing and index are being moved.
    Publishing,
    /// Done: this is what the storefront shows, until superseded.
    Live,
    /// A newer submission of the offer is live.
    Superseded,
    /// Failed certification, import or review.
    Rejected,
    /// Taken back by the publisher, or replaced by a resubmit before going live.
    Cancelled,
}

/// What happens to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The import job began.
    StartImport,
    /// Every byte is here and verified.
    StartCertification,
    /// The report has judgement calls left open.
    AskReviewer,
    /// Certified, or approved by the reviewer.
    OpenPreview,
    /// The publisher pressed *Go live*.
    SignOff,
    /// The listing is public.
    Publish,
    /// The last check of go-live failed and everything was undone.
    UndoPublish,
    /// A block: a rule, the import, or a reviewer.
    Reject,
    /// The publisher changed their mind, or submitted again.
    Cancel,
    /// A newer one went live.
    Supersede,
}

/// An arrow that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a submission that is {} cannot {}", .state.words(), .step.words())]
pub struct Refused {
    /// Where it stands.
    pub state: State,
    /// What was tried.
    pub step: Step,
}

impl State {
    /// All states, in pipeline order.
    pub const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Importing,
        Self::Certifying,
        Self::InReview,
        Self::Preview,
        Self::Publishing,
        Self::Live,
        Self::Superseded,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The word in the database, in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Importing => "importing",
            Self::Certifying => "certifying",
            Self::InReview => "in_review",
            Self::Preview => "preview",
            Self::Publishing => "publishing",
            Self::Live => "live",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// For sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::InReview => "in review",
            Self::Preview => "in preview",
            other => other.as_str(),
        }
    }

    /// Nothing more will happen by itself and the offer may be submitted again.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Live | Self::Superseded | Self::Rejected | Self::Cancelled
        )
    }

    /// Counts against "one running submission per offer". A preview does not: a resubmit replaces it.
    pub fn is_running(self) -> bool {
        !self.is_final() && self != Self::Preview
    }

    /// May the publisher still take it back? Until go-live.
    pub fn may_cancel(self) -> bool {
        self.after(Step::Cancel).is_ok()
    }

    /// The state after a step, or the refusal.
    pub fn after(self, step: Step) -> Result<Self, Refused> {
        use State as S;
        use Step as T;
        match (self, step) {
            (S::Submitted, T::StartImport) => Ok(S::Importing),
            (S::Importing, T::StartCertification) => Ok(S::Certifying),
            (S::Certifying, T::AskReviewer) => Ok(S::InReview),
            (S::Certifying | S::InReview, T::OpenPreview) => Ok(S::Preview),
            (S::Preview, T::SignOff) => Ok(S::Publishing),
            (S::Publishing, T::Publish) => Ok(S::Live),
            (S::Publishing, T::UndoPublish) => Ok(S::Preview),
            (S::Importing | S::Certifying | S::InReview, T::Reject) => Ok(S::Rejected),
            (S::Submitted | S::Importing | S::Certifying | S::InReview | S::Preview, T::Cancel) => {
                Ok(S::Cancelled)
            }
            (S::Live, T::Supersede) => Ok(S::Superseded),
            (state, step) => Err(Refused { state, step }),
        }
    }
}

impl Step {
    /// For sentences: "cannot …".
    pub fn words(self) -> &'static str {
        match self {
            Self::StartImport => "start importing",
            Self::StartCertification => "be certified",
            Self::AskReviewer => "go to a reviewer",
            Self::OpenPreview => "be previewed",
            Self::SignOff => "be signed off",
            Self::Publish => "go live",
            Self::UndoPublish => "return to preview",
            Self::Reject => "be rejected",
            Self::Cancel => "be cancelled",
            Self::Supersede => "be superseded",
        }
    }
}

impl std::str::FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a submission state"))
    }
}

/// Whether customers can find and get an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// Never live.
    Draft,
    /// In the storefront.
    Live,
    /// Hidden from search; those who have it keep pulling and re-deploying.
    Stopped,
}

impl OfferState {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Live => "live",
            Self::Stopped => "stopped",
        }
    }
}

impl std::str::FromStr for OfferState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "draft" => Ok(Self::Draft),
            "live" => Ok(Self::Live),
            "stopped" => Ok(Self::Stopped),
            other => Err(format!("`{other}` is not an offer state")),
        }
    }
}

/// Why a publisher stopped selling (the catalog contract's `stopSellInfo.reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// Retired.
    EndOfSupport,
    /// A security problem: affected deployments are warned too.
    SecurityIssue,
    /// Anything else.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_happy_path_and_its_ends() {
        let path = [
            Step::StartImport,
            Step::StartCertification,
            Step::AskReviewer,
            Step::OpenPreview,
            Step::SignOff,
            Step::Publish,
            Step::Supersede,
        ];
        let end = path
            .into_iter()
            .try_fold(State::Submitted, State::after)
            .unwrap();
        assert_eq!(end, State::Superseded);
    }

    #[test]
    fn nothing_is_cancelled_after_sign_off() {
        for state in State::ALL {
            let cancellable = matches!(
                state,
                State::Submitted
                    | State::Importing
                    | State::Certifying
                    | State::InReview
                    | State::Preview
            );
            assert_eq!(state.may_cancel(), cancellable, "{state:?}");
        }
    }

    #[test]
    fn final_states_have_no_way_out_but_superseded() {
        for state in [State::Rejected, State::Cancelled, State::Superseded] {
            for step in [
                Step::StartImport,
                Step::OpenPreview,
                Step::Publish,
                Step::Reject,
            ] {
                assert!(state.after(step).is_err());
            }
        }
        let refusal = State::Live.after(Step::Cancel).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a submission that is live cannot be cancelled"
        );
    }

    #[test]
    fn words_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}

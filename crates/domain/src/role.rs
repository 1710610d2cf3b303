//! Who may do what. One table, asked by every use-case; the pages ask the same table to decide what to show.

use serde::{Deserialize, Serialize};

/// A member's role within one publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Pushes images, edits and submits offers.
    Developer,
    /// Also manages members, reads leads, signs off.
    Manager,
    /// Everything, including giving the publisher away.
    Owner,
}

/// What a person wants to do with a publisher's things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublisherAction {
    /// See drafts, submissions, reports.
    View,
    /// Create and edit offers, push to `incoming/…`.
    Edit,
    /// Submit and cancel.
    Submit,
    /// Sign off a preview: go live, stop selling, resume.
    GoLive,
    /// Read and download leads.
    ReadLeads,
    /// Add, change and remove members.
    ManageMembers,
    /// Change the publisher's own profile.
    EditProfile,
}

impl MemberRole {
    /// The word in the database and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Manager => "manager",
            Self::Owner => "owner",
        }
    }

    /// The permission table.
    pub fn may(self, action: PublisherAction) -> bool {
        use PublisherAction as A;
        match action {
            A::View | A::Edit | A::Submit => true,
            A::GoLive | A::ReadLeads | A::ManageMembers => self >= Self::Manager,
            A::EditProfile => self == Self::Owner,
        }
    }
}

impl std::str::FromStr for MemberRole {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "developer" => Ok(Self::Developer),
            "manager" => Ok(Self::Manager),
            "owner" => Ok(Self::Owner),
            other => Err(format!(
                "`{other}` is not a role; use owner, manager or developer"
            )),
        }
    }
}

/// What an access token may be used for. A token never does more than its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenScope {
    /// Read what the account may read.
    Read,
    /// Edit and submit offers, go live.
    Publish,
    /// Push images to `incoming/…`.
    Push,
    /// Reviewer's and operator's work.
    Admin,
}

impl TokenScope {
    /// All scopes, weakest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Publish, Self::Push, Self::Admin];

    /// The word in the database and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Push => "push",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for TokenScope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is not a token scope; use read, publish, push or admin")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn developers_submit_but_do_not_sign_off() {
        use PublisherAction as A;
        for action in [A::View, A::Edit, A::Submit] {
            assert!(MemberRole::Developer.may(action), "{action:?}");
        }
        for action in [A::GoLive, A::ReadLeads, A::ManageMembers, A::EditProfile] {
            assert!(!MemberRole::Developer.may(action), "{action:?}");
        }
        assert!(MemberRole::Manager.may(A::GoLive));
        assert!(!MemberRole::Manager.may(A::EditProfile));
        assert!(MemberRole::Owner.may(A::EditProfile));
    }
}

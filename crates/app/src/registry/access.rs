//! The registry's one access table: what is asked × who asks × what is known, to a decision. Pure; `authorize.rs` gathers
//! the facts. Product rulings 3 to 5 in code:
//!
//! - what is public is served to anyone, unchallenged;
//! - `incoming/{publisher}/…` is open to members of that publisher, and to nobody else;
//! - `{publisher}/{offer}/{plan}` is never pushed to; unpublished content in it is for the publisher's members and for
//!   holders of a pull token of exactly that repository;
//! - what a caller may not see answers like what does not exist. Without credentials that answer is a challenge, so that
//!   clients which authenticate only when asked can still pull a preview.

use domain::role::{MemberRole, PublisherAction, TokenScope};
use oci::RepositoryName;

use super::caller::Caller;
use super::place::{INCOMING, Place};
use super::token::Bearer;

/// What is asked of a repository, as far as access goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One manifest or blob, by tag.
    Tagged,
    /// One manifest or blob, by digest.
    Addressed,
    /// The tags of a repository.
    Tags,
    /// Upload a blob, or look at, continue or drop an upload; put a manifest.
    Push,
    /// Delete a manifest, tag or blob.
    Delete,
}

impl Ask {
    /// The actions a token needs, as a challenge names them.
    fn actions(self) -> &'static str {
        match self {
            Self::Tagged | Self::Addressed | Self::Tags => "pull",
            Self::Push => "pull,push",
            Self::Delete => "delete",
        }
    }
}

/// What stands behind the thing asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Not in this repository.
    Absent,
    /// In it, unpublished.
    Hidden,
    /// In it, for everyone.
    Public,
}

/// What is known when deciding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The manifest, blob or (for lists) the repository itself. Of no matter for pushes.
    pub target: Target,
    /// Whether anything in the repository is public.
    pub repository_public: bool,
    /// The caller's present role in the repository's publisher.
    pub role: Option<MemberRole>,
    /// Whether that publisher may publish at present. Only asked for pushes.
    pub publisher_approved: bool,
    /// Why the operator took the content down, if so.
    pub blocked: Option<String>,
}

/// The answer of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead.
    Allow,
    /// Ask for (other) credentials.
    Challenge {
        /// Scope to ask a token for.
        scopes: String,
        /// RFC 6750 error when credentials came but were too weak.
        error: Option<&'static str>,
    },
    /// Answer like what does not exist.
    Hide,
    /// Refuse with a reason.
    Deny(String),
}

/// Whether this caller sees what is unpublished in a repository.
pub fn sees_hidden(repository: &RepositoryName, caller: &Caller, role: Option<MemberRole>) -> bool {
    let member = role.is_some_and(|role| role.may(PublisherAction::Edit));
    match caller {
        Caller::Anonymous => false,
        Caller::Account(_) => {
            member && (caller.has_scope(TokenScope::Read) || caller.has_scope(TokenScope::Push))
        }
        Caller::Token(claims) => {
            let opened = claims.opens(repository.as_str(), "pull");
            match claims.bearer() {
                Bearer::Anonymous => false,
                Bearer::Account(_) => opened && member,
                Bearer::Preview(_) => opened,
            }
        }
    }
}

/// Decides one request.
pub fn decide(ask: Ask, repository: &RepositoryName, caller: &Caller, facts: &Facts) -> Decision {
    match ask {
        Ask::Tagged | Ask::Addressed | Ask::Tags => decide_read(ask, repository, caller, facts),
        Ask::Push | Ask::Delete => decide_write(ask, repository, caller, facts),
    }
}

/// What everybody reads of a takedown.
pub(super) fn taken_down(reason: &str) -> String {
    format!("this content was taken down by the operator: {reason}")
}

fn decide_read(ask: Ask, repository: &RepositoryName, caller: &Caller, facts: &Facts) -> Decision {
    let insider = sees_hidden(repository, caller, facts.role);
    let visible = facts.target == Target::Public || (insider && facts.target == Target::Hidden);
    if visible {
        return match &facts.blocked {
            Some(reason) => Decision::Deny(taken_down(reason)),
            None => Decision::Allow,
        };
    }
    if *caller != Caller::Anonymous {
        return Decision::Hide;
    }
    // Tags of a public repository name public content only, so there a missing tag gives nothing away.
    if ask == Ask::Tagged && facts.repository_public {
        return Decision::Hide;
    }
    challenge(ask, repository, None)
}

fn decide_write(ask: Ask, repository: &RepositoryName, caller: &Caller, facts: &Facts) -> Decision {
    if *caller == Caller::Anonymous {
        return challenge(ask, repository, None);
    }
    let publisher = match Place::of(repository) {
        Place::Incoming(publisher) => publisher,
        Place::Release(..) => {
            return Decision::Deny(format!(
                "`{repository}` holds released images and is written by go-live alone; push to `{INCOMING}/{{publisher}}/{{name}}` and submit the offer"
            ));
        }
        Place::Nowhere => {
            return Decision::Deny(format!(
                "images are pushed to `{INCOMING}/{{publisher}}/{{name}}` only; `{repository}` is not such a name"
            ));
        }
    };
    let Some(_account) = caller.account_id() else {
        return challenge(ask, repository, Some("insufficient_scope"));
    };
    if !facts
        .role
        .is_some_and(|role| role.may(PublisherAction::Edit))
    {
        return Decision::Deny(format!(
            "`{repository}` belongs to the publisher `{publisher}` and this account is not a member of it; ask its owner to add you"
        ));
    }
    if !caller.has_scope(TokenScope::Push) {
        return Decision::Deny(
            "this access token lacks the scope `push`; create one that has it".to_owned(),
        );
    }
    if !facts.publisher_approved {
        return Decision::Deny(format!(
            "the publisher `{publisher}` is not approved at present, so nothing can be pushed; its page says why"
        ));
    }
    let action = if ask == Ask::Delete { "delete" } else { "push" };
    match caller {
        Caller::Token(claims) if !claims.opens(repository.as_str(), action) => {
            challenge(ask, repository, Some("insufficient_scope"))
        }
        _ => Decision::Allow,
    }
}

fn challenge(ask: Ask, repository: &RepositoryName, error: Option<&'static str>) -> Decision {
    Decision::Challenge {
        scopes: format!("repository:{repository}:{}", ask.actions()),
        error,
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;

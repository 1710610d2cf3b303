//! Who is asking. Built once at the door from a session or a token; use-cases only read it.

use std::collections::BTreeMap;

use crate::ids::PublisherId;
use crate::role::{MemberRole, PublisherAction, TokenScope};

/// The person (or the marketplace itself) on whose behalf something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in.
    Anonymous,
    /// The marketplace's own jobs.
    System,
    /// A signed-in account.
    Account(Account),
}

/// A signed-in account with what it may do right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Row id.
    pub id: String,
    /// Sign-in address.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// May decide on submissions that need a person.
    pub reviewer: bool,
    /// May approve publishers, set policy, take down.
    pub operator: bool,
    /// Memberships.
    pub publishers: BTreeMap<PublisherId, MemberRole>,
    /// `None` for a browser session, which has every scope.
    pub scopes: Option<Vec<TokenScope>>,
}

/// The actor may not do this. What may not be seen answers like what does not exist; the edge decides that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignInFirst,
    /// Signed in, but without the role.
    #[error("this needs the role {0}")]
    Role(&'static str),
    /// The token lacks the scope.
    #[error("this token lacks the scope `{0}`; create one that has it")]
    Scope(&'static str),
}

impl Actor {
    /// The account, or the refusal to go on without one.
    pub fn account(&self) -> Result<&Account, Forbidden> {
        match self {
            Self::Account(account) => Ok(account),
            _ => Err(Forbidden::SignInFirst),
        }
    }

    /// For events: `system`, `anonymous` or the account's id.
    pub fn label(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::Account(account) => &account.id,
        }
    }

    /// May this actor do `action` with the publisher's things?
    pub fn require(
        &self,
        publisher: &PublisherId,
        action: PublisherAction,
    ) -> Result<(), Forbidden> {
        if *self == Self::System {
            return Ok(());
        }
        let account = self.account()?;
        let scope = match action {
            PublisherAction::View | PublisherAction::ReadLeads => TokenScope::Read,
            _ => TokenScope::Publish,
        };
        account.require_scope(scope)?;
        match account.publishers.get(publisher) {
            Some(role) if role.may(action) => Ok(()),
            Some(_) if action == PublisherAction::EditProfile => Err(Forbidden::Role("owner")),
            Some(_) => Err(Forbidden::Role("manager or owner")),
            None => Err(Forbidden::Role("member of this publisher")),
        }
    }

    /// May this actor decide on submissions?
    pub fn require_reviewer(&self) -> Result<&Account, Forbidden> {
        let account = self.account()?;
        account.require_scope(TokenScope::Admin)?;
        if account.reviewer || account.operator {
            Ok(account)
        } else {
            Err(Forbidden::Role("reviewer"))
        }
    }

    /// May this actor run the marketplace?
    pub fn require_operator(&self) -> Result<&Account, Forbidden> {
        let account = self.account()?;
        account.require_scope(TokenScope::Admin)?;
        if account.operator {
            Ok(account)
        } else {
            Err(Forbidden::Role("operator"))
        }
    }
}

impl Account {
    /// Sessions may do everything their account may; tokens only what they were made for.
    pub fn require_scope(&self, scope: TokenScope) -> Result<(), Forbidden> {
        match &self.scopes {
            None => Ok(()),
            Some(scopes) if scopes.contains(&scope) => Ok(()),
            Some(_) => Err(Forbidden::Scope(scope.as_str())),
        }
    }
}

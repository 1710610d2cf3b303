//! Publishers: who offers modules. Their members are in [`crate::members`].

use domain::ids::PublisherId;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use crate::column::Row;
use crate::entity::publisher::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A publisher.
#[derive(Clone, Debug, PartialEq)]
pub struct Publisher {
    /// Never changes, never used twice.
    pub id: PublisherId,
    /// The name shown to customers.
    pub title: String,
    /// About the publisher.
    pub summary: String,
    /// Their web site.
    pub website: String,
    /// Shown to customers.
    pub support_email: String,
    /// For the operator.
    pub contact_email: String,
    /// Whether they may publish.
    pub state: PublisherState,
    /// Why they were refused or suspended.
    pub reason: Option<String>,
    /// Which marketplace terms were accepted.
    pub terms_version: Option<String>,
    /// When.
    pub terms_accepted_at: Option<i64>,
    /// By which account.
    pub terms_accepted_by: Option<String>,
    /// [`domain::ids::skeleton`] of the id; look-alikes share it.
    pub skeleton: String,
    /// The operator checked who they are.
    pub verified: bool,
    /// The account that registered them.
    pub created_by: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Whether a publisher may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublisherState {
    /// Registered; the operator has not decided.
    Pending,
    /// May publish.
    Approved,
    /// The operator said no.
    Refused,
    /// Was approved, may not publish for now.
    Suspended,
}

impl PublisherState {
    /// All states.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Approved,
        Self::Refused,
        Self::Suspended,
    ];

    /// The word in the database, in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Suspended => "suspended",
        }
    }
}

impl std::str::FromStr for PublisherState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a publisher state; use pending, approved, refused or suspended"
                )
            })
    }
}

/// What a publisher may change about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name shown to customers.
    pub title: String,
    /// About the publisher.
    pub summary: String,
    /// Their web site.
    pub website: String,
    /// Shown to customers.
    pub support_email: String,
    /// For the operator.
    pub contact_email: String,
}

fn read(model: Model) -> Result<Publisher, Error> {
    let row = Row {
        table: "publishers",
        key: &model.id,
    };
    Ok(Publisher {
        state: row.read("state", &model.state)?,
        id: row.read("id", &model.id)?,
        title: model.title,
        summary: model.summary,
        website: model.website,
        support_email: model.support_email,
        contact_email: model.contact_email,
        reason: model.reason,
        terms_version: model.terms_version,
        terms_accepted_at: model.terms_accepted_at,
        terms_accepted_by: model.terms_accepted_by,
        skeleton: model.skeleton,
        verified: model.verified,
        created_by: model.created_by,
        created_at: model.created_at,
    })
}

/// Registers a publisher. `Conflict` when the id is taken, by whomever and in whatever state.
pub async fn insert(tx: &Tx, publisher: &Publisher) -> Result<(), Error> {
    let publisher = publisher.clone();
    let model = Model {
        id: publisher.id.into(),
        title: publisher.title,
        summary: publisher.summary,
        website: publisher.website,
        support_email: publisher.support_email,
        contact_email: publisher.contact_email,
        state: publisher.state.as_str().to_owned(),
        reason: publisher.reason,
        terms_version: publisher.terms_version,
        terms_accepted_at: publisher.terms_accepted_at,
        terms_accepted_by: publisher.terms_accepted_by,
        skeleton: publisher.skeleton,
        verified: publisher.verified,
        created_by: publisher.created_by,
        created_at: publisher.created_at,
    };
    write::insert(tx, model.into_active_model(), "the publisher id").await
}

/// The publisher with this id.
pub async fn find(source: &impl Source, id: &PublisherId) -> Result<Option<Publisher>, Error> {
    let found = Entity::find_by_id(id.as_str())
        .one(&source.connection())
        .await?;
    found.map(read).transpose()
}

/// Holds a publisher until the transaction ends: whoever changes its members takes this lock first, so that of two changes
/// the second sees what the first did. On SQLite its one writer is alone anyway.
pub async fn lock(tx: &Tx, id: &PublisherId) -> Result<(), Error> {
    Entity::find_by_id(id.as_str())
        .select_only()
        .column(Column::Id)
        .lock_exclusive()
        .into_tuple::<String>()
        .one(&tx.inner)
        .await?;
    Ok(())
}

/// Every publisher, or those in one state, in order of id.
pub async fn list(
    source: &impl Source,
    state: Option<PublisherState>,
) -> Result<Vec<Publisher>, Error> {
    let mut query = Entity::find().order_by_asc(Column::Id);
    if let Some(state) = state {
        query = query.filter(Column::State.eq(state.as_str()));
    }
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Publishers whose id looks like one with this skeleton, in order of id.
pub async fn by_skeleton(source: &impl Source, skeleton: &str) -> Result<Vec<Publisher>, Error> {
    let query = Entity::find()
        .filter(Column::Skeleton.eq(skeleton))
        .order_by_asc(Column::Id);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// The operator's decision, with the reason told to the publisher. `false`: no such publisher.
pub async fn set_state(
    tx: &Tx,
    id: &PublisherId,
    state: PublisherState,
    reason: Option<&str>,
) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Reason, Expr::value(reason.map(str::to_owned)))
        .filter(Column::Id.eq(id.as_str()));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// The operator checked who they are, or takes that back. `false`: no such publisher.
pub async fn set_verified(tx: &Tx, id: &PublisherId, verified: bool) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::Verified, Expr::value(verified))
        .filter(Column::Id.eq(id.as_str()));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Replaces what the publisher says about itself. `false`: no such publisher.
pub async fn set_profile(tx: &Tx, id: &PublisherId, profile: &Profile) -> Result<bool, Error> {
    let query = Entity::update_many()
        .col_expr(Column::Title, Expr::value(profile.title.as_str()))
        .col_expr(Column::Summary, Expr::value(profile.summary.as_str()))
        .col_expr(Column::Website, Expr::value(profile.website.as_str()))
        .col_expr(
            Column::SupportEmail,
            Expr::value(profile.support_email.as_str()),
        )
        .col_expr(
            Column::ContactEmail,
            Expr::value(profile.contact_email.as_str()),
        )
        .filter(Column::Id.eq(id.as_str()));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

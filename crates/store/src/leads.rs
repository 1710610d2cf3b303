//! Leads: customers who agreed to be passed on to a publisher.

use domain::ids::{OfferKey, PlanName, PublisherId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::column::Row;
use crate::entity::lead::{Column, Entity, Model};
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::write;

/// A lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// UUIDv7.
    pub id: String,
    /// For which offer.
    pub key: OfferKey,
    /// For which plan.
    pub plan: PlanName,
    /// The customer's account, if signed in.
    pub account_id: Option<String>,
    /// The customer.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Where they work.
    pub company: String,
    /// As what.
    pub title: String,
    /// Their telephone.
    pub phone: String,
    /// Where they are.
    pub country: String,
    /// What exactly they agreed to.
    pub consent_text: String,
    /// When.
    pub consent_at: i64,
    /// Where they came from.
    pub source: String,
    /// What they were doing.
    pub action: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

fn read(model: Model) -> Result<Lead, Error> {
    let row = Row {
        table: "leads",
        key: &model.id,
    };
    Ok(Lead {
        key: OfferKey {
            publisher: row.read("publisher", &model.publisher)?,
            offer: row.read("offer", &model.offer)?,
        },
        plan: row.read("plan", &model.plan)?,
        id: model.id,
        account_id: model.account_id,
        name: model.name,
        email: model.email,
        company: model.company,
        title: model.title,
        phone: model.phone,
        country: model.country,
        consent_text: model.consent_text,
        consent_at: model.consent_at,
        source: model.source,
        action: model.action,
        created_at: model.created_at,
    })
}

/// Adds a lead.
pub async fn insert(tx: &Tx, lead: &Lead) -> Result<(), Error> {
    let lead = lead.clone();
    let model = Model {
        id: lead.id,
        publisher: lead.key.publisher.into(),
        offer: lead.key.offer.into(),
        plan: lead.plan.into(),
        account_id: lead.account_id,
        name: lead.name,
        email: lead.email,
        company: lead.company,
        title: lead.title,
        phone: lead.phone,
        country: lead.country,
        consent_text: lead.consent_text,
        consent_at: lead.consent_at,
        source: lead.source,
        action: lead.action,
        created_at: lead.created_at,
    };
    write::insert(tx, model.into_active_model(), "the lead id").await
}

/// The leads of an offer, newest first.
pub async fn of_offer(source: &impl Source, key: &OfferKey) -> Result<Vec<Lead>, Error> {
    let of = Condition::all()
        .add(Column::Publisher.eq(key.publisher.as_str()))
        .add(Column::Offer.eq(key.offer.as_str()));
    newest(source, of).await
}

/// The leads of all offers of a publisher, newest first.
pub async fn of_publisher(
    source: &impl Source,
    publisher: &PublisherId,
) -> Result<Vec<Lead>, Error> {
    let of = Condition::all().add(Column::Publisher.eq(publisher.as_str()));
    newest(source, of).await
}

async fn newest(source: &impl Source, of: Condition) -> Result<Vec<Lead>, Error> {
    let query = Entity::find()
        .filter(of)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id);
    let found = query.all(&source.connection()).await?;
    found.into_iter().map(read).collect()
}

/// Takes the person out of an account's leads; that somebody asked for the offer, and when, stays. Tells of how many.
pub async fn scrub_of_account(tx: &Tx, account_id: &str, name: &str) -> Result<u64, Error> {
    let personal = [
        Column::Email,
        Column::Company,
        Column::Title,
        Column::Phone,
        Column::Country,
    ];
    let mut query = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::AccountId, Expr::value(None::<String>))
        .filter(Column::AccountId.eq(account_id));
    for column in personal {
        query = query.col_expr(column, Expr::value(""));
    }
    Ok(query.exec(&tx.inner).await?.rows_affected)
}

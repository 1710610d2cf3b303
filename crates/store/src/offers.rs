//! Offers: the draft that their publisher edits, and what of it is live.

use domain::ids::{OfferKey, PublisherId};
use domain::lifecycle::{OfferState, StopReason};
use domain::offer::Offer;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
    UpdateMany,
};

use crate::column::Row;
use crate::entity::offer::{Column, Entity, Model};
use crate::entity::submission;
use crate::error::Error;
use crate::source::{Source, Tx};
use crate::submissions::{self, Submission};
use crate::write;

/// Offers read at a time when all live ones are listed.
const LIVE_PAGE_ROWS: u64 = 200;

/// An offer.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferRow {
    /// Which.
    pub key: OfferKey,
    /// As its publisher edits it.
    pub draft: Offer,
    /// Grows by one with every saved draft, from 1.
    pub revision: i64,
    /// Whether customers find it.
    pub state: OfferState,
    /// The submission that customers see.
    pub live_submission: Option<String>,
    /// Why and since when it is no longer sold.
    pub stop: Option<StopInfo>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When the draft was last saved or the state last changed.
    pub updated_at: i64,
}

/// What a publisher says when it stops selling.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StopInfo {
    /// Why.
    pub reason: StopReason,
    /// What to use instead (`publisher.offer` or an address).
    pub alternative: Option<String>,
    /// Microseconds since 1970, UTC.
    pub at: i64,
}

/// The row key of an offer in error messages.
fn name(model: &Model) -> String {
    format!("{}.{}", model.publisher, model.offer)
}

fn read(model: Model) -> Result<OfferRow, Error> {
    let row = Row {
        table: "offers",
        key: &name(&model),
    };
    Ok(OfferRow {
        key: OfferKey {
            publisher: row.read("publisher", &model.publisher)?,
            offer: row.read("offer", &model.offer)?,
        },
        draft: row.read_json("draft", &model.draft)?,
        revision: model.revision,
        state: row.read("state", &model.state)?,
        live_submission: model.live_submission,
        stop: row.optional(model.stop.as_deref(), |row, text| {
            row.read_json("stop", text)
        })?,
        created_at: model.created_at,
        updated_at: model.updated_at,
    })
}

fn keyed(key: &OfferKey) -> Select<Entity> {
    Entity::find_by_id((key.publisher.to_string(), key.offer.to_string()))
}

fn change(key: &OfferKey, now: i64) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Publisher.eq(key.publisher.as_str()))
        .filter(Column::Offer.eq(key.offer.as_str()))
}

/// Makes an offer. `Conflict` when the publisher has one of this name.
pub async fn insert(tx: &Tx, offer: &OfferRow) -> Result<(), Error> {
    let key = offer.key.to_string();
    let row = Row {
        table: "offers",
        key: &key,
    };
    let stop = offer
        .stop
        .as_ref()
        .map(|stop| row.json("stop", stop))
        .transpose()?;
    let model = Model {
        publisher: offer.key.publisher.to_string(),
        offer: offer.key.offer.to_string(),
        draft: row.json("draft", &offer.draft)?,
        revision: offer.revision,
        state: offer.state.as_str().to_owned(),
        live_submission: offer.live_submission.clone(),
        stop,
        created_at: offer.created_at,
        updated_at: offer.updated_at,
    };
    write::insert(tx, model.into_active_model(), "the offer id").await
}

/// The offer of this name.
pub async fn find(source: &impl Source, key: &OfferKey) -> Result<Option<OfferRow>, Error> {
    keyed(key)
        .one(&source.connection())
        .await?
        .map(read)
        .transpose()
}

/// Every offer of a publisher, in order of name.
pub async fn of_publisher(
    source: &impl Source,
    publisher: &PublisherId,
) -> Result<Vec<OfferRow>, Error> {
    let query = Entity::find()
        .filter(Column::Publisher.eq(publisher.as_str()))
        .order_by_asc(Column::Offer);
    query
        .all(&source.connection())
        .await?
        .into_iter()
        .map(read)
        .collect()
}

/// Saves a draft over the revision it was made from. `false`: someone else saved in between, or no such offer.
pub async fn save_draft(
    tx: &Tx,
    key: &OfferKey,
    draft: &Offer,
    expected_revision: i64,
    now: i64,
) -> Result<bool, Error> {
    let name = key.to_string();
    let text = Row {
        table: "offers",
        key: &name,
    }
    .json("draft", draft)?;
    let query = change(key, now)
        .col_expr(Column::Draft, Expr::value(text))
        .col_expr(Column::Revision, Expr::value(expected_revision + 1))
        .filter(Column::Revision.eq(expected_revision));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Changes whether customers find the offer; `stop` replaces what was said before. `false`: no such offer.
pub async fn set_state(
    tx: &Tx,
    key: &OfferKey,
    state: OfferState,
    stop: Option<&StopInfo>,
    now: i64,
) -> Result<bool, Error> {
    let name = key.to_string();
    let row = Row {
        table: "offers",
        key: &name,
    };
    let stop = stop.map(|stop| row.json("stop", stop)).transpose()?;
    let query = change(key, now)
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Stop, Expr::value(stop));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Shows a submission to customers: the offer is live with it, and no longer stopped. `false`: no such offer.
pub async fn set_live(tx: &Tx, key: &OfferKey, submission: &str, now: i64) -> Result<bool, Error> {
    let query = change(key, now)
        .col_expr(Column::State, Expr::value(OfferState::Live.as_str()))
        .col_expr(Column::LiveSubmission, Expr::value(submission))
        .col_expr(Column::Stop, Expr::value(None::<String>));
    Ok(query.exec(&tx.inner).await?.rows_affected == 1)
}

/// Every offer that is or was live, stopped ones included, with the submission that customers see, in order of key.
pub async fn listing_all_live(source: &impl Source) -> Result<Vec<(OfferRow, Submission)>, Error> {
    let connection = source.connection();
    let mut found = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let mut query = Entity::find()
            .filter(Column::LiveSubmission.is_not_null())
            .order_by_asc(Column::Publisher)
            .order_by_asc(Column::Offer)
            .limit(LIVE_PAGE_ROWS);
        if let Some((publisher, offer)) = after.take() {
            let later_offer = Column::Publisher
                .eq(&publisher)
                .and(Column::Offer.gt(offer));
            query = query.filter(Column::Publisher.gt(publisher).or(later_offer));
        }
        let page = query.all(&connection).await?;
        let ids = page
            .iter()
            .filter_map(|model| model.live_submission.as_deref());
        let shown = submission::Entity::find()
            .filter(submission::Column::Id.is_in(ids))
            .order_by_asc(submission::Column::Id)
            .all(&connection)
            .await?;
        let full = page.len() as u64 == LIVE_PAGE_ROWS;
        after = page
            .last()
            .map(|model| (model.publisher.clone(), model.offer.clone()));
        for model in page {
            let id = model.live_submission.clone().unwrap_or_default();
            let Ok(at) = shown.binary_search_by(|row| row.id.cmp(&id)) else {
                let row = Row {
                    table: "offers",
                    key: &name(&model),
                };
                return Err(row.wrong(
                    "live_submission",
                    &format!("is live with the submission `{id}`, which does not exist"),
                ));
            };
            found.push((read(model)?, submissions::read(shown[at].clone())?));
        }
        if !full {
            return Ok(found);
        }
    }
}

//! A publisher's offers: the draft as JSON under optimistic locking by revision, and its logos.

use app::offers;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::ids::OfferKey;
use domain::logo::LOGO_BYTES_MAX;
use domain::offer::{LogoSlot, Offer};
use domain::role::PublisherAction;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use store::offers::OfferRow;
use utoipa::ToSchema;

use super::answer::{IfMatch, Page, if_match, json as answer, with_revision};
use super::body::{Caller, JsonBody, bounded};
use super::schema::ProblemBody;
use crate::params::{Params, Places};
use crate::problem::Problem;
use crate::state::Web;

/// An offer of a publisher.
#[derive(Serialize, ToSchema)]
pub(super) struct OfferItem {
    /// `publisher.offer`
    id: String,
    offer: String,
    title: String,
    /// `draft`, `live` or `stopped`
    state: &'static str,
    revision: i64,
    updated_at: String,
    /// The newest submission, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<SubmissionItem>,
}

/// Where a submission stands.
#[derive(Serialize, ToSchema)]
pub(super) struct SubmissionItem {
    id: String,
    number: i64,
    state: &'static str,
}

/// Offers of a publisher.
#[derive(Serialize, ToSchema)]
pub(super) struct OfferList {
    items: Vec<OfferItem>,
    total: usize,
    next: Option<String>,
}

/// The offers of a publisher, by name.
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}/offers", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("limit" = Option<usize>, Query, description = "1 to 100, by default 20"),
        ("cursor" = Option<String>, Query, description = "next of the part before"),
    ),
    responses(
        (status = 200, description = "A part of the offers", body = OfferList),
        (status = 404, description = "No such publisher, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let publisher = places.publisher()?;
    allowed(&visitor, &publisher, PublisherAction::View)?;
    let page = Page::read(&params)?;
    let rows = store::offers::of_publisher(&web.app.reader, &publisher).await?;
    let total = rows.len();
    let mut items = Vec::new();
    for row in page.of(rows) {
        let latest = store::submissions::latest_of_offer(&web.app.reader, &row.key).await?;
        items.push(OfferItem {
            id: row.key.to_string(),
            offer: row.key.offer.to_string(),
            title: row.draft.listing.title,
            state: row.state.as_str(),
            revision: row.revision,
            updated_at: app::clock::rfc3339(row.updated_at),
            submission: latest.map(|submission| SubmissionItem {
                state: submission.state.as_str(),
                number: submission.number,
                id: submission.id,
            }),
        });
    }
    answer(
        StatusCode::OK,
        &OfferList {
            items,
            total,
            next: page.next(total),
        },
    )
}

/// Asks the permission table; who is no member learns nothing.
pub(super) fn allowed(
    visitor: &crate::visitor::Visitor,
    publisher: &domain::ids::PublisherId,
    action: PublisherAction,
) -> Result<(), Problem> {
    let may = visitor.actor.require(publisher, action);
    may.map_err(|refused| app::error::Refused::from(refused).into())
}

async fn row(web: &Web, key: &OfferKey) -> Result<Option<OfferRow>, Problem> {
    Ok(store::offers::find(&web.app.reader, key).await?)
}

/// The draft of an offer. `ETag` is its revision, for `If-Match`.
#[utoipa::path(get, path = "/api/v1/publishers/{publisher}/offers/{offer}", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
    ),
    responses(
        (status = 200, description = "The draft: the shape of offer.yaml", body = Object),
        (status = 404, description = "No such offer, or not yours", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    allowed(&visitor, &key.publisher, PublisherAction::View)?;
    let row = row(&web, &key)
        .await?
        .ok_or_else(|| Problem::not_found("offer of that name"))?;
    Ok(with_revision(
        answer(StatusCode::OK, &row.draft)?,
        row.revision,
    ))
}

/// A saved draft.
#[derive(Serialize, ToSchema)]
pub(super) struct Saved {
    /// `publisher.offer`
    id: String,
    revision: i64,
}

/// Saves a draft, complete or not, over the revision in `If-Match`; makes the offer when there is none. Judging comes with
/// the submission.
#[utoipa::path(put, path = "/api/v1/publishers/{publisher}/offers/{offer}", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the draft as it was read, or *; not needed for a new offer"),
    ),
    request_body(content = Object, description = "The shape of offer.yaml, at most 512 KiB"),
    responses(
        (status = 200, description = "Saved", body = Saved),
        (status = 201, description = "Made and saved", body = Saved),
        (status = 400, description = "The body has another shape, or `If-Match` is missing", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "Someone else saved meanwhile", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn put(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    headers: HeaderMap,
    JsonBody(value): JsonBody<Value>,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    allowed(&visitor, &key.publisher, PublisherAction::Edit)?;
    let draft: Offer = serde_json::from_value(value).map_err(|error| {
        Problem::bad_request(format!(
            "The draft has another shape than offer.yaml: {error}."
        ))
    })?;
    if draft.key() != key {
        return Err(Problem::bad_request(format!(
            "The draft says it is {}, the address says {key}. Ids never change; make them agree.",
            draft.key()
        )));
    }
    let present = row(&web, &key).await?;
    let revision = match (&present, if_match(&headers)?) {
        (None, IfMatch::Absent) => None,
        (None, _) => return Err(changed("there is no such offer any more")),
        (Some(_), IfMatch::Absent) => {
            return Err(Problem::bad_request(
                "This offer exists: send `If-Match` with the ETag of the draft as you read it, so that nobody's work is overwritten.",
            ));
        }
        (Some(row), IfMatch::Any) => Some(row.revision),
        (Some(row), IfMatch::Revision(known)) if known == row.revision => Some(known),
        (Some(row), IfMatch::Revision(known)) => {
            return Err(changed(&format!(
                "it is at revision {}, you read revision {known}",
                row.revision
            )));
        }
    };
    let status = if revision.is_none() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let revision = match revision {
        Some(revision) => revision,
        None => {
            offers::create_offer(&web.app, &visitor.actor, &key).await?;
            1
        }
    };
    let saved = offers::save_draft(&web.app, &visitor.actor, &key, &draft, revision).await;
    let revision = saved.map_err(|refused| match refused {
        app::error::Refused::Conflict(why) => changed(&why),
        other => other.into(),
    })?;
    let body = Saved {
        id: key.to_string(),
        revision,
    };
    let mut response = with_revision(answer(status, &body)?, revision);
    let location = format!("/api/v1/publishers/{}/offers/{}", key.publisher, key.offer);
    if let (StatusCode::CREATED, Ok(location)) = (status, HeaderValue::from_str(&location)) {
        response
            .headers_mut()
            .insert(http::header::LOCATION, location);
    }
    Ok(response)
}

fn changed(why: &str) -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "Someone else saved meanwhile",
        format!("Nothing was changed: {why}. Read the draft again and repeat your change."),
    )
}

/// Keeps one of the four logos: a PNG of exactly 40×40 (small), 90×90 (medium), 115×115 (large) or 255×115 (wide).
#[utoipa::path(put, path = "/api/v1/publishers/{publisher}/offers/{offer}/logos/{slot}", tag = "publishing", security(("token" = [])),
    params(
        ("publisher" = String, Path, description = "Publisher id"),
        ("offer" = String, Path, description = "Offer id"),
        ("slot" = String, Path, description = "small, medium, large or wide"),
    ),
    request_body(content = Vec<u8>, description = "The picture, at most 512 KiB", content_type = "image/png"),
    responses(
        (status = 200, description = "Kept: `digest`, and the draft's new `revision`", body = Object),
        (status = 422, description = "Not a PNG of that size", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn put_logo(
    State(web): State<Web>,
    Caller(visitor): Caller,
    places: Places,
    request: Request,
) -> Result<Response, Problem> {
    let key = places.offer()?;
    allowed(&visitor, &key.publisher, PublisherAction::Edit)?;
    let slot = LogoSlot::ALL
        .into_iter()
        .find(|slot| slot.name() == places.text("slot"));
    let slot = slot
        .ok_or_else(|| Problem::not_found("logo slot of that name (small, medium, large, wide)"))?;
    // Read twice the limit, so that a picture a little too large gets the answer that says how large it is.
    let bytes = bounded(request, 2 * LOGO_BYTES_MAX).await?;
    let digest = offers::put_logo(&web.app, &visitor.actor, &key, slot, bytes.to_vec()).await?;
    let revision = row(&web, &key)
        .await?
        .map(|row| row.revision)
        .unwrap_or_default();
    let body = json!({"digest": digest, "revision": revision});
    Ok(with_revision(answer(StatusCode::OK, &body)?, revision).into_response())
}

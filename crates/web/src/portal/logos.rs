//! The four logos: each shown at its own size, each uploaded by itself or all at once.

use app::error::Refused;
use app::offers::put_logo;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::offer::LogoSlot;
use domain::role::PublisherAction;
use domain::violation::Violation;
use http::StatusCode;

use super::draft::{Draft, Head};
use super::offer_path;
use crate::fields::{Field, blame};
use crate::layout::Layout;
use crate::messages::{t, t2, word};
use crate::page::{page_with, see_other};
use crate::params::{Params, Places};
use crate::pieces::FieldError;
use crate::problem::Problem;
use crate::state::Web;
use crate::upload::Upload;
use crate::view::View as _;
use crate::visitor::Visitor;

struct Slot {
    label: String,
    src: String,
    width: u32,
    height: u32,
}

#[derive(Template)]
#[template(path = "portal/logos.html")]
struct LogosPage {
    layout: Layout,
    head: Head,
    slots: Vec<Slot>,
    fields: Vec<Field>,
    errors: Vec<FieldError>,
    saved: bool,
}

/// Where a picture is served; empty for none.
pub(crate) fn media_src(digest: &str) -> String {
    digest
        .strip_prefix("sha256:")
        .map_or_else(String::new, |hex| format!("/media/sha256/{hex}"))
}

fn render(
    visitor: &Visitor,
    draft: &Draft,
    (wrong, saved): (&[Violation], bool),
    status: StatusCode,
) -> Result<Response, Problem> {
    let logos = &draft.row.draft.listing.logos;
    let slots = LogoSlot::ALL.map(|slot| {
        let (width, height) = slot.pixels();
        Slot {
            label: word("logo_slot", slot.name()).into_owned(),
            src: media_src(logos.get(slot)),
            width,
            height,
        }
    });
    let mut fields: Vec<Field> = LogoSlot::ALL
        .iter()
        .map(|slot| {
            let (width, height) = slot.pixels();
            let label = word("logo_slot", slot.name());
            Field::file(&format!("listing.logos.{}", slot.name()), &label).help(&t2(
                "offer.logo_help",
                width,
                height,
            ))
        })
        .collect();
    fields.insert(
        0,
        Field::file("large_square", t("offer.logo_square")).help(t("offer.logo_square_help")),
    );
    let mut errors = blame(&mut fields, wrong, "");
    if status == StatusCode::OK && !saved {
        errors.clear();
    }
    let shown = LogosPage {
        layout: visitor.layout("publish"),
        head: draft.head("logos", &[]),
        slots: slots.into_iter().collect(),
        fields,
        errors,
        saved,
    };
    page_with(status, &shown)
}

pub(super) async fn show(
    State(web): State<Web>,
    visitor: Visitor,
    places: Places,
    params: Params,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &visitor, &places, PublisherAction::View).await?;
    let wrong = if draft.started("logos") {
        draft.of_section("logos")
    } else {
        Vec::new()
    };
    render(
        &visitor,
        &draft,
        (&wrong, params.has("saved")),
        StatusCode::OK,
    )
}

/// The pictures to keep: those derived from the large square first, then those given by themselves, which win.
fn pictures(upload: &Upload) -> Result<Vec<(LogoSlot, Vec<u8>)>, Violation> {
    let mut pictures = Vec::new();
    if let Some(bytes) = upload.file("large_square") {
        let derived = domain::logo::derive(bytes).map_err(|error| {
            Violation::error(
                "large_square",
                t("offer.logo_square_limit"),
                error.to_string(),
                t("offer.logo_fix"),
            )
        })?;
        pictures.extend(derived);
    }
    for slot in LogoSlot::ALL {
        if let Some(bytes) = upload.file(&format!("listing.logos.{}", slot.name())) {
            pictures.retain(|(known, _)| *known != slot);
            pictures.push((slot, bytes.to_vec()));
        }
    }
    if pictures.is_empty() {
        let (limit, found) = (t("offer.logo_some_limit"), t("offer.logo_some_found"));
        return Err(Violation::error(
            "large_square",
            limit,
            found,
            t("offer.logo_fix"),
        ));
    }
    Ok(pictures)
}

pub(super) async fn upload(
    State(web): State<Web>,
    places: Places,
    upload: Upload,
) -> Result<Response, Problem> {
    let draft = Draft::load(&web, &upload.visitor, &places, PublisherAction::Edit).await?;
    // Decoding a picture is work for the processor, bounded in size but not free.
    let (upload, pictures) = tokio::task::spawn_blocking(move || {
        let pictures = pictures(&upload);
        (upload, pictures)
    })
    .await
    .map_err(|_| Problem::failed())?;
    let mut wrong = Vec::new();
    match pictures {
        Ok(pictures) => {
            for (slot, bytes) in pictures {
                match put_logo(&web.app, &upload.visitor.actor, &draft.key, slot, bytes).await {
                    Ok(_) => {}
                    Err(Refused::Invalid(more)) => wrong.extend(more),
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Err(violation) => wrong.push(violation),
    }
    if wrong.is_empty() {
        return Ok(see_other(&format!(
            "{}/logos?saved=1",
            offer_path(&draft.key)
        )));
    }
    // Those that were fine are kept; the page shows them beside what is wrong with the others.
    let draft = Draft::load(&web, &upload.visitor, &places, PublisherAction::Edit).await?;
    render(
        &upload.visitor,
        &draft,
        (&wrong, false),
        StatusCode::UNPROCESSABLE_ENTITY,
    )
}

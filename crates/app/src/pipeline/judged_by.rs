//! What certification would compare a submission of an offer with, for the publisher's own lint: the rules in force, what
//! the offer published, and who else takes images from the same repositories.

use std::collections::BTreeMap;

use certify::Policy;
use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName};
use domain::matrix::Matrix;
use domain::release::Release;
use domain::role::PublisherAction;
use serde::{Deserialize, Serialize};

use super::gather::{first_sources, other_sources};
use crate::App;
use crate::error::Refused;
use crate::offers::{matrix, policy};

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgedBy {
    /// The rules in force.
    pub policy: Policy,
    /// The platforms that count.
    pub matrix: Matrix,
    /// Are the links of a listing asked?
    pub check_links: bool,
    /// Every release of the offer.
    pub releases: Vec<Release>,
    /// Where each live plan's image came from at first.
    pub first_sources: BTreeMap<PlanName, String>,
    /// Of the repositories asked about, those that other live offers take their images from.
    pub other_sources: BTreeMap<String, OfferKey>,
}

/// For members of the publisher. The offer need not be there yet.
pub async fn judged_by(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    repositories: &[String],
) -> Result<JudgedBy, Refused> {
    actor.require(&key.publisher, PublisherAction::View)?;
    let mut others = other_sources(app, key).await?;
    others.retain(|source, _| repositories.contains(source));
    Ok(JudgedBy {
        policy: policy(app).await?,
        matrix: matrix(app).await?,
        check_links: app.settings.check_links,
        releases: store::releases::of_offer(&app.reader, key).await?,
        first_sources: first_sources(app, key).await?,
        other_sources: others,
    })
}

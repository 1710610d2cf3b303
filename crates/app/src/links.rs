//! Do the addresses in a listing answer? Asked only where the operator allows it, through the same guard as an import:
//! a listing must not make the server talk to its own network.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use certify::LinkEvidence;
use domain::offer::Offer;
use futures_util::stream::{self, StreamExt as _};

use crate::egress::Egress;

/// How long one address may take.
const LINK_SECONDS_MAX: u64 = 10;
/// Addresses asked at the same moment.
const LINKS_PARALLEL_MAX: usize = 4;

/// Asks every address of an offer once.
pub async fn check(egress: &Egress, offer: &Offer) -> Vec<LinkEvidence> {
    let fields = addresses(offer);
    let each: BTreeSet<String> = fields.iter().map(|(_, url)| url.clone()).collect();
    let asked: BTreeMap<String, Result<u16, String>> = stream::iter(each)
        .map(|url| async move {
            let status = ask(egress, &url).await;
            (url, status)
        })
        .buffer_unordered(LINKS_PARALLEL_MAX)
        .collect()
        .await;
    let evidence = fields.into_iter().filter_map(|(field, url)| {
        let status = asked.get(&url)?.clone();
        Some(LinkEvidence {
            url,
            field,
            status,
            text: None,
        })
    });
    evidence.collect()
}

/// What one address answers, or why it does not.
async fn ask(egress: &Egress, url: &str) -> Result<u16, String> {
    let limit = Duration::from_secs(LINK_SECONDS_MAX);
    match tokio::time::timeout(limit, egress.head_status(url)).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {LINK_SECONDS_MAX} seconds")),
    }
}

fn addresses(offer: &Offer) -> Vec<(String, String)> {
    let listing = &offer.listing;
    let mut all = vec![
        (
            "listing.privacy_policy_url".to_owned(),
            listing.privacy_policy_url.clone(),
        ),
        (
            "listing.documentation_url".to_owned(),
            listing.documentation_url.clone(),
        ),
        (
            "listing.support_contact.url".to_owned(),
            listing.support_contact.url.clone(),
        ),
        (
            "properties.terms.url".to_owned(),
            offer.properties.terms.url.clone(),
        ),
    ];
    for (at, link) in listing.useful_links.iter().enumerate() {
        all.push((format!("listing.useful_links[{at}].url"), link.url.clone()));
    }
    all.retain(|(_, url)| !url.is_empty());
    all
}

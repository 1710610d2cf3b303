//! Asks the marketplace what it would compare a submission of the offer with: its policy, what the offer published before,
//! and who else takes images from the same repositories. Only members of the publisher are told.

use app::pipeline::JudgedBy;
use domain::offer::Offer;

use crate::verbs::context::Global;
use crate::verbs::failure::Exit;

/// What counts there; the error says why nobody could tell.
pub(super) async fn judged_by(offer: &Offer, global: &Global) -> Result<JudgedBy, String> {
    let none = |why: String| format!("{} was not asked: {why}", global.url);
    let Some(_) = global
        .token()
        .map_err(|failure| none(failure.to_string()))?
    else {
        return Err(none("nobody is signed in there".to_owned()));
    };
    let client = global
        .client()
        .map_err(|failure| none(failure.to_string()))?;
    let own = global.registry_host();
    let repositories = offer.plans.iter().map(|plan| {
        let host = match plan.image.registry.as_str() {
            "" => &own,
            host => host,
        };
        let name = format!("{host}/{}", plan.image.repository);
        ("repository".to_owned(), name)
    });
    let repositories: Vec<(String, String)> = repositories.collect();
    let (publisher, name) = (offer.publisher.as_str(), offer.offer.as_str());
    let way = ["publishers", publisher, "offers", name, "judged-by"];
    let answer = client.get(&way, &repositories).await.map_err(|failure| {
        none(match failure.exit {
            Exit::NotFound => format!("you are no member of {publisher} there"),
            _ => failure.to_string(),
        })
    })?;
    serde_json::from_value(answer.body).map_err(|problem| {
        none(format!(
            "it answers in another way than this edgemart: {problem}"
        ))
    })
}

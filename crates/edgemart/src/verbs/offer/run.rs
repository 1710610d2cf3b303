//! `edgemart offer lint --run`: starts the module of every plan as the marketplace does, for each platform that this
//! machine runs, with the same steps and the same rules.

use certify::{Behaviour, Trial};
use domain::offer::{Offer, Plan};
use edge::runner::{self, Engine};
use oci::Platform;
use tokio_util::sync::CancellationToken;

use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::trial::subject::image_of;
use crate::verbs::trial::{check, engine, signals};

/// How the modules are started.
#[derive(Debug, clap::Args)]
pub(super) struct RunOptions {
    /// Start the module of each plan in a container, as the marketplace does, and judge what it does.
    #[arg(long)]
    run: bool,
    /// With --run: the image of a plan, instead of the one in its registry: a name the engine knows, or an archive.
    #[arg(long = "image", value_name = "[PLAN=]IMAGE", requires = "run")]
    images: Vec<String>,
    /// With --run: address of the container engine; Docker's or Podman's socket is found by itself.
    #[arg(
        long,
        env = "EDGEMART_ENGINE",
        value_name = "unix:///PATH",
        hide_env_values = true
    )]
    engine: Option<String>,
}

impl RunOptions {
    /// What is seen of the modules; `None` when nobody asked for it.
    pub(super) async fn behaviour(
        &self,
        offer: &Offer,
        own_registry: &str,
    ) -> Result<Option<Behaviour>, Failure> {
        if !self.run {
            return Ok(None);
        }
        let given = images(offer, &self.images)?;
        let stop = signals::stop()?;
        let engine = engine::open(self.engine.as_deref()).await?;
        let mut trials = Vec::new();
        for (plan, given) in offer.plans.iter().zip(given) {
            let images = match given {
                Some(image) => vec![only(&engine, &image, &stop).await?],
                None => from_registry(&engine, plan, own_registry, &stop).await?,
            };
            for (platform, image) in images {
                trials.push(trial(&engine, offer, plan, &platform, image, &stop).await?);
            }
        }
        Ok(Some(Behaviour::Tried(trials)))
    }
}

/// The image that is given for each plan.
fn images(offer: &Offer, given: &[String]) -> Result<Vec<Option<String>>, Failure> {
    let mut images = vec![None; offer.plans.len()];
    for text in given {
        let named = text.split_once('=');
        let at = match named {
            Some((name, _)) => offer
                .plans
                .iter()
                .position(|plan| plan.plan.as_str() == name),
            None => (offer.plans.len() == 1).then_some(0),
        };
        let at = at.ok_or_else(|| {
            let names: Vec<&str> = offer.plans.iter().map(|plan| plan.plan.as_str()).collect();
            Failure::new(Exit::Usage, format!("no plan is meant by --image {text}"))
                .why(format!("the offer has {}", names.join(", ")))
                .fix("write --image PLAN=IMAGE")
        })?;
        images[at] = Some(named.map_or(text.as_str(), |(_, image)| image).to_owned());
    }
    Ok(images)
}

/// An image by its platform, or why there is none.
type Found = (String, Result<String, String>);

/// The one image that is named, of whatever platform it is.
async fn only(engine: &Engine, image: &str, stop: &CancellationToken) -> Result<Found, Failure> {
    let name = tokio::select! {
        name = engine::fetch(engine, image) => name?,
        () = stop.cancelled() => return Err(stopped()),
    };
    let found = engine.image(&name).await.map_err(engine::refused)?;
    let platform = found.map_or_else(String::new, |found| found.platform);
    Ok((platform, Ok(name)))
}

/// The newest version of the plan in its registry, for each platform that it names and this machine runs.
async fn from_registry(
    engine: &Engine,
    plan: &Plan,
    own_registry: &str,
    stop: &CancellationToken,
) -> Result<Vec<Found>, Failure> {
    let name = image_of(&plan.image, own_registry)?;
    let mut found = Vec::new();
    for platform in &plan.platforms {
        let architecture = match platform.parse::<Platform>() {
            Ok(platform) => platform.architecture,
            Err(problem) => {
                found.push((platform.clone(), Err(problem.to_string())));
                continue;
            }
        };
        if !engine.runs(&architecture) {
            let why = format!("this machine runs no {architecture}, and has no emulator for it");
            found.push((platform.clone(), Err(why)));
            continue;
        }
        let image = tokio::select! {
            image = pulled(engine, &name, platform) => image,
            () = stop.cancelled() => return Err(stopped()),
        };
        found.push((platform.clone(), image));
    }
    Ok(found)
}

/// As the engine has it already, or pulled.
async fn pulled(engine: &Engine, name: &str, platform: &str) -> Result<String, String> {
    let has = |found: Option<runner::Image>| found.is_some_and(|image| image.platform == platform);
    if has(engine.image(name).await.map_err(|e| e.to_string())?) {
        return Ok(name.to_owned());
    }
    tell(&format!("Pulling {name} for {platform}."));
    let pulled = engine.pull_image(name, Some(platform)).await;
    pulled.map_err(|e| e.to_string())?;
    match has(engine.image(name).await.map_err(|e| e.to_string())?) {
        true => Ok(name.to_owned()),
        false => Err(format!("{name} has no image for {platform}")),
    }
}

async fn trial(
    engine: &Engine,
    offer: &Offer,
    plan: &Plan,
    platform: &str,
    image: Result<String, String>,
    stop: &CancellationToken,
) -> Result<Trial, Failure> {
    let place = format!("plan {}, {platform}", plan.plan);
    let wanted = runner::wanted(offer, plan).map_err(|why| why.to_string());
    let (wanted, image) = match (wanted, image) {
        (Ok(wanted), Ok(image)) => (wanted, image),
        (Err(why), _) | (_, Err(why)) => {
            tell(&format!("{place}: not run: {why}"));
            return Ok(Trial::not_run(place, why));
        }
    };
    tell(&format!("{place}: running, about a minute."));
    let expected = wanted.expected.clone();
    let run = runner::Plan { image, ..wanted };
    let observed = check::perform(engine.clone(), run, None, stop).await?;
    Ok(Trial {
        place,
        expected,
        observed: Ok(Box::new(observed.ok_or_else(stopped)?)),
    })
}

fn stopped() -> Failure {
    Failure::new(Exit::Failure, "stopped; no verdict")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn offer(plans: &[&str]) -> Offer {
        let mut offer = Offer::empty(&"contoso.sensor".parse().unwrap());
        offer.plans = plans
            .iter()
            .map(|plan| serde_json::from_value(json!({"plan": plan})).unwrap())
            .collect();
        offer
    }

    #[test]
    fn images_are_given_by_plan() {
        let given = |plans: &[&str], images_given: &[&str]| {
            let texts: Vec<String> = images_given.iter().map(|text| (*text).to_owned()).collect();
            images(&offer(plans), &texts).map_err(|failure| failure.exit)
        };
        assert_eq!(given(&["a"], &["x:1"]), Ok(vec![Some("x:1".to_owned())]));
        assert_eq!(
            given(&["a", "b"], &["b=x.tar"]),
            Ok(vec![None, Some("x.tar".to_owned())])
        );
        assert_eq!(given(&["a", "b"], &[]), Ok(vec![None, None]));
        assert_eq!(given(&["a", "b"], &["x:1"]), Err(Exit::Usage));
        assert_eq!(given(&["a"], &["c=x:1"]), Err(Exit::Usage));
    }
}

//! `edgemart offer lint --run`: reads the image of every plan as the marketplace does, starts its module on each platform that
//! this machine runs, and asks the marketplace what else counts there; so that all rules are judged as they will be.

use app::pipeline::{JudgedBy, may_be_loaded};
use app::settings::Runs;
use certify::{Behaviour, ImageEvidence, LinkEvidence, PlanEvidence, Trial};
use domain::offer::{Offer, Plan};
use edge::runner::{self, Engine, OwnImage};
use tokio_util::sync::CancellationToken;

use super::judged_by::judged_by;
use super::looked_at::{Bench, links};
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};
use crate::verbs::trial::limits::LimitOptions;
use crate::verbs::trial::{check, engine, signals};

/// What was seen besides the folder.
pub(super) struct Seen {
    /// What counts in the marketplace, or why nobody could tell.
    pub(super) known: Result<JudgedBy, String>,
    pub(super) plans: Vec<PlanEvidence>,
    pub(super) links: Option<Vec<LinkEvidence>>,
    pub(super) behaviour: Behaviour,
}

/// How the modules are started.
#[derive(Debug, clap::Args)]
pub(super) struct RunOptions {
    /// Read the image of each plan and start its module in a container, as the marketplace does, and judge both.
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
    #[command(flatten)]
    limits: LimitOptions,
}

impl RunOptions {
    /// What is seen of images and modules; `None` when nobody asked for it.
    pub(super) async fn look(
        &self,
        offer: &Offer,
        global: &Global,
    ) -> Result<Option<Seen>, Failure> {
        if !self.run {
            return Ok(None);
        }
        let given = images(offer, &self.images)?;
        let stop = signals::stop()?;
        let engine = engine::open(self.engine.as_deref()).await?;
        let looking = Looking {
            engine: &engine,
            bench: &Bench::open(global)?,
            offer,
            limits: self.limits.limits(),
            stop: &stop,
        };
        looking.look(given, global).await.map(Some)
    }
}

/// Does something that may be dropped halfway.
async fn unless<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = stop.cancelled() => Err(stopped()),
    }
}

/// What is looked at, and with what.
struct Looking<'a> {
    engine: &'a Engine,
    bench: &'a Bench<'a>,
    offer: &'a Offer,
    limits: runner::Limits,
    stop: &'a CancellationToken,
}

impl Looking<'_> {
    async fn look(&self, given: Vec<Option<String>>, global: &Global) -> Result<Seen, Failure> {
        let stop = self.stop;
        let known = unless(stop, async { Ok(judged_by(self.offer, global).await) }).await?;
        if let Err(why) = &known {
            tell(&format!(
                "{why}. The shipped policy counts, and what is published there is not known."
            ));
        }
        let (mut plans, mut trials) = (Vec::new(), Vec::new());
        for (plan, given) in self.offer.plans.iter().zip(given) {
            if let Some(image) = given {
                let (evidence, trial) = self.alone(plan, &image).await?;
                plans.push(evidence);
                trials.push(trial);
                continue;
            }
            let reading = self.bench.pulled(plan, known.as_ref().ok());
            let evidence = unless(stop, reading).await?;
            for image in &evidence.images {
                trials.push(self.of_registry(plan, &evidence, image).await?);
            }
            plans.push(evidence);
        }
        let asking = links(&self.bench.egress, self.offer, known.as_ref().ok());
        Ok(Seen {
            links: unless(stop, async { Ok(asking.await) }).await?,
            known,
            plans,
            behaviour: Behaviour::Tried(trials),
        })
    }

    /// Looks at an image that was given by itself, of whatever platform it is, and starts it.
    async fn alone(&self, plan: &Plan, image: &str) -> Result<(PlanEvidence, Trial), Failure> {
        let (engine, stop) = (self.engine, self.stop);
        let name = unless(stop, engine::fetch(engine, image)).await?;
        let reading = self.bench.given(engine, plan, (&name, image));
        let evidence = unless(stop, reading).await?;
        let found = engine.image(&name).await.map_err(engine::refused)?;
        let platform = found.map_or_else(String::new, |found| found.platform);
        let started = Started {
            place: format!("plan {}, {platform}", plan.plan),
            image: name,
            compressed_bytes: None,
        };
        let may_run = engine.can_run(&platform).map_err(|why| why.to_string());
        let trial = match may_run.and_then(|()| self.wanted(plan)) {
            Ok(wanted) => self.trial(wanted, started).await?,
            Err(why) => not_run(started.place, why),
        };
        Ok((evidence, trial))
    }

    /// Brings one platform's image to the engine, as the marketplace does, and starts it there.
    async fn of_registry(
        &self,
        plan: &Plan,
        evidence: &PlanEvidence,
        image: &ImageEvidence,
    ) -> Result<Trial, Failure> {
        let place = format!("plan {}, {}", plan.plan, image.platform);
        let Some(manifest) = evidence.manifests.get(&image.digest) else {
            return Ok(not_run(place, "its manifest was not read".to_owned()));
        };
        let most = Runs::default().image_unpacked_bytes_max;
        let taken = may_be_loaded(
            self.engine,
            &image.platform,
            manifest,
            &image.contents,
            most,
        );
        let wanted = match taken.and_then(|()| self.wanted(plan)) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(not_run(place, why)),
        };
        let mut loaded = OwnImage::new(self.engine);
        let name = loaded.name().to_owned();
        let written = loaded.load(|archive| self.bench.write(manifest, &name, archive));
        if let Err(problem) = written.await? {
            return Ok(not_run(place, problem.to_string()));
        }
        let started = Started {
            place,
            image: name,
            compressed_bytes: Some(image.compressed_bytes),
        };
        let tried = self.trial(wanted, started).await;
        loaded.remove().await.map_err(engine::refused)?;
        tried
    }

    /// The run that a plan asks for, if it is given what it asks for.
    fn wanted(&self, plan: &Plan) -> Result<runner::Plan, String> {
        let wanted = runner::wanted(self.offer, plan).map_err(|why| why.to_string())?;
        let wanted = runner::Plan {
            limits: self.limits,
            ..wanted
        };
        wanted.fits().map_err(|why| why.to_string())?;
        Ok(wanted)
    }

    async fn trial(&self, wanted: runner::Plan, started: Started) -> Result<Trial, Failure> {
        let place = started.place;
        tell(&format!("{place}: running, about a minute."));
        let expected = wanted.expected.clone();
        let run = runner::Plan {
            image: started.image,
            compressed_bytes: started.compressed_bytes,
            ..wanted
        };
        let observed = check::perform(self.engine.clone(), run, None, self.stop).await?;
        Ok(Trial {
            place,
            expected,
            observed: Ok(Box::new(observed.ok_or_else(stopped)?)),
        })
    }
}

/// An image at the engine.
struct Started {
    place: String,
    image: String,
    compressed_bytes: Option<u64>,
}

fn not_run(place: String, why: String) -> Trial {
    tell(&format!("{place}: not run: {why}"));
    Trial::not_run(place, why)
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

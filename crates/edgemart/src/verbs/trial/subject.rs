//! What is tried: a module of the marketplace, an image, or an offer's folder. Whatever it is, it becomes a plan of a run,
//! and an image that the engine is given.

use std::path::{Path, PathBuf};

use domain::ids::OfferKey;
use domain::offer::{ImageSource, Offer, Plan as OfferPlan};
use domain::route::Route;
use domain::tag::newest;
use edge::runner::{self, Engine, NotStartable, Plan};

use super::engine::fetch;
use super::market;
use super::options::Choice;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure};
use crate::verbs::module;
use crate::verbs::offer::folder::read;

/// Where the image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A name the engine knows or can pull, or an archive.
    Image(String),
    /// The marketplace, by digest.
    Market(String),
}

/// Something to try.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) plan: Plan,
    pub(super) source: Source,
    /// An offer says what its module does with messages.
    pub(super) kind_known: bool,
    /// Names of its placeholders.
    pub(super) placeholders: Vec<String>,
}

/// What a text on the command line means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Folder(PathBuf),
    Module(OfferKey),
    Image(String),
}

/// A folder is an offer, `publisher.offer` a module; all else is an image, also `publisher.offer:tag`.
fn meaning(text: &str) -> Meaning {
    let path = Path::new(text);
    if path.is_dir() {
        return Meaning::Folder(path.to_owned());
    }
    match text.parse::<OfferKey>() {
        Ok(key) if !path.exists() && !text.contains('/') => Meaning::Module(key),
        _ => Meaning::Image(text.to_owned()),
    }
}

impl Subject {
    /// Finds what is meant; `name` is its module id, when it is given one.
    pub(super) async fn find(
        text: &str,
        name: Option<&str>,
        choice: &Choice,
        global: &Global,
    ) -> Result<Self, Failure> {
        let mut subject = match meaning(text) {
            Meaning::Image(image) => Self {
                plan: runner::plain(name.unwrap_or("module1")),
                source: Source::Image(image),
                kind_known: false,
                placeholders: Vec::new(),
            },
            Meaning::Folder(folder) => of_folder(&folder, choice, global)?,
            Meaning::Module(key) => of_module(key, choice, global).await?,
        };
        if let Some(name) = name {
            subject.rename(name);
        }
        Ok(subject)
    }

    /// Gives it another module id, in its routes too.
    fn rename(&mut self, name: &str) {
        let old = std::mem::replace(&mut self.plan.module, name.to_owned());
        for (_, text) in &mut self.plan.routes {
            if let Ok(route) = Route::parse(text) {
                *text = route.rename_module(&old, name);
            }
        }
    }

    /// The image, as a compose file names it.
    pub(super) fn image(&self) -> String {
        match &self.source {
            Source::Image(name) | Source::Market(name) => name.clone(),
        }
    }

    /// Gives the engine its image.
    pub(super) async fn fetch(&mut self, engine: &Engine, global: &Global) -> Result<(), Failure> {
        self.plan.image = match &self.source {
            Source::Image(image) => fetch(engine, image).await?,
            Source::Market(reference) => market::fetch(engine, reference, global).await?,
        };
        Ok(())
    }
}

fn of_folder(folder: &Path, choice: &Choice, global: &Global) -> Result<Subject, Failure> {
    let offer = read(folder)?.offer;
    let plan = choose(&offer, choice.plan.as_deref())?.clone();
    let image = match &choice.image {
        Some(image) => image.clone(),
        None => image_of(&plan.image, &global.registry_host())?,
    };
    Ok(Subject {
        placeholders: names(&plan),
        plan: wanted(offer, plan, choice)?,
        source: Source::Image(image),
        kind_known: true,
    })
}

/// The newest version in the plan's own registry.
fn image_of(source: &ImageSource, own_registry: &str) -> Result<String, Failure> {
    if source.repository.is_empty() {
        return Err(Failure::new(Exit::Invalid, "the plan names no image")
            .fix("fill in image.repository, or give --image"));
    }
    let tags = source.tags.iter().map(String::as_str);
    let tag = newest(tags).map_or_else(|| "latest".to_owned(), |version| version.to_string());
    let host = match source.registry.as_str() {
        "" => own_registry,
        host => host,
    };
    Ok(format!("{host}/{}:{tag}", source.repository))
}

async fn of_module(key: OfferKey, choice: &Choice, global: &Global) -> Result<Subject, Failure> {
    let asked = module::Choice {
        module: key.clone(),
        plan: choice.plan.clone(),
        version: choice.version.clone(),
        name: None,
        set: Vec::new(),
    };
    let chosen = asked.find(&global.client()?).await?;
    let offer = Offer::empty(&key);
    let plan = serde_json::json!({"plan": chosen.plan, "defaults": chosen.defaults});
    let plan: OfferPlan = serde_json::from_value(plan).map_err(|e| {
        Failure::new(
            Exit::Failure,
            format!("plan {} of {key} cannot be read", chosen.plan),
        )
        .why(e)
    })?;
    Ok(Subject {
        placeholders: names(&plan),
        plan: wanted(offer, plan, choice)?,
        source: Source::Market(chosen.reference),
        kind_known: false,
    })
}

/// The plan meant; among several somebody has to choose.
fn choose<'o>(offer: &'o Offer, named: Option<&str>) -> Result<&'o OfferPlan, Failure> {
    let names: Vec<&str> = offer.plans.iter().map(|plan| plan.plan.as_str()).collect();
    let found = match (named, offer.plans.as_slice()) {
        (Some(name), plans) => plans.iter().find(|plan| plan.plan.as_str() == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        Failure::new(Exit::Usage, "it is not clear which plan is to be tried")
            .why(format!("{} has {}", offer.key(), names.join(", ")))
            .fix("name it with --plan")
    })
}

fn names(plan: &OfferPlan) -> Vec<String> {
    let found = domain::placeholder::find(&plan.defaults).into_iter();
    found.map(|placeholder| placeholder.name).collect()
}

/// The plan's own run, with the values given on the command line over those of `certify.yaml`.
fn wanted(mut offer: Offer, plan: OfferPlan, choice: &Choice) -> Result<Plan, Failure> {
    let known = names(&plan);
    let overlay = offer.certify.plans.entry(plan.plan.clone()).or_default();
    let own = choice.set.iter().filter(|(name, _)| known.contains(name));
    overlay.placeholders.extend(own.cloned());
    runner::wanted(&offer, &plan).map_err(|problem| match problem {
        NotStartable::Open { names, .. } => Failure::new(
            Exit::Invalid,
            format!("plan {} cannot be started as it is", plan.plan),
        )
        .why(format!("it leaves {} open", names.join(", ")))
        .fix(format!(
            "give a value: --set {}=VALUE, or in certify.yaml",
            names[0]
        )),
        other => Failure::new(
            Exit::Invalid,
            format!("plan {} cannot be started", plan.plan),
        )
        .why(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_one_thing() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("contoso.sensor");
        std::fs::create_dir(&inside).unwrap();
        assert_eq!(
            meaning(inside.to_str().unwrap()),
            Meaning::Folder(inside.clone())
        );
        let module = "contoso.sensor".parse().unwrap();
        assert_eq!(meaning("contoso.sensor"), Meaning::Module(module));
        for image in [
            "contoso.sensor:1",
            "localhost/contoso.sensor",
            "contoso/sensor",
            "sensor",
            "./sensor.tar",
            "registry.example:5000/a@sha256:00",
        ] {
            assert_eq!(meaning(image), Meaning::Image(image.to_owned()), "{image}");
        }
    }

    #[test]
    fn the_newest_version_is_tried() {
        let source = |registry: &str, tags: &[&str]| ImageSource {
            registry: registry.into(),
            repository: "incoming/contoso/sensor".into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..ImageSource::default()
        };
        let image = |source| image_of(&source, "127.0.0.1:8080").unwrap();
        assert_eq!(
            image(source("", &["latest", "1.2.0", "1.10.0"])),
            "127.0.0.1:8080/incoming/contoso/sensor:1.10.0"
        );
        assert_eq!(
            image(source("r.example", &["latest"])),
            "r.example/incoming/contoso/sensor:latest"
        );
        assert!(image_of(&ImageSource::default(), "x").is_err());
    }
}

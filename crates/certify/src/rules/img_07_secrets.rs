//! IMG-07: no password or key is baked into an image.

use oci::ImageConfig;

use crate::literal::{is_secret_name, is_written_down, secret_assignment, secret_in_text};
use crate::places::{each_image, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::{ImageEvidence, PlanEvidence, Subject};

pub(super) static RULE: Rule = Rule {
    code: "IMG-07",
    title: "No passwords or keys in the configuration, the history or the files of the image",
    level: Level::Block,
    waivable: true,
    sources: &["100.11", "edge-runtime §6.1"],
    why: "Images are public: what is baked in is known to everybody, for ever.",
    fix: "Revoke the secret, build the image without it, and read it from a setting or a mounted file.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_image(subject, judge)
}

fn judge(evidence: &PlanEvidence, image: &ImageEvidence, place: String) -> Outcome {
    let Some(config) = evidence.configs.get(&image.digest) else {
        return Outcome::not_run(place, "the image configuration was not read");
    };
    let mut found = in_config(config);
    if let Ok(contents) = &image.contents {
        found.extend(contents.secrets.iter().map(|path| format!("file {path}")));
    }
    if !found.is_empty() {
        return Outcome::failed(place, listed(found));
    }
    match &image.contents {
        Ok(_) => Outcome::passed(place, "none in configuration, history or files"),
        Err(why) => Outcome::not_run(
            place,
            format!("none in configuration or history; the layers could not be read: {why}"),
        ),
    }
}

/// Names of settings and steps only: the report must not repeat the secret.
fn in_config(config: &ImageConfig) -> Vec<String> {
    let env = config.env.iter().filter_map(|entry| {
        let (name, value) = entry.split_once('=')?;
        let by_name = is_secret_name(name) && is_written_down(value);
        (by_name || secret_in_text(value).is_some()).then(|| format!("environment variable {name}"))
    });
    let labels = config.labels.iter().filter_map(|(name, value)| {
        secret_in_text(value).map(|what| format!("{what} in label {name}"))
    });
    let history = config
        .history
        .iter()
        .enumerate()
        .filter_map(|(step, entry)| {
            let what = secret_in_text(&entry.created_by)
                .map(str::to_owned)
                .or_else(|| secret_assignment(&entry.created_by))?;
            Some(format!("{what} in step {} of the history", step + 1))
        });
    env.chain(labels).chain(history).collect()
}

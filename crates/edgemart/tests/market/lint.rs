//! `edgemart offer lint --run` and the server's certification judge one sample: every rule the same. Takes root and Podman.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use testkit::image::TestImage;
use testkit::podman::Podman;

use super::{Market, json, sign_in, test_image};

type States = BTreeMap<String, String>;

/// The state of every rule.
fn states(results: &Value) -> States {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = results.as_array().unwrap().iter();
    let states = results.map(|result| (text(&result["code"]), text(&result["state"])));
    states.collect()
}

/// What a rule on running modules said of the platform that this machine runs.
fn trial<'a>(told: &'a Value, code: &str) -> &'a str {
    let mut results = told["results"].as_array().unwrap().iter();
    let result = results.find(|result| result["code"] == code).unwrap();
    let mut places = result["outcomes"].as_array().unwrap().iter();
    let place = places.find(|one| one["place"] == "plan standard, linux/amd64");
    place.unwrap()["state"].as_str().unwrap()
}

/// What the first place of a rule says.
fn evidence<'a>(told: &'a Value, code: &str) -> &'a str {
    let mut results = told["results"].as_array().unwrap().iter();
    let result = results.find(|result| result["code"] == code).unwrap();
    result["outcomes"][0]["evidence"].as_str().unwrap()
}

async fn linted(market: &Market, user: &str, engine: &str, dir: &Path, more: &[&str]) -> Value {
    let dir = dir.to_str().unwrap();
    let arguments = [
        "offer", "lint", dir, "--run", "--engine", engine, "-o", "json",
    ];
    let arguments = [&arguments, more].concat();
    let output = market.edgemart(user, &arguments, "").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!told.is_empty(), "{said}");
    json(&told)
}

async fn approved(engine: &str) -> Market {
    let market = Market::with_engine(Some(engine.to_owned())).await;
    market.people().await;
    sign_in(&market).await;
    let approve = ["admin", "publisher", "approve", "contoso"];
    market.ends("operator", 0, &approve).await;
    market
}

/// Submits a folder and gives what the server's rules said.
async fn certified(market: &Market, dir: &Path) -> States {
    let submit = ["offer", "submit", dir.to_str().unwrap(), "-o", "json"];
    market.edgemart("owner", &submit, "").await;
    let name = dir.file_name().unwrap().to_str().unwrap();
    let key = format!("contoso.{name}").parse().unwrap();
    let submission = store::submissions::latest_of_offer(&market.app.reader, &key).await;
    let report = submission.unwrap().unwrap().report;
    states(&report.unwrap()["results"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lint_that_runs_gives_the_verdict_of_the_server_rule_for_rule() {
    let podman = Podman::start();
    let market = approved(&podman.address()).await;
    market.seed("contoso/temperature-sensor").await;
    let dir = market.sample("temperature-sensor");
    let told = linted(&market, "owner", &podman.address(), &dir, &[]).await;
    let here = states(&told["results"]);
    assert_eq!(here["IMG-07"], "passed");
    assert_eq!(trial(&told, "RUN-06"), "passed");
    assert_eq!(here, certified(&market, &dir).await);
    let go_live = ["offer", "go-live", "contoso.temperature-sensor"];
    market.ends("owner", 0, &go_live).await;

    // What is published counts, here as there.
    without_overlay(&dir);
    let told = linted(&market, "owner", &podman.address(), &dir, &[]).await;
    let here = states(&told["results"]);
    for code in ["IMG-03", "IMG-16", "IMG-17", "IMG-20", "IMG-21"] {
        assert_eq!(here[code], "passed", "{code}: {}", evidence(&told, code));
    }
    assert_eq!(here, certified(&market, &dir).await);
    assert_eq!(podman.left_behind(), "");
}

/// A placeholder that nobody fills: the module is not started, which saves a minute.
fn without_overlay(dir: &Path) {
    std::fs::remove_file(dir.join("certify.yaml")).unwrap();
    let file = dir.join("offer.yaml");
    let yaml = std::fs::read_to_string(&file).unwrap();
    let open = "      env:\n        - name: OPEN\n          value: '<OPEN>'\n";
    assert!(yaml.contains("      env:\n"), "{yaml}");
    std::fs::write(file, yaml.replacen("      env:\n", open, 1)).unwrap();
}

/// One platform's image of several.
fn only(image: &TestImage, architecture: &str) -> TestImage {
    let index = json(std::str::from_utf8(&image.top().bytes).unwrap());
    let mut children = index["manifests"].as_array().unwrap().iter();
    let child = children.find(|child| child["platform"]["architecture"] == architecture);
    let digest = child.unwrap()["digest"].as_str().unwrap().to_owned();
    let mut only = image.clone();
    only.manifests.retain(|manifest| manifest.digest == digest);
    only
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_here_says_why() {
    let podman = Podman::start();
    let market = Market::open().await;
    market.seed("fabrikam/http-forwarder").await;
    let dir = market.sample("http-forwarder");
    std::fs::remove_file(dir.join("certify.yaml")).unwrap();
    let told = linted(&market, "stranger", &podman.address(), &dir, &[]).await;
    let read = states(&told["results"]);
    for code in ["IMG-03", "IMG-16", "IMG-17", "IMG-20", "IMG-21"] {
        let why = evidence(&told, code);
        assert_eq!(read[code], "not_run", "{code}");
        assert!(why.contains("nobody is signed in"), "{code}: {why}");
    }
    for code in ["IMG-01", "IMG-08", "IMG-11", "IMG-15", "IMG-25"] {
        assert_eq!(read[code], "passed", "{code}: {}", evidence(&told, code));
    }

    // The same image by itself, as an archive and as the engine has it.
    let image = samples::images().unwrap().into_iter();
    let image = image.map(|seed| (seed.repository, test_image(seed.image)));
    let (_, image) = image
        .into_iter()
        .find(|(name, _)| *name == "fabrikam/http-forwarder")
        .unwrap();
    let archive = market.folder.path().join("image.tar");
    let name = "localhost/forwarder:1";
    std::fs::write(
        &archive,
        testkit::archive::docker_archive(&only(&image, "amd64"), name),
    )
    .unwrap();
    let archive = archive.to_str().unwrap();
    let told = linted(
        &market,
        "stranger",
        &podman.address(),
        &dir,
        &["--image", archive],
    )
    .await;
    let alone = states(&told["results"]);
    for (code, state) in &alone {
        match code.as_str() {
            "IMG-01" | "IMG-04" | "IMG-14" | "IMG-15" | "IMG-19" | "IMG-25" | "IMG-26"
            | "IMG-27" => {
                assert_eq!(state, "not_run", "{code}");
                assert!(evidence(&told, code).contains("by itself"), "{code}");
            }
            _ => assert_eq!(
                Some(state),
                read.get(code),
                "{code}: {}",
                evidence(&told, code)
            ),
        }
    }
    let told = linted(
        &market,
        "stranger",
        &podman.address(),
        &dir,
        &["--image", name],
    )
    .await;
    assert_eq!(states(&told["results"]), alone);
    assert_eq!(podman.left_behind(), "");
}

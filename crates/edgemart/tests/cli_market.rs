//! The binary against a real marketplace with its jobs running: sign in, get approved, submit a sample from a folder,
//! watch it, go live, find it, add it to a deployment; be refused with every reason; sign out.

#![expect(
    clippy::unwrap_used,
    reason = "a story that goes wrong panics, in its helpers too"
)]

#[path = "trial/live.rs"]
mod live;
mod market;
#[path = "trial/pulled.rs"]
mod pulled;

use std::path::Path;

use market::{Market, OPERATOR, OWNER, json, sign_in};
use serde_json::Value;

async fn try_preview(market: &Market) {
    let preview = [
        "offer",
        "preview",
        "contoso.temperature-sensor",
        "--plan",
        "standard",
    ];
    let (manifest, said) = market.ends("owner", 0, &preview).await;
    let agent = &json(&manifest)["modulesContent"]["$edgeAgent"]["properties.desired"];
    let credentials = &agent["runtime"]["settings"]["registryCredentials"];
    assert_eq!(credentials["edgemart-preview"]["username"], "preview");
    assert!(said.contains("podman pull"), "{said}");
}

async fn publish(market: &Market, dir: &Path) {
    let dir = dir.to_str().unwrap();
    market.ends("owner", 0, &["offer", "lint", dir]).await;
    // Nobody but the operator decides on publishers, and until then nothing is submitted.
    market
        .ends("owner", 4, &["admin", "publisher", "approve", "contoso"])
        .await;
    market.ends("owner", 6, &["offer", "submit", dir]).await;
    market
        .ends("operator", 0, &["admin", "publisher", "approve", "contoso"])
        .await;

    let (pushed, _) = market
        .ends("owner", 0, &["offer", "push", dir, "-o", "json"])
        .await;
    let pushed = json(&pushed);
    assert_eq!(
        (&pushed["created"], &pushed["draft_changed"]),
        (&Value::Bool(false), &Value::Bool(false)),
        "{pushed}"
    );
    assert_eq!(pushed["logos_changed"], serde_json::json!([]));

    let (told, said) = market
        .ends("owner", 0, &["offer", "submit", dir, "-o", "json"])
        .await;
    assert_eq!(json(&told)["state"], "preview", "{said}");
    for step in ["importing", "certifying"] {
        assert!(said.contains(step), "{step} is not in {said}");
    }
    try_preview(market).await;
    market
        .ends(
            "stranger",
            4,
            &["offer", "go-live", "contoso.temperature-sensor"],
        )
        .await;
    let (told, _) = market
        .ends(
            "owner",
            0,
            &[
                "offer",
                "go-live",
                "contoso.temperature-sensor",
                "-o",
                "json",
            ],
        )
        .await;
    assert_eq!(json(&told)["state"], "live");
    let (told, _) = market
        .ends(
            "owner",
            0,
            &["offer", "status", "contoso.temperature-sensor"],
        )
        .await;
    assert!(told.contains("submission 1: live"), "{told}");
    market
        .ends(
            "owner",
            6,
            &["offer", "cancel", "contoso.temperature-sensor"],
        )
        .await;
}

async fn find_and_deploy(market: &Market) {
    let (found, _) = market
        .ends(
            "stranger",
            0,
            &["search", "temprature", "--platform", "linux/arm64"],
        )
        .await;
    assert!(found.contains("contoso.temperature-sensor"), "{found}");
    let (shown, _) = market
        .ends(
            "stranger",
            0,
            &["show", "contoso.temperature-sensor", "-o", "json"],
        )
        .await;
    let reference = json(&shown)["plans"][0]["versions"][0]["reference"]
        .as_str()
        .unwrap()
        .to_owned();
    let (manifest, _) = market
        .ends("stranger", 0, &["manifest", "contoso.temperature-sensor"])
        .await;
    assert!(manifest.contains(&reference), "{manifest}");
    let file = market.folder.path().join("stranger/deployment.json");
    std::fs::write(&file, &manifest).unwrap();
    market
        .ends(
            "stranger",
            0,
            &["deployment", "validate", "deployment.json"],
        )
        .await;

    let add = [
        "add",
        "contoso.temperature-sensor",
        "--file",
        "deployment.json",
        "--name",
        "Second",
    ];
    // The module's one route has a name of its own, which the first of its kind has taken.
    let (_, said) = market.ends("stranger", 6, &add).await;
    assert!(
        said.contains("SensorToCloud") && said.contains("--route-name"),
        "{said}"
    );
    let add = [
        add.as_slice(),
        &["--route-name", "SensorToCloud=SecondToCloud"],
    ]
    .concat();
    market.ends("stranger", 0, &add).await;
    let (_, said) = market.ends("stranger", 6, &add).await;
    assert!(said.contains("Second"), "{said}");
    let after = json(&std::fs::read_to_string(&file).unwrap());
    let modules = &after["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"];
    assert_eq!(modules["Second"]["settings"]["image"], reference.as_str());
    market
        .ends(
            "stranger",
            0,
            &["deployment", "validate", "deployment.json"],
        )
        .await;
}

/// Asks until a verb ends so; the catalog follows within a second.
async fn until(market: &Market, code: i32, arguments: &[&str]) -> String {
    let begun = std::time::Instant::now();
    loop {
        let output = market.edgemart("stranger", arguments, "").await;
        if output.status.code() == Some(code) {
            return String::from_utf8(output.stderr).unwrap();
        }
        assert!(begun.elapsed().as_secs() < 20, "{arguments:?}: {output:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn leave_and_come_back(market: &Market) {
    const SENSOR: &str = "contoso.temperature-sensor";
    let down = ["admin", "takedown", SENSOR, "--reason", "A leaked key."];
    market.ends("owner", 4, &down).await;
    let down = [down.as_slice(), &["-o", "json"]].concat();
    let (made, _) = market.ends("operator", 0, &down).await;
    let id = json(&made)["id"].as_str().unwrap().to_owned();
    let said = until(market, 3, &["show", SENSOR]).await;
    assert!(said.contains("A leaked key."), "{said}");
    let (list, _) = market.ends("operator", 0, &["admin", "takedowns"]).await;
    assert!(list.contains(&id) && list.contains("in force"), "{list}");
    let lift = ["admin", "lift", &id, "--reason", "It was revoked."];
    market.ends("operator", 0, &lift).await;
    market.ends("operator", 6, &lift).await;
    until(market, 0, &["show", SENSOR]).await;

    let stop = ["offer", "stop", SENSOR, "--reason", "end-of-support"];
    market.ends("owner", 0, &stop).await;
    market.ends("owner", 6, &stop).await;
    market.ends("owner", 0, &["offer", "resume", SENSOR]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_goes_from_a_folder_into_a_deployment() {
    let market = Market::open().await;
    market.people().await;
    sign_in(&market).await;
    market.seed("contoso/temperature-sensor").await;
    let dir = market.sample("temperature-sensor");
    publish(&market, &dir).await;
    find_and_deploy(&market).await;
    let url = market.url.clone();
    tokio::task::spawn_blocking(move || pulled::try_it(&url))
        .await
        .unwrap();
    leave_and_come_back(&market).await;

    let none = [
        "manifest",
        "contoso.temperature-sensor",
        "--version",
        "9.9.9",
    ];
    market.ends("stranger", 3, &none).await;

    // A rejection names every rule, and so does the lint before it.
    market.seed("northwind/gateway-inspector").await;
    let bad = market.sample("gateway-inspector");
    let (rows, _) = market
        .ends("owner", 5, &["offer", "lint", bad.to_str().unwrap()])
        .await;
    let (_, said) = market
        .ends("owner", 5, &["offer", "submit", bad.to_str().unwrap()])
        .await;
    assert!(
        rows.contains("DEF-05") && said.contains("- DEF-05 "),
        "{rows}\n{said}"
    );
    let (queue, _) = market
        .ends("operator", 0, &["admin", "review", "list", "-o", "json"])
        .await;
    assert_eq!(json(&queue)["total"], 0);

    let backup = [
        "admin",
        "backup",
        "copy",
        "--metadata-only",
        "--data",
        market.folder.path().to_str().unwrap(),
    ];
    market.ends("operator", 0, &backup).await;
    let copies = std::fs::read_dir(market.folder.path().join("operator/copy")).unwrap();
    for copy in copies {
        let copy = std::fs::read(copy.unwrap().path()).unwrap();
        assert!(copy.starts_with(b"SQLite format 3\0"));
    }

    operate(&market).await;
    market.ends("owner", 0, &["logout"]).await;
    market.ends("owner", 4, &["token", "list"]).await;
}

/// The operator's verbs that ask the marketplace: policy and people.
async fn operate(market: &Market) {
    let policy = async || {
        let show = ["admin", "policy", "show", "-o", "json"];
        json(&market.ends("operator", 0, &show).await.0)
    };
    let level = |policy: &Value, code: &str| {
        let rules = policy["rules"].as_array().unwrap().clone();
        let rule = rules.into_iter().find(|rule| rule["code"] == code);
        rule.unwrap()["level"].clone()
    };
    let set = async |exit, arguments: &[&str]| {
        let all = [&["admin", "policy", "set"][..], arguments].concat();
        market.ends("operator", exit, &all).await
    };
    let before = policy().await;
    assert_eq!(before["matrix"]["any_allowed"], true);
    let of_rule = level(&before, "DEF-05");
    set(0, &["DEF-05", "--level", "warn", "--name", "lenient"]).await;
    set(0, &["--platforms", "all"]).await;
    let after = policy().await;
    assert_eq!(level(&after, "DEF-05"), "warn");
    assert_eq!(after["policy"]["version"], "lenient");
    assert_eq!(after["matrix"]["any_allowed"], false);
    assert_eq!(after["matrix"]["platforms"], before["matrix"]["platforms"]);
    let (_, said) = set(5, &["DEF-55", "--off"]).await;
    assert!(said.contains("DEF-55"), "{said}");
    set(0, &["DEF-05", "--default"]).await;
    assert_eq!(level(&policy().await, "DEF-05"), of_rule);
    let (_, said) = market
        .ends(
            "owner",
            4,
            &["admin", "policy", "set", "--platforms", "any"],
        )
        .await;
    assert!(!said.is_empty());

    let users = ["admin", "users", "list", "-o", "json"];
    let people = json(&market.ends("operator", 0, &users).await.0);
    assert_eq!(people["items"].as_array().unwrap().len(), 2);
    let disable = |who| ["admin", "users", "disable", who];
    market.ends("operator", 6, &disable(OPERATOR)).await;
    market
        .ends("operator", 3, &disable("nobody@x.example"))
        .await;
    market.ends("operator", 0, &disable(OWNER)).await;
    market.ends("owner", 4, &["token", "list"]).await;
    let enable = ["admin", "users", "enable", OWNER];
    market.ends("operator", 0, &enable).await;
    market.ends("owner", 0, &["token", "list"]).await;
    let roles = ["admin", "users", "roles", OWNER, "--reviewer"];
    market.ends("operator", 0, &roles).await;
    let people = json(&market.ends("operator", 0, &users).await.0);
    let owner = people["items"].as_array().unwrap().clone();
    let owner = owner.into_iter().find(|one| one["email"] == OWNER).unwrap();
    assert_eq!(
        (&owner["reviewer"], &owner["operator"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
}

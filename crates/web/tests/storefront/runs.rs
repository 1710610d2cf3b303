//! What was seen of modules that ran, as a visitor reads it.

use axum::http::StatusCode;

use crate::common::modules::{keep_night, keep_runs};
use crate::common::stocked;
use crate::{has, has_not};

#[tokio::test]
async fn what_was_measured_stands_on_the_page_and_can_be_taken_away() {
    let market = stocked().await;
    let page = market
        .page("/modules/contoso/temperature-sensor?tab=certification")
        .await;
    has(
        &page,
        &[
            "The module when it ran",
            "Passed 21 of 21 checks on running modules on 1 Mar 2026, 14:05 UTC",
            "with environment 0.1.0 on Podman Engine 4.3.1",
            "after 1.2 s",
            "42 a minute (27 in all)",
            "21 MiB at most, 20 MiB at the end",
            "1.3 % of one core",
            "18 MB to download, 47 MB unpacked",
            "after 0.4 s",
            "Not exercised, because no stranger",
            "role=\"img\"",
            "Memory: 21 MiB at most",
            "The hub was away on purpose from 14 s to 26 s.",
            "The same as a table",
            "Not run on 1 Mar 2026, 14:05 UTC: the engine&#39;s machine runs no arm64",
            // Of the third platform nothing is known.
            "Not run: it was certified by looking at it",
        ],
    );
    has_not(&page, &["style=", "It passed when it was certified"]);
    let overview = market.page("/modules/contoso/temperature-sensor").await;
    has(
        &overview,
        &["21 MiB at most, 20 MiB at the end (linux/amd64)"],
    );

    let run = "run-of-submission-of-contoso.temperature-sensor";
    let log = format!("/modules/contoso/temperature-sensor/runs/{run}/log");
    has(&page, &[&log]);
    let answer = market.get(&log).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/gzip");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"run-standard-linux-amd64.jsonl.gz\""
    );
    assert!(answer.text().contains("linux/amd64"));
    let others = [
        format!("/modules/contoso/http-forwarder/runs/{run}/log"),
        "/modules/contoso/temperature-sensor/runs/none/log".to_owned(),
    ];
    for other in others {
        assert_eq!(
            market.get(&other).await.status,
            StatusCode::NOT_FOUND,
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_night_that_broke_it_is_said_first() {
    let market = stocked().await;
    let submission = "submission-of-contoso.temperature-sensor";
    let run = keep_runs(&market, submission).await;
    keep_night(&market, &run).await;
    market.refresh().await;
    for tab in ["", "?tab=certification"] {
        let page = market
            .page(&format!("/modules/contoso/temperature-sensor{tab}"))
            .await;
        has(
            &page,
            &[
                "It passed when it was certified, and does not any more",
                "plan standard, linux/amd64 does not pass RUN-05.",
            ],
        );
    }
    let page = market
        .page("/modules/contoso/temperature-sensor?tab=certification")
        .await;
    has(
        &page,
        &[
            "Run again at night: passed 4 of 5 checks",
            "Does not pass RUN-05",
            "no: the hub refused its CONNECT",
        ],
    );
}

#[tokio::test]
async fn lists_show_and_filter_by_the_memory_that_was_measured() {
    let market = stocked().await;
    let page = market.page("/modules").await;
    has(
        &page,
        &[
            "uses 21 MiB, measured",
            "up to 32 MiB",
            "Memory, measured or declared",
        ],
    );
    let small = market.page("/modules?memory=32m").await;
    has(
        &small,
        &[
            "Memory, measured or declared: up to 32 MiB",
            "temperature-sensor",
        ],
    );
    let none = market.page("/modules?memory=more").await;
    has_not(&none, &["uses 21 MiB"]);
    // Measured on amd64: for another device it is what the publisher declares.
    let pc = market.page("/modules?device=pc&q=temperature").await;
    has(&pc, &["uses 21 MiB, measured"]);
    let other = market.page("/modules?device=rpi-64&q=temperature").await;
    has_not(&other, &["uses 21 MiB"]);
    let product = market
        .page("/modules/contoso/temperature-sensor?device=pc")
        .await;
    has(&product, &["used at most 21 MiB of memory when it was run"]);

    let told = market
        .get("/api/v1/modules?memory=32m&q=temperature")
        .await
        .json();
    let item = &told["items"][0];
    assert_eq!(item["memory_measured"]["linux/amd64"], 22_020_096);
    assert_eq!(told["facets"]["memory"][0]["value"], "32m");

    // What broke in a night was not measured at its work.
    let run = keep_runs(&market, "submission-of-contoso.temperature-sensor").await;
    keep_night(&market, &run).await;
    market.refresh().await;
    let page = market.page("/modules?q=temperature").await;
    has_not(&page, &["measured on", "uses 21 MiB"]);
}

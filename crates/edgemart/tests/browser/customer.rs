//! "Get it now": a customer tells a publisher, with consent, and the publisher reads it and takes it home as CSV.

use testkit::browser::Script;

use crate::demo::{CUSTOMER, NORTHWIND, demo};
use crate::window::Window;

#[tokio::test]
async fn interest_with_consent_becomes_a_lead() {
    let customer = Window::of(CUSTOMER, Script::On).await;
    customer.go("/modules/northwind/file-store").await;
    customer.press("Get it now").await;
    customer.shows_in("h1", "Get ").await;
    customer.fill("company", "Plant, \"Halle 3\"").await;
    customer.press("Send and get it").await;
    // Without the word nothing is passed on.
    customer.find(".error-summary").await;
    assert_eq!(
        customer
            .find("[name=company]")
            .await
            .value()
            .await
            .unwrap()
            .unwrap(),
        "Plant, \"Halle 3\"",
        "what was typed is lost"
    );
    customer.press_on("[name=consent]").await;
    customer.press("Send and get it").await;
    customer.shows("has your details").await;

    let publisher = Window::of(NORTHWIND, Script::On).await;
    publisher.go("/publish/northwind/leads").await;
    publisher.shows_in("table", CUSTOMER).await;
    publisher.shows_in("table", "Plant, \"Halle 3\"").await;
    let link = publisher.control("Download CSV").await;
    let address = link.attr("href").await.unwrap().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let csv = client
        .get(format!("{}{address}", demo().url))
        .header(
            "cookie",
            format!("edgemart={}", demo().session(NORTHWIND).await),
        )
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let row = csv.lines().find(|line| line.contains(CUSTOMER)).unwrap();
    assert!(row.contains("\"Plant, \"\"Halle 3\"\"\""), "{csv}");
}

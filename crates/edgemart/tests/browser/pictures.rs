//! The README's pictures, taken from the running demo so that they stay true: `make shots`. Not part of `make test`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::json;
use testkit::browser::Script;

use crate::demo::{CONTOSO, NORTHWIND, REVIEWER};
use crate::publisher::resubmits;
use crate::window::{DESK, Window};

async fn take(window: &Window, folder: &Path, name: &str) {
    window.size(DESK).await;
    window.script("scrollTo(0, 0)", Vec::new()).await;
    let told = window
        .devtools("Page.captureScreenshot", json!({"format": "png"}))
        .await;
    let bytes = base64::prelude::BASE64_STANDARD
        .decode(told["data"].as_str().unwrap())
        .unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[tokio::test]
#[ignore = "writes into docs/images; make shots asks for it by name"]
async fn pictures() {
    let folder = PathBuf::from(std::env::var_os("EDGEMART_SHOTS").unwrap());
    let visitor = Window::visitor(Script::On).await;
    for (path, name) in [
        ("/", "home.png"),
        ("/modules?q=temprature&device=rpi-64", "search.png"),
        (
            "/modules/fabrikam/http-forwarder?tab=configure",
            "configure.png",
        ),
        (
            "/modules/contoso/temperature-sensor?tab=certification",
            "certification.png",
        ),
    ] {
        visitor.go(path).await;
        take(&visitor, &folder, name).await;
    }
    let publisher = Window::of(CONTOSO, Script::On).await;
    let sentence = "Now with a colder winter.";
    resubmits(&publisher, "contoso/temperature-sensor", sentence).await;
    publisher.shows_in(".step-current", "Preview").await;
    take(&publisher, &folder, "submission.png").await;
    let refused = Window::of(NORTHWIND, Script::On).await;
    refused.go("/publish/northwind/gateway-inspector").await;
    refused.press("Submission 1").await;
    refused.shows("This submission was rejected").await;
    take(&refused, &folder, "rejected.png").await;
    let reviewer = Window::of(REVIEWER, Script::On).await;
    reviewer.go("/review").await;
    reviewer.press_on("table a[href*='/review/']").await;
    reviewer.shows_in(".judgement", "LST-10").await;
    take(&reviewer, &folder, "review.png").await;
}

//! The README's pictures, taken from the running demo so that they stay true. `make shots` keeps them in `docs/images`;
//! in `make test` they are taken and thrown away, so that the day a page no longer gets there is known.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::json;
use testkit::browser::Script;
use testkit::folder::Folder;

use crate::demo::{NORTHWIND, REVIEWER};
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
    assert_eq!(size(&bytes), (DESK.0, DESK.1), "{name}");
    std::fs::write(folder.join(name), bytes).unwrap();
}

/// Width and height of a PNG, from its first chunk (PNG specification, section 11.2.1).
fn size(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn pictures() {
    let thrown_away = Folder::new("pictures").unwrap();
    let folder = std::env::var_os("EDGEMART_SHOTS")
        .map_or_else(|| thrown_away.path().to_owned(), PathBuf::from);
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
    // No other story changes this offer.
    let publisher = Window::of(NORTHWIND, Script::On).await;
    resubmits(&publisher, "northwind/file-store", "Keeps a year of days.").await;
    publisher.shows_in(".step-current", "Preview").await;
    take(&publisher, &folder, "submission.png").await;
    publisher.go("/publish/northwind/gateway-inspector").await;
    publisher.press("Submission 1").await;
    publisher.shows("This submission was rejected").await;
    take(&publisher, &folder, "rejected.png").await;
    let reviewer = Window::of(REVIEWER, Script::On).await;
    reviewer.go("/review").await;
    reviewer.press("Clock Check").await;
    reviewer.shows_in(".judgement", "LST-10").await;
    take(&reviewer, &folder, "review.png").await;
}

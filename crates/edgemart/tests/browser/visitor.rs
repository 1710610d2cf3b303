//! A visitor without an account: a misspelt word, a filter, the product page, the values it asks for, the manifest.

use serde_json::{Value, json};
use testkit::browser::Script;

use crate::demo::demo;
use crate::window::Window;

/// Types a misspelt word, filters by platform and opens the module that was meant.
async fn finds_the_forwarder(window: &Window) {
    window.go("/").await;
    window.fill("q", "forwrader").await;
    window.press("Search").await;
    window.shows_in("#results", "HTTP Forwarder").await;
    window.press_on("#facet-platform-linux\\/arm64").await;
}

#[tokio::test]
async fn from_a_misspelt_word_to_a_manifest() {
    let window = Window::visitor(Script::On).await;
    finds_the_forwarder(&window).await;
    // With script, each tick narrows the list at once; the state stands in the address.
    window.shows_in("#results", "Platform: linux/arm64").await;
    assert_eq!(
        window.at().await,
        "/modules?q=forwrader&platform=linux%2Farm64",
        "the filters are the address, and nothing else"
    );
    window.press("HTTP Forwarder").await;
    window.shows_in("h1", "HTTP Forwarder").await;
    window.shows_in(".tiles", "Checks passed").await;
    window.press("Get the manifest").await;

    // Nothing is filled in yet: no manifest, and the placeholder is named.
    window.shows_in(".notice", "MY_SERVER_IP_ADDRESS").await;
    assert_eq!(window.count("pre code[data-language=json]").await, 2);
    window.press("Make the manifest").await;
    window
        .shows_in(".error-summary", "cannot start without it")
        .await;

    window.fill("set.MY_SERVER_IP_ADDRESS", "192.0.2.17").await;
    window.press("Make the manifest").await;
    window.shows_in("figcaption", "deployment.json").await;
    let shown = window.text("#manifest ~ .code pre").await;
    let manifest: Value = serde_json::from_str(&shown).unwrap();
    let module =
        &manifest["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"]["HttpForwarder"];
    assert_eq!(
        module["env"]["POST_URL"]["value"],
        "http://192.0.2.17:8080/messages"
    );

    let clipboard = json!({"origin": demo().url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    window.devtools("Browser.grantPermissions", clipboard).await;
    window.press_on("#manifest ~ .code .copy").await;
    window.shows_in("#manifest ~ .code .copy", "Copied").await;
    let copied = window
        .script("return navigator.clipboard.readText()", Vec::new())
        .await;
    assert_eq!(copied.as_str().unwrap().trim(), shown.trim());
}

#[tokio::test]
async fn the_same_without_script() {
    let window = Window::visitor(Script::Off).await;
    finds_the_forwarder(&window).await;
    window.shows_not("Platform: linux/arm64").await;
    window.press("Apply filters").await;
    window.shows_in("#results", "Platform: linux/arm64").await;
    window.press("HTTP Forwarder").await;
    window.press("Get the manifest").await;
    window.press("Make the manifest").await;
    window
        .shows_in(".error-summary", "cannot start without it")
        .await;
    window.fill("set.MY_SERVER_IP_ADDRESS", "192.0.2.18").await;
    window.press("Make the manifest").await;
    window
        .shows_in("#manifest ~ .code pre", "http://192.0.2.18:8080/messages")
        .await;
    // What needs script is not offered without it.
    assert!(
        !window.shown(".copy").await,
        "a copy button that does nothing"
    );
    assert!(!window.shown("[data-theme-toggle]").await);
}

#[tokio::test]
async fn a_device_says_what_fits_and_why_the_rest_does_not() {
    let window = Window::visitor(Script::On).await;
    window.go("/modules").await;
    window.press_on(".device > summary").await;
    window.press_on("[name=device][value=rpi-64]").await;
    window.shows_in("#results", "Fits Raspberry Pi").await;
    assert!(
        window.at().await.contains("device="),
        "{}",
        window.at().await
    );
    window.press("HTTP Forwarder").await;
    window
        .shows_in(".tiles", "It has an image for linux/arm64")
        .await;
}

//! A publisher changes a sample, submits it, watches the steps, goes live and sees it; stops selling and resumes.

use testkit::browser::Script;

use crate::demo::{CONTOSO, FABRIKAM, NORTHWIND, demo};
use crate::window::Window;

/// Each look takes a page load, so this is some minutes.
const LOOKS_MAX: usize = 500;

/// Puts a sentence in front of an offer's description, saves, submits and stays until the preview waits.
pub async fn resubmits(window: &Window, offer: &str, sentence: &str) {
    window.go(&format!("/publish/{offer}/listing")).await;
    let field = window.find("[name='listing.description']").await;
    let text = field.value().await.unwrap().unwrap();
    let text = format!("<p>{sentence}</p>\n{text}");
    window.fill("listing.description", &text).await;
    window.press("Save").await;
    window.shows_in(".notice", "This section is complete").await;
    window.press("Review and submit").await;
    window.press("Submit for certification").await;
    window.shows_in("h1", "Submission ").await;
}

#[tokio::test]
async fn a_change_goes_live() {
    let window = Window::visitor(Script::On).await;
    window.go("/publish/contoso/temperature-sensor").await;
    window.fill("email", CONTOSO).await;
    window.fill("password", demo().password(CONTOSO)).await;
    window.press_on("main form button[type=submit]").await;
    window.shows_in("h1", "Simulated Temperature Sensor").await;
    let sentence = "Now with a colder winter.";
    resubmits(&window, "contoso/temperature-sensor", sentence).await;
    // The page follows by itself, without being loaded again.
    window.script("window.stayed = true", Vec::new()).await;
    window.shows_in(".step-current", "Preview").await;
    let stayed = window.script("return window.stayed", Vec::new()).await;
    assert_eq!(stayed, true, "the page was loaded again");
    window.shows_in(".check-headline", "Passed").await;

    let visitor = Window::visitor(Script::On).await;
    visitor.go("/modules/contoso/temperature-sensor").await;
    visitor.shows_not(sentence).await;

    window.press("Go live").await;
    window.shows_in(".page-head", "Live").await;
    window.press("See the live page").await;
    window.shows_in(".prose", sentence).await;
    visitor.go("/modules/contoso/temperature-sensor").await;
    visitor.shows_in(".prose", sentence).await;
}

/// Without script the page does not follow by itself: the reader presses "Look again".
async fn looks_again_until(window: &Window, path: &str) {
    for _ in 0..LOOKS_MAX {
        if window.now(path).await {
            return;
        }
        window.press("Look again").await;
    }
    panic!("never came: {path} at {}", window.at().await);
}

#[tokio::test]
async fn a_change_goes_live_without_script() {
    let window = Window::of(FABRIKAM, Script::Off).await;
    let sentence = "Windows now end at the full second.";
    resubmits(&window, "fabrikam/window-aggregator", sentence).await;
    looks_again_until(&window, "//button[normalize-space(.)='Go live']").await;
    window.press("Go live").await;
    looks_again_until(&window, "//*[contains(@class, 'state-live')]").await;
    window.go("/modules/fabrikam/window-aggregator").await;
    window.shows_in(".prose", sentence).await;
}

#[tokio::test]
async fn selling_stops_and_resumes() {
    let publisher = Window::of(NORTHWIND, Script::On).await;
    publisher.go("/publish/northwind/line-counter").await;
    publisher.press_on(".fold > summary").await;
    publisher.fill("alternative", "no offer at all").await;
    publisher.press_on("form[action$='/stop'] button").await;
    // Told at the fields, with what was typed still there.
    publisher
        .shows_in(".error-summary", "2 things to put right")
        .await;
    let kept = publisher.find("[name=alternative]").await;
    assert_eq!(kept.value().await.unwrap().unwrap(), "no offer at all");
    publisher.fill("alternative", "").await;
    publisher
        .press_on("[name=reason][value=end_of_support]")
        .await;
    publisher.press_on("form[action$='/stop'] button").await;
    publisher.shows_in(".notice", "Not for sale").await;

    let visitor = Window::visitor(Script::On).await;
    visitor.go("/modules/northwind/line-counter").await;
    visitor.shows("This module is no longer offered").await;
    visitor.go("/modules?publisher=northwind").await;
    visitor.shows_not("Line Counter").await;

    publisher.press_on("form[action$='/resume'] button").await;
    publisher.shows_in(".page-head", "Live").await;
    visitor.go("/modules?publisher=northwind").await;
    visitor.shows_in("#results", "Line Counter").await;
}

#[tokio::test]
async fn a_registry_password_without_a_name_is_told_at_its_field() {
    let publisher = Window::of(FABRIKAM, Script::On).await;
    publisher
        .go("/publish/fabrikam/http-forwarder/plans/standard/image")
        .await;
    publisher.fill("password", "a password of theirs").await;
    publisher.press("Keep password").await;
    publisher
        .shows_in("#f-username-error", "Fill in both")
        .await;
    let page = publisher.driver().source().await.unwrap();
    assert!(
        !page.contains("a password of theirs"),
        "a password came back"
    );
    publisher.fill("username", "puller").await;
    publisher.fill("password", "a password of theirs").await;
    publisher.press("Keep password").await;
    publisher.shows_in(".notice", "A password is kept").await;
    publisher.press("Forget it").await;
    publisher.shows_in(".notice", "complete").await;
    publisher.shows_not("A password is kept").await;
}

//! A submission that no rule can decide: the reviewer rejects it citing a rule, and the publisher reads why.

use testkit::browser::Script;

use crate::demo::{FABRIKAM, REVIEWER};
use crate::window::Window;

/// Adds a setting that no text explains (LST-05 asks a person), submits, and gives the address of the submission.
pub async fn asks_for_a_person(window: &Window, offer: &str) -> String {
    window
        .go(&format!("/publish/{offer}/plans/standard/configuration"))
        .await;
    let free = window.script(
        "return [...document.querySelectorAll('#f-defaults\\\\.env input')].findIndex(i => !i.value)",
        Vec::new(),
    );
    let row = free.await;
    window
        .fill(&format!("defaults.env[{row}].name"), "UNEXPLAINED")
        .await;
    window
        .fill(&format!("defaults.env[{row}].value"), "1")
        .await;
    window.press("Save").await;
    window.shows_in(".notice", "This section is complete").await;
    window.press("Review and submit").await;
    window.press("Submit for certification").await;
    window.shows_in(".step-current", "Review").await;
    window.at().await
}

#[tokio::test]
async fn a_rejection_names_its_rule() {
    let publisher = Window::of(FABRIKAM, Script::On).await;
    let submission = asks_for_a_person(&publisher, "fabrikam/modbus-simulator").await;

    let reviewer = Window::of(REVIEWER, Script::On).await;
    reviewer.go("/review").await;
    reviewer
        .shows_in("table", "fabrikam.modbus-simulator")
        .await;
    let id = submission.rsplit('/').next().unwrap();
    reviewer.press_on(&format!("a[href$='/review/{id}']")).await;
    reviewer.shows_in(".judgement", "UNEXPLAINED").await;
    // The rule that asked is cited already; a word to the publisher is still owed.
    let cited = reviewer.find("[name=rules][value=LST-05]").await;
    assert!(cited.is_selected().await.unwrap());
    reviewer
        .press_on("form[action$='/reject'] button[type=submit]")
        .await;
    reviewer.find(".error-summary").await;
    reviewer.fill("comment", "Say what UNEXPLAINED does.").await;
    reviewer
        .press_on("form[action$='/reject'] button[type=submit]")
        .await;
    reviewer.go("/review").await;
    reviewer.shows_not("fabrikam.modbus-simulator").await;

    publisher.go(&submission).await;
    publisher
        .shows_in(".notice", "This submission was rejected")
        .await;
    publisher.shows("Say what UNEXPLAINED does.").await;
    publisher.shows("LST-05").await;
    publisher.press("Edit and submit again").await;
    publisher.shows_in("h1", "Modbus Simulator").await;
}

//! Every page of every role, in both sizes and themes: nothing that axe-core finds, nothing drawn wrong, nothing in the
//! console. The scenes are set first: one submission in preview, one at the reviewer's, one offer just begun, one lead.

use std::collections::BTreeMap;

use testkit::browser::Script;

use crate::demo::{CONTOSO, CUSTOMER, FABRIKAM, Fresh, NORTHWIND, OPERATOR, REVIEWER, demo};
use crate::look::{Eyes, press_through};
use crate::pages::{ADMIN, FIRST_DAY, MEMBER, REFUSED, REVIEW, SIGNED_IN, VISITOR, Visit};
use crate::publisher::resubmits;
use crate::reviewer::asks_for_a_person;
use crate::window::Window;

/// Blanks of an address and what is put there.
type Blanks = BTreeMap<&'static str, String>;

async fn round(eyes: &mut Eyes, window: &Window, who: &str, visits: &[Visit], blanks: &Blanks) {
    for (number, visit) in visits.iter().enumerate() {
        let path = blanks
            .iter()
            .fold(visit.path.to_owned(), |path, (blank, value)| {
                path.replace(blank, value)
            });
        window.go(&path).await;
        if !visit.press.is_empty() {
            press_through(window, visit.press).await;
        }
        let missing = visit.path.ends_with("/nothing");
        let expected = match (visit.press.is_empty(), missing) {
            (false, _) => "the server responded with a status of 422",
            (true, true) => "the server responded with a status of 404",
            (true, false) => "",
        };
        let name = format!("{who} {number:02} {path}");
        eyes.look(window, &name, expected).await;
    }
}

fn clean(eyes: &Eyes) {
    assert!(
        eyes.wrong.is_empty(),
        "{} things are wrong:\n{}",
        eyes.wrong.len(),
        eyes.wrong.join("\n")
    );
}

#[tokio::test]
async fn what_a_visitor_and_a_customer_see() {
    let mut eyes = Eyes::new();
    let none = Blanks::new();
    demo().measured("contoso.heartbeat", false).await;
    demo().measured("contoso.temperature-sensor", true).await;
    let visitor = Window::visitor(Script::On).await;
    round(&mut eyes, &visitor, "visitor", VISITOR, &none).await;
    let fresh = Fresh::start();
    let first = Window::elsewhere(&fresh.url, Script::On).await;
    round(&mut eyes, &first, "first", FIRST_DAY, &none).await;
    let customer = Window::of(CUSTOMER, Script::On).await;
    round(&mut eyes, &customer, "customer", SIGNED_IN, &none).await;
    // What a night broke is what its publisher is sent to.
    let publisher = Window::of(CONTOSO, Script::On).await;
    publisher.go("/publish/contoso/temperature-sensor").await;
    publisher.press("See what broke").await;
    publisher.shows("Does not pass RUN-05").await;
    clean(&eyes);
}

#[tokio::test]
async fn what_those_who_run_it_see() {
    let mut eyes = Eyes::new();
    let mut blanks = Blanks::new();
    let customer = Window::of(CUSTOMER, Script::On).await;
    customer.go("/modules/contoso/heartbeat/get").await;
    customer.fill("company", "Plant").await;
    customer.press_on("[name=consent]").await;
    customer.press("Send and get it").await;
    customer.shows("has your details").await;

    let member = Window::of(CONTOSO, Script::On).await;
    member.go("/publish/contoso/offers/new").await;
    member.fill("offer", "new-thing").await;
    member
        .fill("listing.title", "A thing that is just begun")
        .await;
    member.press("Create offer").await;
    member.shows_in("h1", "A thing that is just begun").await;
    resubmits(&member, "contoso/heartbeat", "Beats for ever.").await;
    member.shows_in(".step-current", "Preview").await;
    blanks.insert("{preview}", member.at().await);
    demo().measured("contoso.heartbeat", false).await;
    let submission = asks_for_a_person(&member, "contoso/threshold-filter").await;
    demo().measured("contoso.threshold-filter", false).await;
    blanks.insert(
        "{review}",
        submission.replace("/publish/submissions/", "/review/"),
    );
    round(&mut eyes, &member, "publisher", MEMBER, &blanks).await;

    let refused = Window::of(NORTHWIND, Script::On).await;
    refused.go("/publish/northwind/gateway-inspector").await;
    refused.press("Submission 1").await;
    refused.shows("This submission was rejected").await;
    eyes.look(&refused, "publisher rejected", "").await;
    let other = Window::of(FABRIKAM, Script::On).await;
    round(&mut eyes, &other, "other", REFUSED, &blanks).await;
    let reviewer = Window::of(REVIEWER, Script::On).await;
    round(&mut eyes, &reviewer, "reviewer", REVIEW, &blanks).await;
    let operator = Window::of(OPERATOR, Script::On).await;
    round(&mut eyes, &operator, "operator", ADMIN, &blanks).await;
    clean(&eyes);
}

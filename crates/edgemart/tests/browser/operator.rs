//! Somebody asks to become a publisher, the operator approves, and the portal opens.

use testkit::browser::Script;

use crate::demo::OPERATOR;
use crate::window::Window;

#[tokio::test]
async fn a_publisher_asks_and_the_operator_approves() {
    let newcomer = Window::visitor(Script::On).await;
    newcomer.go("/publish").await;
    newcomer.press("Create an account to publish").await;
    newcomer.fill("name", "Tess").await;
    newcomer.fill("email", "tess@tailspin.example").await;
    newcomer.fill("password", "a long enough phrase").await;
    newcomer.press_on("main form button[type=submit]").await;
    newcomer.shows("Become a publisher").await;
    newcomer.fill("title", "Tailspin").await;
    newcomer.fill("id", "tailspin").await;
    newcomer.fill("summary", "Vibration sensors.").await;
    newcomer.fill("website", "https://tailspin.example").await;
    newcomer
        .fill("contact_email", "market@tailspin.example")
        .await;
    newcomer.press("Ask to become a publisher").await;
    // The terms were not accepted.
    newcomer.find(".error-summary").await;
    newcomer.press_on("main input[type=checkbox]").await;
    newcomer.press("Ask to become a publisher").await;
    newcomer.shows("The operator has not decided yet").await;

    let operator = Window::of(OPERATOR, Script::On).await;
    operator.go("/admin").await;
    operator.shows_in(".tiles", "Publishers to decide").await;
    operator.go("/admin/publishers").await;
    operator.shows_in("#tailspin", "Waiting for approval").await;
    operator.press("Approve Tailspin").await;
    operator.go("/admin/publishers?state=approved").await;
    operator.shows_in("#tailspin", "Approved").await;

    newcomer.go("/publish/tailspin").await;
    newcomer.shows_not("The operator has not decided yet").await;
    newcomer.press("New offer").await;
    newcomer.shows_in("h1", "New offer").await;
}

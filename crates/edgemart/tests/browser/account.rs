//! Creating an account, a token that is shown once, signing out and in again.

use testkit::browser::Script;

use crate::window::Window;

#[tokio::test]
async fn an_account_a_token_shown_once_and_out_again() {
    let window = Window::visitor(Script::On).await;
    window.go("/account/tokens").await;
    window.shows_in("h1", "Sign in").await;
    window.press("Create an account").await;
    window.fill("name", "Ada").await;
    window.fill("email", "ada@home.example").await;
    window.fill("password", "short").await;
    window.press("Create an account").await;
    window
        .shows_in(".error-summary", "One thing to put right")
        .await;
    assert_eq!(
        window
            .find("[name=password]")
            .await
            .value()
            .await
            .unwrap()
            .unwrap_or_default(),
        "",
        "a password came back to the page"
    );
    window.fill("password", "a long enough phrase").await;
    window.press_on("main form button[type=submit]").await;
    // Back where the sign-in was asked for.
    window.shows_in("h1", "Access tokens").await;
    assert_eq!(window.at().await, "/account/tokens");
    window.shows_in("main", "No tokens yet").await;

    window.fill("name", "CI of the sensor").await;
    window.fill("days", "30").await;
    window.press("Create token").await;
    window.shows_in(".notice", "Copy the token now").await;
    let secret = window.text(".secret code").await;
    assert!(secret.len() > 30, "{secret}");
    window.go("/account/tokens").await;
    window.shows_in("table", "CI of the sensor").await;
    let page = window.driver().source().await.unwrap();
    assert!(!page.contains(&secret), "the token is shown a second time");

    window.press("Revoke").await;
    window.shows_in("table", "Revoked").await;
    window.press_on(".account > summary").await;
    window.press("Sign out").await;
    window.shows_in(".site-header", "Sign in").await;
    window.go("/account").await;
    window.fill("email", "ada@home.example").await;
    window.fill("password", "not the phrase at all").await;
    window.press_on("main form button[type=submit]").await;
    window.find(".error-summary").await;
    window.fill("email", "ada@home.example").await;
    window.fill("password", "a long enough phrase").await;
    window.press_on("main form button[type=submit]").await;
    window.shows_in("h1", "Ada").await;
}

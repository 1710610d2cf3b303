//! The visitor's way with the keyboard alone, each stop of it visible; menus close with Escape.

use serde_json::json;
use testkit::browser::Script;
use thirtyfour::{Key, TypingData};

use crate::window::Window;

/// Stops of a page; more means that the one looked for is not reached.
const STOPS_MAX: usize = 80;

/// What has the focus: how it is drawn, what it is called, which it is.
const FOCUS: &str = "
    const at = document.activeElement, drawn = getComputedStyle(at), box = at.getBoundingClientRect();
    const ring = drawn.outlineStyle !== 'none' && parseFloat(drawn.outlineWidth) >= 2;
    const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return { id: at.id, name: at.name || '', text: (at.innerText || '').trim(), seen: ring && inside };";

async fn press(window: &Window, keys: impl Into<TypingData>) {
    let at = window.driver().active_element().await.unwrap();
    at.send_keys(keys).await.unwrap();
}

/// Goes on with Tab until the stop that a script's condition on `at` knows; every stop on the way has to be visible.
async fn tab_to(window: &Window, condition: &str) {
    let is_there = format!("const at = document.activeElement; return {condition}");
    for _ in 0..STOPS_MAX {
        press(window, Key::Tab).await;
        let focus = window.script(FOCUS, Vec::new()).await;
        assert_eq!(
            focus["seen"],
            json!(true),
            "a stop that nobody sees: {focus}"
        );
        if window.script(&is_there, Vec::new()).await == json!(true) {
            return;
        }
    }
    panic!("Tab never came to {condition} at {}", window.at().await);
}

#[tokio::test]
async fn from_the_skip_link_to_a_manifest() {
    let window = Window::visitor(Script::On).await;
    window.go("/").await;
    press(&window, Key::Tab).await;
    let first = window.script(FOCUS, Vec::new()).await;
    assert_eq!(first["text"], "Skip to content");
    assert_eq!(
        first["seen"],
        json!(true),
        "the skip link stays hidden: {first}"
    );
    press(&window, Key::Enter).await;
    let main = window.script(FOCUS, Vec::new()).await;
    assert_eq!(main["id"], "main");
    tab_to(&window, "at.name === 'q'").await;
    press(&window, "forwrader").await;
    press(&window, Key::Enter).await;
    window.shows_in("#results", "HTTP Forwarder").await;

    tab_to(
        &window,
        "at.name === 'platform' && at.value === 'linux/arm64'",
    )
    .await;
    press(&window, " ").await;
    window.shows_in("#results", "Platform: linux/arm64").await;
    let kept = window.script(FOCUS, Vec::new()).await;
    assert_eq!(
        kept["id"], "facet-platform-linux/arm64",
        "narrowing the list throws the reader out of it"
    );
    tab_to(&window, "at.innerText === 'HTTP Forwarder'").await;
    press(&window, Key::Enter).await;
    window.shows_in("h1", "HTTP Forwarder").await;
    tab_to(&window, "at.innerText.trim() === 'Get the manifest'").await;
    press(&window, Key::Enter).await;
    window.shows_in(".notice", "MY_SERVER_IP_ADDRESS").await;
    tab_to(&window, "at.name === 'set.MY_SERVER_IP_ADDRESS'").await;
    press(&window, "192.0.2.19").await;
    press(&window, Key::Enter).await;
    window
        .shows_in("#manifest ~ .code pre", "http://192.0.2.19:8080/messages")
        .await;
    // Long text scrolls by keyboard, and the copy button stands before it.
    tab_to(&window, "at.matches('#manifest ~ .code pre')").await;
}

#[tokio::test]
async fn escape_closes_what_is_open() {
    let window = Window::visitor(Script::On).await;
    window.go("/modules/contoso/heartbeat").await;
    for opener in [".device > summary", ".tile > summary"] {
        tab_to(&window, &format!("at.matches('{opener}')")).await;
        press(&window, Key::Enter).await;
        let panel = opener.replace("> summary", "> .panel");
        window.find(&panel).await;
        press(&window, Key::Tab).await;
        press(&window, Key::Escape).await;
        assert!(!window.shown(&panel).await, "{opener} stays open");
        let back = format!("return document.activeElement.matches('{opener}')");
        assert_eq!(
            window.script(&back, Vec::new()).await,
            json!(true),
            "the focus does not return to {opener}"
        );
    }
    // "/" goes to the search box, from anywhere but a field.
    press(&window, "/").await;
    let focus = window.script(FOCUS, Vec::new()).await;
    assert_eq!(focus["name"], "q");
}

//! The page of `edgemart try`, with a module that works behind it: what a developer sees and does there.

use testkit::browser::Script;
use testkit::process::Process;
use thirtyfour::prelude::*;

use crate::look::Eyes;
use crate::sensor;
use crate::window::Window;

/// A run of the Python fixture on an address of its own, and the address of its page.
fn run() -> (Process, String) {
    let sensor = sensor::arguments("127.9.4.1", "temperature-sensor", 5, &[]);
    let arguments: Vec<&str> = ["try"]
        .into_iter()
        .chain(sensor.iter().map(String::as_str))
        .collect();
    let process = Process::start(env!("CARGO_BIN_EXE_edgemart"), &arguments);
    let page = |line: &str| line.starts_with("Page: ");
    let lines = process.read_until(page, std::time::Duration::from_secs(30));
    let address = lines
        .last()
        .unwrap()
        .trim_start_matches("Page: ")
        .to_owned();
    (process, address)
}

#[tokio::test]
async fn a_developer_watches_a_module_and_acts_on_it() {
    let (_process, address) = run();
    let window = Window::at_address(&address, Script::On).await;
    window.shows_in("#phase", "Running").await;
    window.shows_in("#connection", "Connected").await;
    window.shows_in("#feed", "$upstream").await;
    window.shows_in("#memory", "MiB").await;

    window.fill("name", "ping").await;
    window.press("Call").await;
    window.shows_in("[data-order=call]", "200").await;
    // By keyboard alone: from field to field, and Enter sends.
    let input = window.find("#input").await;
    input.send_keys("in" + Key::Enter).await.unwrap();
    window.shows_in("[data-order=input]", "Done").await;
    window.fill("desired", "{\"interval\": 2}").await;
    window.press("Set desired").await;
    window.shows_in("[data-order=desired]", "version 2").await;
    window.shows_in("#reported", "\"interval\": 2").await;
    window.fill("desired", "{").await;
    window.press("Set desired").await;
    window.shows_in("[data-order=desired]", "no JSON").await;
    window.press("Undo edits").await;
    let mut eyes = Eyes::new();
    eyes.look(&window, "try", "").await;
    assert!(eyes.wrong.is_empty(), "{}", eyes.wrong.join("\n"));
}

#[tokio::test]
async fn without_script_the_page_says_where_to_look() {
    let address = {
        let module = ["try", "--no-container", "--address", "127.9.4.2"];
        let process = Process::start(env!("CARGO_BIN_EXE_edgemart"), &module);
        let lines = process.read_until(
            |line| line.starts_with("Page: "),
            std::time::Duration::from_secs(30),
        );
        let address = lines
            .last()
            .unwrap()
            .trim_start_matches("Page: ")
            .to_owned();
        let window = Window::at_address(&address, Script::Off).await;
        window.shows("The terminal shows the same").await;
        address
    };
    // With the run its page is gone.
    let host = address
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap();
    assert!(std::net::TcpStream::connect(host).is_err());
}

//! Real headless Chromium against the real `edgemart demo`: what people do, by mouse, by keyboard and without script,
//! and every page of every role as it looks in both sizes and themes. One demo and one chromedriver serve all stories;
//! each story changes offers that no other story reads.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a story that goes wrong panics, and its parts are shared by modules"
)]

mod account;
mod customer;
mod demo;
mod keyboard;
mod look;
mod operator;
mod pages;
mod pictures;
mod publisher;
mod reviewer;
#[path = "../trial/sensor.rs"]
mod sensor;
mod sweep;
mod trial;
mod visitor;
mod window;

//! Serves the whole site with invented content, for looking at the signed-in pages:
//! `cargo run -p web --example signed_in [ADDRESS]`. Prints a cookie for each role; nothing of it is kept.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "shares the tests' seeding, which panics when it goes wrong"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/people/mod.rs"]
mod people;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8098".to_owned());
    let market = common::stocked().await;
    people::move_in(&market).await;
    for (at, email) in people::PEOPLE.iter().enumerate().skip(1) {
        println!("{email}\t{}", people::cookie(&market, email, at).await);
    }
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/publish", listener.local_addr()?);
    axum::serve(listener, market.router.clone()).await
}

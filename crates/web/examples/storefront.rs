//! Serves the whole site on rows of invented modules, for looking at it: `cargo run -p web --example storefront`.
//! The address is the first argument, by default 127.0.0.1:8098.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::too_many_lines,
    reason = "shares the tests' seeding, which panics when it goes wrong"
)]

#[path = "../tests/common/mod.rs"]
mod common;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8098".to_owned());
    let market = common::stocked().await;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!(
        "http://{}/  sign in as {} with `{}`",
        listener.local_addr()?,
        common::DEV,
        common::PASSWORD
    );
    axum::serve(listener, market.router.clone()).await
}

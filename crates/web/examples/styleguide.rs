//! Serves the style guide alone, for looking at it: `cargo run -p web --example styleguide`.
//! The address is the first argument, by default 127.0.0.1:8099.

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    let app = Router::new()
        .merge(web::styleguide::router())
        .merge(web::static_files::router())
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static(web::layout::CONTENT_SECURITY_POLICY),
        ))
        .layer(CompressionLayer::new());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/styleguide", listener.local_addr()?);
    axum::serve(listener, app).await
}

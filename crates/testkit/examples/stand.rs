//! Starts PostgreSQL and an S3 server for something that is not a Rust test, prints the environment that `edgemart serve`
//! needs for them, one `NAME=value` a line and an empty line at the end, and lives until its input ends.

use std::io::Write as _;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let s3 = testkit::s3::start().await;
    let keys = s3.keys();
    let mut out = std::io::stdout();
    for (name, value) in [
        (
            "EDGEMART_DATABASE_URL",
            testkit::postgres::create_database(),
        ),
        ("EDGEMART_STORAGE_URL", s3.storage_url("stand")),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
    ] {
        writeln!(out, "{name}={value}")?;
    }
    writeln!(out)?;
    out.flush()?;
    let ended = tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())
    });
    ended.await.map_err(std::io::Error::other)??;
    Ok(())
}

//! `edgemart demo`: one command, no set-up. Starts a marketplace in a scratch folder, publishes the sample catalog
//! through the real pipeline (import from a second registry, certification, sign-off), and serves until Ctrl-C.

mod engine;
mod more;
mod people;
mod publish;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use app::egress::EgressPolicy;

use crate::config::{Flags, alone};
use crate::run::{listen, start};
pub(crate) use engine::EngineChoice;

/// Submissions on their way at once, where modules are run.
const SUBMISSIONS_AT_ONCE: usize = 12;
/// Modules that run at once.
const RUNS_AT_ONCE: usize = 16;

/// Runs the demo.
pub(crate) async fn demo(
    address: SocketAddr,
    data: Option<PathBuf>,
    beyond_loopback: bool,
    engine: EngineChoice,
    more: &[PathBuf],
) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    // The demo prints working passwords, so other machines only reach it when somebody says so.
    if !address.ip().is_loopback() && !beyond_loopback {
        return Err(format!("the demo listens on {address}, which other machines reach, with passwords printed on the screen. Say --insecure-http if that is what you want").into());
    }
    let scratch = match &data {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("edgemart-demo-")
                .tempdir()?,
        ),
    };
    let folder = data
        .or_else(|| scratch.as_ref().map(|s| s.path().to_path_buf()))
        .unwrap_or_default();
    let upstream = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let upstream_address = upstream.local_addr()?;
    let mut shelf = upstream::shelf()?;
    let mut folders = Vec::new();
    for folder in more {
        more::load(folder, &mut shelf)?;
        folders.push(more::offer(folder)?);
    }
    let router = upstream::router(shelf);
    let serving = tokio::spawn(async move { axum::serve(upstream, router).await });
    let listener = listen(address).await?;
    // A shell that is set up for an installation, or a folder with its edgemart.toml, is no reason to publish samples there.
    let mut config = alone(&Flags {
        listen: Some(listener.local_addr()?),
        data: Some(folder),
        insecure_http: true,
        ..Flags::default()
    })?;
    config.egress = EgressPolicy::allowing(&[&upstream_address.to_string()])?;
    config.egress.insecure = config.egress.allow.clone();
    config.settings.engine = engine.address().await?;
    if config.settings.engine.is_some() {
        side_by_side(&mut config.settings);
    }
    let running = start(config, listener).await?;
    eprintln!("Edgemart demo: publishing the sample catalog through the real pipeline …");
    let people = people::create(&running.app).await?;
    let told = publish::publish_samples(
        &running.app,
        &people,
        folders,
        &upstream_address.to_string(),
    )
    .await?;
    let url = format!("{}://{}", running.scheme, running.address);
    eprintln!(
        "\n{} modules live, {} refused on purpose, {} for a reviewer to decide, in {:.1} s. Everything is in {} mode: stop with Ctrl-C.\n",
        told.live,
        told.rejected,
        told.in_review,
        begun.elapsed().as_secs_f32(),
        if scratch.is_some() { "scratch" } else { "kept" },
    );
    people.print(&url);
    try_this(&url, &running.address);
    println!("ready {url}");
    running.until_stopped().await;
    serving.abort();
    Ok(())
}

/// A visitor waits for the whole catalog: its modules run at once, and a run is mostly waiting. Under emulation they would
/// take three times as long.
fn side_by_side(settings: &mut app::settings::Settings) {
    settings.limits.jobs_parallel_max = SUBMISSIONS_AT_ONCE;
    settings.runs.parallel_max = RUNS_AT_ONCE;
    settings.runs.emulated = false;
}

fn try_this(url: &str, address: &SocketAddr) {
    eprintln!("\nThree things to try:");
    eprintln!("  1. Find a module with a misspelt word:   {url}/modules?q=temprature");
    eprintln!(
        "  2. Copy its manifest:                    edgemart --url {url} manifest contoso.temperature-sensor"
    );
    eprintln!(
        "  3. Pull its image as a device would:     skopeo copy --all --src-tls-verify=false docker://{address}/contoso/temperature-sensor/standard:latest dir:/tmp/temperature-sensor\n"
    );
}

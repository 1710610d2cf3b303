//! `edgemart serve`: the marketplace of an installation.

use crate::config::{Flags, load};
use crate::logging::start_serving;
use crate::run::{listen, start};

/// Serves until told to stop.
pub(crate) async fn serve(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let config = load(flags)?;
    start_serving(config.log_format, config.log.as_deref());
    let listener = listen(config.listen).await?;
    // With port 0 only the bound listener knows the address that public_url and registry_host default to.
    let bound = Flags {
        listen: Some(listener.local_addr()?),
        ..flags.clone()
    };
    let config = load(&bound)?;
    let public_url = config.settings.public_url.clone();
    let running = start(config, listener).await?;
    tracing::info!(address = %running.address, %public_url, "serving");
    if let Some(secret) = app::accounts::set_up_link(&running.app).await? {
        // Behind `#` it never reaches a server log.
        eprintln!("No operator yet. Open this link once to become the first one:");
        eprintln!("  {}#{secret}", public_url.join("/set-up")?);
    }
    println!("ready {}://{}", running.scheme, running.address);
    running.until_stopped().await;
    Ok(())
}

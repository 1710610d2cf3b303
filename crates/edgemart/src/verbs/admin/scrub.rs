//! `edgemart admin scrub`: reads every blob of the installation and puts aside what is spoiled.

use app::registry::scrub;

use super::installation::Installation;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin scrub --data /var/lib/edgemart")]
pub(super) struct Scrub {
    /// Only say what is spoiled.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Scrub {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let app = self.installation.open().await?;
        let report = scrub(&app, self.dry_run).await.map_err(|error| {
            Failure::new(Exit::Failure, "the scrub stopped half-way").why(error)
        })?;
        let shown = serde_json::to_value(&report).map_err(|error| {
            Failure::new(Exit::Failure, "the report cannot be written").why(error)
        })?;
        global.show(&shown, String::new)?;
        tell(&format!(
            "{} blobs, {}: {} broken.",
            report.blobs,
            web::format::bytes(report.bytes),
            report.broken
        ));
        for broken in &report.list {
            tell(&format!(
                "  {} {}, held by {}",
                broken.digest,
                broken
                    .found
                    .as_ref()
                    .map_or_else(|| "is missing".to_owned(), |found| format!("is {found}")),
                broken.held_by.join(", ")
            ));
        }
        if report.broken == 0 {
            return Ok(());
        }
        Err(
            Failure::new(Exit::Failure, "some blobs are not what their names say")
                .fix("push or import these images again; that puts the right bytes back"),
        )
    }
}

//! `edgemart admin gc`: one run of the garbage collection that a serving marketplace does by itself every hour.

use app::registry::collect_garbage;
use serde_json::json;

use super::installation::Installation;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin gc --dry-run --data /var/lib/edgemart")]
pub(super) struct Gc {
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
    /// Hours that something must have been unused; as configured when left out.
    #[arg(long)]
    grace_hours: Option<u32>,
    #[command(flatten)]
    installation: Installation,
}

impl Gc {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let app = self.installation.open().await?;
        let configured = app.settings.registry.gc_grace_hours;
        let hours = self
            .grace_hours
            .or(configured)
            .unwrap_or(app::registry::GC_GRACE_HOURS);
        let report = collect_garbage(&app, hours, self.dry_run)
            .await
            .map_err(|error| {
                Failure::new(Exit::Failure, "the garbage collection stopped half-way")
                    .why(error)
                    .fix("run it again; nothing is lost by that")
            })?;
        global.show(
            &json!({"dry_run": self.dry_run, "grace_hours": hours, "report": report}),
            String::new,
        )?;
        let would = if self.dry_run { "would be " } else { "" };
        tell(&format!(
            "{} repositories: {} manifests and {} blobs {would}let go; {} things {would}marked; {} manifests and {} blobs ({}) {would}removed.",
            report.repositories,
            report.manifests_let_go,
            report.blobs_let_go,
            report.marked,
            report.manifests_removed,
            report.blobs_removed,
            web::format::bytes(report.bytes_removed),
        ));
        Ok(())
    }
}

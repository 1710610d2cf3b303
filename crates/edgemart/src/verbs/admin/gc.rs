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
    /// Hours, 1 or more, that something must have been unused; as configured when left out. (In the configuration,
    /// `gc_grace_hours = 0` switches the hourly run off and says nothing about this one.)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    grace_hours: Option<u32>,
    /// Remove at once whatever is unused. Pushes and imports under way may be told to send it again.
    #[arg(long, conflicts_with = "grace_hours")]
    no_grace: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Gc {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let app = self.installation.open().await?;
        let configured = app.settings.registry.gc_grace_hours;
        let hours = match self.no_grace {
            true => 0,
            false => self
                .grace_hours
                .or(configured)
                .unwrap_or(app::registry::GC_GRACE_HOURS),
        };
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
        if report.failed == 0 {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Failure,
            format!("{} things could not be dealt with", report.failed),
        )
        .why("the lines above name each of them")
        .fix("run it again; the others were dealt with"))
    }
}

//! `edgemart admin scrub`: reads every blob of the installation and puts aside what is spoiled, and
//! fetches it again from where it was imported.

use app::registry::{Broken, Mend, scrub};

use super::installation::Installation;
use crate::verbs::context::Global;
use crate::verbs::failure::{Exit, Failure, tell};

#[derive(Debug, clap::Args)]
#[command(before_help = "Example:\n  edgemart admin scrub --data /var/lib/edgemart")]
pub(super) struct Scrub {
    /// Only say what is spoiled.
    #[arg(long)]
    dry_run: bool,
    /// Put aside what is spoiled, but ask no other registry for it.
    #[arg(long, conflicts_with = "dry_run")]
    no_fetch: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Scrub {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let app = self.installation.open().await?;
        let mend = match (self.dry_run, self.no_fetch) {
            (true, _) => Mend::Nothing,
            (false, true) => Mend::PutAside,
            (false, false) => Mend::Fetch,
        };
        let report = scrub(&app, mend).await.map_err(|error| {
            Failure::new(Exit::Failure, "the scrub stopped half-way").why(error)
        })?;
        let shown = serde_json::to_value(&report).map_err(|error| {
            Failure::new(Exit::Failure, "the report cannot be written").why(error)
        })?;
        global.show(&shown, String::new)?;
        tell(&format!(
            "{} blobs, {}: {} broken, {} of them whole again.",
            report.blobs,
            web::format::bytes(report.bytes),
            report.broken,
            report.healed
        ));
        for broken in &report.list {
            tell(&line(broken));
        }
        if report.broken == report.healed {
            return Ok(());
        }
        Err(
            Failure::new(Exit::Failure, "some blobs are not what their names say")
                .fix("push or import these images again; that puts the right bytes back"),
        )
    }
}

fn line(broken: &Broken) -> String {
    let found = match (&broken.found, &broken.unreadable) {
        (Some(found), _) => format!("was {found}"),
        (None, Some(why)) => format!("cannot be read: {why}"),
        (None, None) => "was missing".to_owned(),
    };
    let stays = match &broken.not_put_aside {
        Some(why) => format!("; not put aside: {why}"),
        None => String::new(),
    };
    let fate = match (&broken.healed_from, &broken.not_healed) {
        (Some(source), _) => format!("; fetched again from {source}"),
        (None, Some(why)) => format!("; not fetched again: {why}"),
        (None, None) => String::new(),
    };
    let held_by = broken.held_by.join(", ");
    format!(
        "  {} {found}, held by {held_by}{stays}{fate}",
        broken.digest
    )
}

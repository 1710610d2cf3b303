//! FTP-01: the module stays within the memory that it was given.

use super::trial::{ended, missing, readable_bytes};
use crate::places::each_trial;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "FTP-01",
    title: "The module stays within the memory that it was given",
    level: Level::Block,
    waivable: true,
    sources: &["edge-runtime §6.1"],
    why: "Edge devices are small; a module that takes more than its share is ended by the kernel, or takes others \
          with it.",
    fix: "Bound buffers and caches. A module that needs more says so in HostConfig.Memory of its createOptions; where \
          that is more than the marketplace's operator gives to a trial, it is not run, which is no failure. \
          `edgemart try --check --memory-max` runs it with as much as you give it.",
    check,
};

fn check(subject: &Subject) -> Vec<Outcome> {
    each_trial(subject, |_, observed, place| {
        if observed.emulated {
            return Outcome::not_run(place, "an emulator's memory is not the module's");
        }
        let given = observed
            .footprint
            .as_ref()
            .map(|f| readable_bytes(f.memory_bytes_max));
        let outage = observed
            .outage
            .as_ref()
            .and_then(|outage| outage.exit.as_ref());
        let renewal = observed
            .renewal
            .as_ref()
            .and_then(|renewal| renewal.exit.as_ref());
        let mut exits = observed.first.exit.iter().chain(outage).chain(renewal);
        if let Some(exit) = exits.find(|exit| exit.out_of_memory) {
            let given = given.unwrap_or_default();
            return Outcome::failed(
                place,
                format!("ended by the kernel at {given}; {}", ended(exit)),
            );
        }
        match &observed.footprint {
            Some(footprint) if footprint.samples > 0 => Outcome::passed(
                place,
                format!(
                    "at most {}, at the end {}, of {}",
                    readable_bytes(footprint.memory_peak_bytes),
                    readable_bytes(footprint.memory_steady_bytes),
                    given.unwrap_or_default()
                ),
            ),
            _ => missing(observed, place, "it was not measured"),
        }
    })
}

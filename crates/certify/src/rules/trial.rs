//! What the rules on running modules share: how far a module has to come before a rule's turn, and how a start, an end
//! or a length of time reads.

use crate::rule::Outcome;
use domain::behaviour::{Exit, Life, Observed, Reached};

/// An end within so many milliseconds of the start, with nothing done before, is a module that did not start.
const START_MS: u64 = 10_000;

/// Did the first start succeed?
pub(super) fn started(observed: &Observed) -> bool {
    let first = &observed.first;
    let at_once = first
        .exit
        .as_ref()
        .is_some_and(|exit| exit.after_ms < START_MS && !exit.out_of_memory);
    first.not_started.is_none() && !(at_once && first.reached == Reached::Nothing)
}

/// Why nothing more can be said, when the module ended before anybody asked it to.
pub(super) fn gone(observed: &Observed) -> Option<&'static str> {
    if !started(observed) {
        Some("it did not start; see RUN-01")
    } else if observed.first.exit.is_some() {
        Some("it ended before; see RUN-02 and FTP-01")
    } else {
        None
    }
}

/// Why nothing more can be said, when the module never connected.
pub(super) fn unconnected(observed: &Observed) -> Option<&'static str> {
    (observed.first.reached < Reached::Connected)
        .then_some("it never connected; see RUN-03 to RUN-05")
}

/// A companion does not speak to the hub.
pub(super) fn companion(place: &str) -> Outcome {
    Outcome::not_applicable(
        place,
        "a companion serves another module instead of the hub",
    )
}

/// Evidence that is not there: a plain process cannot give it, a container did not come so far.
pub(super) fn missing(observed: &Observed, place: &str, why: &str) -> Outcome {
    if observed.contained {
        Outcome::not_reached(place, why)
    } else {
        Outcome::not_run(place, "it ran as a plain process, not in a container")
    }
}

/// Judges a later start.
pub(super) fn again(place: &str, life: &Life, wanted: Reached) -> Outcome {
    match (&life.not_started, &life.exit) {
        (Some(why), _) => Outcome::failed(place, why),
        (None, Some(exit)) => Outcome::failed(place, ended(exit)),
        (None, None) if life.reached < wanted => Outcome::failed(
            place,
            format!("it came less far than at first: {}", life.reached.advice()),
        ),
        (None, None) => Outcome::passed(
            place,
            match life.connected_ms {
                Some(after) => format!("connected after {}", readable(after)),
                None => format!("up for {}", readable(life.watched_ms)),
            },
        ),
    }
}

/// An end, in words.
pub(super) fn ended(exit: &Exit) -> String {
    let during = match exit.during.as_str() {
        "" => String::new(),
        what => format!(", during {what}"),
    };
    let after = readable(exit.after_ms);
    format!("ended with code {} after {after}{during}", exit.code)
}

/// Milliseconds as people read them.
pub(super) fn readable(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms / 100 % 10),
    }
}

/// Bytes as people read them.
pub(super) fn readable_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

//! Queues the nightly runs of live modules: once a night, the one that was run longest ago first, spread over the night,
//! as many as the operator allows. Every replica does it; the same work queued twice is queued once.

use std::time::Duration;

use domain::ids::OfferKey;
use store::runs::Summary as Run;
use tokio::sync::watch;

use super::Kind;
use crate::App;
use crate::catalog::Module;
use crate::clock::{DAY, SECOND};
use crate::settings::Nightly;

/// How often it is looked whether a night has begun.
const LOOK_EVERY: Duration = Duration::from_secs(60);
const MINUTE: i64 = 60 * SECOND;

/// Looks until `stop` turns true.
pub async fn nights(app: App, mut stop: watch::Receiver<bool>) {
    let (Some(nightly), Some(_)) = (app.settings.runs.nightly, &app.settings.engine) else {
        return;
    };
    let mut last = None;
    while !*stop.borrow() {
        let night = night_at(app.clock.now(), nightly);
        if night.is_some() && night != last {
            match begin_night(&app).await {
                Ok(0) => last = night,
                Ok(count) => {
                    tracing::info!(count, "queued the nightly runs of live modules");
                    last = night;
                }
                Err(error) => tracing::warn!(%error, "could not queue nightly runs; trying again"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Queues what is due in the present night; tells how many modules that are. Nothing outside of a night.
pub async fn begin_night(app: &App) -> Result<usize, store::Error> {
    let now = app.clock.now();
    let Some(nightly) = app.settings.runs.nightly else {
        return Ok(0);
    };
    let Some((since, until)) = night_at(now, nightly) else {
        return Ok(0);
    };
    let snapshot = app.catalog.snapshot();
    let listed = snapshot.modules.iter().filter(|module| module.listed);
    let modules = listed.filter_map(|module| Some((last_run(module, since)?, module.key.clone())));
    let due = due(modules.collect(), since, nightly.modules_max);
    let tx = app.writer.begin().await?;
    for (key, at) in spread(&due, now, until) {
        app.enqueue_for(&tx, Kind::Rerun, &key.to_string(), &key.publisher, at)
            .await?;
    }
    tx.commit().await?;
    app.jobs_waiting.notify_waiters();
    Ok(due.len())
}

/// When the image that was run longest ago was run: 0 when none was ever tried. Nothing when they were tried and nobody
/// could run them: a night would do no better. A certification is none of this night's runs.
fn last_run(module: &Module, since: i64) -> Option<i64> {
    let mut runs = module.plans.iter().flat_map(|plan| &plan.runs).peekable();
    if runs.peek().is_none() {
        return Some(0);
    }
    let ran = runs.filter(|run| run.why_not.is_none());
    let latest = |run: &Run| {
        if run.nightly {
            run.began_at
        } else {
            run.began_at.min(since - 1)
        }
    };
    ran.map(latest).min()
}

/// Begin and end of the night that a moment lies in.
pub(crate) fn night_at(now: i64, nightly: Nightly) -> Option<(i64, i64)> {
    let midnight = now.div_euclid(DAY) * DAY;
    let length = i64::from(nightly.minutes) * MINUTE;
    // One that began yesterday may not be over.
    [midnight, midnight - DAY]
        .map(|day| day + i64::from(nightly.from_minute) * MINUTE)
        .into_iter()
        .map(|begin| (begin, begin + length))
        .find(|(begin, end)| (*begin..*end).contains(&now))
}

/// What was not run since the night began, the longest ago first. What was counts towards the most.
fn due(mut modules: Vec<(i64, OfferKey)>, since: i64, most: usize) -> Vec<OfferKey> {
    modules.sort();
    let done = modules.iter().filter(|(last, _)| *last >= since).count();
    modules
        .into_iter()
        .filter(|(last, _)| *last < since)
        .map(|(_, key)| key)
        .take(most.saturating_sub(done))
        .collect()
}

/// Evenly over what is left of the night.
fn spread(due: &[OfferKey], now: i64, until: i64) -> impl Iterator<Item = (&OfferKey, i64)> {
    let parts = i64::try_from(due.len()).unwrap_or(i64::MAX).max(1);
    let step = (until - now).max(0) / parts;
    due.iter()
        .zip(0_i64..)
        .map(move |(key, at)| (key, now + at * step))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE;

    fn from(from_minute: u32, minutes: u32) -> Nightly {
        Nightly {
            from_minute,
            minutes,
            ..Nightly::default()
        }
    }

    #[test]
    fn a_night_may_go_over_midnight() {
        let late = from(22 * 60, 4 * 60);
        let day = 20_000 * DAY;
        let evening = Some((day + 22 * HOUR, day + 26 * HOUR));
        assert_eq!(night_at(day + 22 * HOUR, late), evening);
        assert_eq!(night_at(day + 25 * HOUR, late), evening);
        assert_eq!(night_at(day + 26 * HOUR, late), None);
        assert_eq!(night_at(day + 21 * HOUR, late), None);
        let early = from(60, 240);
        assert_eq!(
            night_at(day + 2 * HOUR, early),
            Some((day + HOUR, day + 5 * HOUR))
        );
        assert_eq!(night_at(day, early), None);
        let always = from(0, 24 * 60);
        assert_eq!(night_at(day + 3, always), Some((day, day + DAY)));
    }

    #[test]
    fn the_longest_unseen_come_first_and_not_too_many() {
        let key = |name: &str| name.parse::<OfferKey>().expect("a key");
        let modules = vec![
            (50, key("p.old")),
            (200, key("p.tonight")),
            (0, key("p.never")),
            (60, key("p.newer")),
        ];
        let chosen = |most| due(modules.clone(), 100, most);
        assert_eq!(chosen(9), [key("p.never"), key("p.old"), key("p.newer")]);
        assert_eq!(chosen(3), [key("p.never"), key("p.old")], "one was run");
        assert_eq!(chosen(1), []);
        let keys = chosen(9);
        let times: Vec<i64> = spread(&keys, 100, 400).map(|(_, at)| at).collect();
        assert_eq!(times, [100, 200, 300]);
        assert_eq!(spread(&[], 1, 2).count(), 0);
    }
}

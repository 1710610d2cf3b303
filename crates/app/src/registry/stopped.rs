//! What whoever pulls a module reads when its publisher stopped selling it. Those who have it keep pulling it: they get a
//! warning, unless the operator decided that a stop of that kind denies.

use std::sync::Arc;

use domain::ids::OfferKey;
use domain::lifecycle::{OfferState, StopReason};
use oci::RepositoryName;
use store::offers::StopInfo;

use super::place::Place;
use super::refusal::Refusal;
use crate::App;
use crate::settings::OnStop;

/// The warning of a stopped module; none for one that is sold. Refuses where the operator wants that.
pub(super) async fn stopped(
    app: &App,
    repository: &RepositoryName,
) -> Result<Option<Arc<str>>, Refusal> {
    let Place::Release(key, _) = Place::of(repository) else {
        return Ok(None);
    };
    // The row and not the catalog's snapshot, which may be a moment older than the version an answer is cached under.
    let row = store::offers::find(&app.reader, &key).await?;
    let Some(row) = row.filter(|row| row.state == OfferState::Stopped) else {
        return Ok(None);
    };
    let words = words(&key, row.stop.as_ref());
    let security = row
        .stop
        .is_some_and(|stop| stop.reason == StopReason::SecurityIssue);
    let decided = match security {
        true => app.settings.registry.on_security_stop,
        false => app.settings.registry.on_stop,
    };
    match decided {
        OnStop::Warn => Ok(Some(words.into())),
        OnStop::Deny => Err(Refusal::Denied(words)),
    }
}

/// For layers, which carry no warning: refuses where the operator wants that, and asks nothing otherwise.
pub(super) async fn refuse_stopped(app: &App, repository: &RepositoryName) -> Result<(), Refusal> {
    let registry = &app.settings.registry;
    if [registry.on_stop, registry.on_security_stop].contains(&OnStop::Deny) {
        stopped(app, repository).await?;
    }
    Ok(())
}

fn words(key: &OfferKey, stop: Option<&StopInfo>) -> String {
    let why = match stop.map(|stop| stop.reason) {
        Some(StopReason::SecurityIssue) => {
            "was stopped because of a security issue; replace it where it runs"
        }
        Some(StopReason::EndOfSupport) => "reached its end of support and gets no more updates",
        Some(StopReason::Other) | None => "is no longer offered by its publisher",
    };
    match stop.and_then(|stop| stop.alternative.as_deref()) {
        Some(instead) => format!("the module {key} {why}. Use {instead} instead"),
        None => format!("the module {key} {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_says_why_and_what_instead() {
        let key: OfferKey = "contoso.sensor".parse().unwrap();
        let stop = StopInfo {
            reason: StopReason::SecurityIssue,
            alternative: Some("contoso.sensor-2".into()),
            at: 1,
        };
        let told = words(&key, Some(&stop));
        assert!(told.contains("security issue") && told.ends_with("Use contoso.sensor-2 instead"));
        assert!(words(&key, None).contains("no longer offered"));
    }
}

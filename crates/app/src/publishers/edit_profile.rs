//! An owner changes what the publisher says about itself. Refuses anyone else, and values that break a rule, all at once.

use domain::actor::Actor;
use domain::ids::PublisherId;
use domain::role::PublisherAction;
use domain::violation::Violation;
use serde_json::json;
use store::publishers::Profile;

use crate::App;
use crate::error::Refused;
use crate::record::Subject;

/// Replaces the profile. Names stand on every module page, which follow within a second.
pub async fn edit_profile(
    app: &App,
    actor: &Actor,
    publisher: &PublisherId,
    profile: Profile,
) -> Result<(), Refused> {
    actor.require(publisher, PublisherAction::EditProfile)?;
    let wrong = check_profile(&profile);
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong));
    }
    let line = |text: &str| text.trim().to_owned();
    let kept = Profile {
        title: line(&profile.title),
        summary: line(&profile.summary),
        website: line(&profile.website),
        support_email: line(&profile.support_email),
        contact_email: line(&profile.contact_email),
    };
    let tx = app.writer.begin().await?;
    store::catalog_version::bump(&tx).await?;
    let before = store::publishers::find(&tx, publisher)
        .await?
        .ok_or_else(|| Refused::not_found("publisher", publisher.as_str()))?;
    store::publishers::set_profile(&tx, publisher, &kept).await?;
    let data = json!({"title": kept.title, "title_before": before.title});
    let subject = (Subject::Publisher, publisher.as_str());
    app.record(&tx, actor, subject, "profile_edited", data)
        .await?;
    tx.commit().await?;
    app.catalog_changed();
    Ok(())
}

/// What breaks a rule in a profile.
pub(super) fn check_profile(profile: &Profile) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let count = profile.title.trim().chars().count();
    if count == 0 || count > 80 || profile.title.chars().any(char::is_control) {
        let found = format!("{count} characters");
        wrong.push(Violation::error(
            "title",
            "1 to 80 characters",
            found,
            "Give the name customers know.",
        ));
    }
    let count = profile.summary.chars().count();
    if count > 500 {
        let found = format!("{count} characters");
        wrong.push(Violation::error(
            "summary",
            "at most 500 characters",
            found,
            "Shorten it.",
        ));
    }
    let website = profile.website.trim();
    let has_scheme = website.starts_with("https://") || website.starts_with("http://");
    if !website.is_empty() && (!has_scheme || url::Url::parse(website).is_err()) {
        wrong.push(Violation::error(
            "website",
            "an address with http:// or https://",
            website,
            "Write the whole address.",
        ));
    }
    if !crate::accounts::email_ok(profile.contact_email.trim()) {
        let found = profile.contact_email.chars().take(60).collect::<String>();
        wrong.push(Violation::error(
            "contact_email",
            "a mail address",
            found,
            "Type it again.",
        ));
    }
    let support = profile.support_email.trim();
    if !support.is_empty() && !crate::accounts::email_ok(support) {
        wrong.push(Violation::error(
            "support_email",
            "a mail address, or nothing",
            support.chars().take(60).collect::<String>(),
            "Type it again, or leave it empty.",
        ));
    }
    wrong
}

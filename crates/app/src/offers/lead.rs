//! "Get it now": a signed-in customer takes a plan and lets the publisher know, with consent. The publisher reads leads
//! and downloads them. Refuses a lead without consent: getting the module never needs one.

use domain::actor::Actor;
use domain::ids::{OfferKey, PlanName, PublisherId};
use domain::role::PublisherAction;
use serde_json::json;
use store::leads::Lead;

use crate::App;
use crate::clock::{new_id, rfc3339};
use crate::error::Refused;
use crate::record::Subject;

/// Longest value of one contact field, in characters.
const FIELD_CHARS_MAX: usize = 200;

/// What the customer agreed to pass on.
#[derive(Clone, Debug, Default)]
pub struct GetItNow {
    /// Which plan.
    pub plan: String,
    /// May be empty.
    pub company: String,
    /// May be empty.
    pub title: String,
    /// May be empty.
    pub phone: String,
    /// May be empty.
    pub country: String,
    /// The box was ticked.
    pub consent: bool,
    /// The sentence next to the box, kept as it was read.
    pub consent_text: String,
}

/// Records a lead.
pub async fn get_it_now(
    app: &App,
    actor: &Actor,
    key: &OfferKey,
    command: GetItNow,
) -> Result<(), Refused> {
    let account = actor.account()?;
    let module = app.module(key)?;
    let plan: PlanName = command
        .plan
        .parse()
        .map_err(|_| Refused::not_found("plan", command.plan.clone()))?;
    if !module.plans.iter().any(|p| p.plan == plan) {
        return Err(Refused::not_found("plan", plan.to_string()));
    }
    if !command.consent {
        return Err(Refused::invalid(
            "consent",
            "your consent to pass these details on",
            "not ticked",
            "Tick the box, or just copy the manifest: that needs no consent.",
        ));
    }
    for (field, value) in [
        ("company", &command.company),
        ("title", &command.title),
        ("phone", &command.phone),
        ("country", &command.country),
    ] {
        let count = value.chars().count();
        if count > FIELD_CHARS_MAX || value.chars().any(char::is_control) {
            let found = format!("{count} characters");
            return Err(Refused::invalid(
                field,
                "at most 200 characters on one line",
                found,
                "Shorten it.",
            ));
        }
    }
    let now = app.clock.now();
    let lead = Lead {
        id: new_id(),
        key: key.clone(),
        plan,
        account_id: Some(account.id.clone()),
        name: account.name.clone(),
        email: account.email.clone(),
        company: command.company,
        title: command.title,
        phone: command.phone,
        country: command.country,
        consent_text: command.consent_text,
        consent_at: now,
        source: "Edgemart".into(),
        action: "INS".into(),
        created_at: now,
    };
    let tx = app.writer.begin().await?;
    store::leads::insert(&tx, &lead).await?;
    let data = json!({"lead": lead.id, "plan": lead.plan});
    app.record(&tx, actor, (Subject::Offer, &key.to_string()), "lead", data)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// All leads of a publisher as CSV. Cells that a spreadsheet would run as a formula are quoted with an apostrophe.
pub async fn leads_csv(
    app: &App,
    actor: &Actor,
    publisher: &PublisherId,
) -> Result<String, Refused> {
    actor.require(publisher, PublisherAction::ReadLeads)?;
    let leads = store::leads::of_publisher(&app.reader, publisher).await?;
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = [
        "date",
        "offer",
        "plan",
        "name",
        "email",
        "company",
        "title",
        "phone",
        "country",
        "lead_source",
        "action",
        "consent",
    ];
    let broken = |e: csv::Error| Refused::trouble(format!("csv: {e}"));
    out.write_record(header).map_err(broken)?;
    for lead in leads {
        let source = format!("{}-{}|{}", lead.source, lead.action, lead.key);
        let row = [
            rfc3339(lead.created_at),
            lead.key.to_string(),
            lead.plan.to_string(),
            lead.name,
            lead.email,
            lead.company,
            lead.title,
            lead.phone,
            lead.country,
            source,
            lead.action,
            lead.consent_text,
        ];
        out.write_record(row.map(inert)).map_err(broken)?;
    }
    let bytes = out
        .into_inner()
        .map_err(|e| Refused::trouble(format!("csv: {e}")))?;
    String::from_utf8(bytes).map_err(|e| Refused::trouble(e.to_string()))
}

fn inert(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn formulas_become_text() {
        assert_eq!(super::inert("=1+1".into()), "'=1+1");
        assert_eq!(super::inert("Contoso".into()), "Contoso");
    }
}

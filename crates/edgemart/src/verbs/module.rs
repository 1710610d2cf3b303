//! A module as the API tells it, and the choice of a plan, a version and values for its placeholders. Shared by `show`,
//! `manifest` and `add`.

use std::collections::BTreeMap;

use domain::defaults::Defaults;
use domain::deployment::ModuleEntry;
use domain::ids::OfferKey;
use domain::placeholder;
use serde_json::Value;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::output::{items, text};

/// Which module, and how it is to be configured.
#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// The module, as `publisher.offer`.
    pub(crate) module: OfferKey,
    /// Plan; may be left out when the module has only one.
    #[arg(long)]
    pub(crate) plan: Option<String>,
    /// Version X.Y.Z; the newest when left out.
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// Name of the module on the device, instead of the publisher's.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Value for a placeholder, such as MY_SERVER_IP_ADDRESS=192.0.2.10; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
}

pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let name = name.trim().trim_start_matches('<').trim_end_matches('>');
    if name.is_empty() {
        return Err("the name before `=` is empty".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// The module's own document; a plan that is named is in it, though it be hidden.
pub(crate) async fn fetch(
    client: &Client,
    module: &OfferKey,
    plan: Option<&str>,
) -> Result<Value, Failure> {
    let way = ["modules", module.publisher.as_str(), module.offer.as_str()];
    let query: Vec<(String, String)> = plan
        .map(|plan| ("plan".to_owned(), plan.to_owned()))
        .into_iter()
        .collect();
    let found = client
        .get(&way, &query)
        .await
        .map_err(|failure| match failure.exit {
            Exit::NotFound => failure.fix(format!(
                "find its name with `edgemart search {}`",
                module.offer
            )),
            _ => failure,
        })?;
    Ok(found.body)
}

/// One version of one plan, chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) plan: String,
    pub(crate) version: String,
    pub(crate) reference: String,
    pub(crate) defaults: Defaults,
}

impl Choice {
    /// Finds what was chosen in the marketplace.
    pub(crate) async fn find(&self, client: &Client) -> Result<Chosen, Failure> {
        let module = fetch(client, &self.module, self.plan.as_deref()).await?;
        self.of(&module)
    }

    fn of(&self, module: &Value) -> Result<Chosen, Failure> {
        let plan = self.plan(module)?;
        let name = text(plan, "/plan");
        let versions = items(plan, "/versions");
        let wanted = self.version.as_deref().filter(|wanted| *wanted != "latest");
        let version = match wanted {
            None => versions.first(),
            Some(wanted) => versions.iter().find(|one| text(one, "/version") == wanted),
        };
        let version = version.ok_or_else(|| {
            let known: Vec<String> = versions.iter().map(|one| text(one, "/version")).collect();
            let what = format!(
                "plan {name} of {} has no version {}",
                self.module,
                wanted.unwrap_or("yet")
            );
            Failure::new(Exit::NotFound, what).why(format!("it has {}", known.join(", ")))
        })?;
        let defaults = version.get("defaults").cloned().unwrap_or_default();
        let chosen = Chosen {
            plan: name,
            version: text(version, "/version"),
            reference: text(version, "/reference"),
            defaults: serde_json::from_value(defaults).map_err(|error| {
                Failure::new(
                    Exit::Failure,
                    format!(
                        "the default configuration of {} cannot be read",
                        self.module
                    ),
                )
                .why(error)
                .fix("this edgemart may be older than the marketplace; update it")
            })?,
        };
        self.check_settings(&chosen.defaults)?;
        Ok(chosen)
    }

    /// The plan meant. Plans differ in what they cost, so among several somebody has to choose.
    fn plan<'m>(&self, module: &'m Value) -> Result<&'m Value, Failure> {
        let plans = items(module, "/plans");
        let told = |plan: &Value| {
            let part = |name| text(plan, name);
            format!(
                "{}: {} ({})",
                part("/plan"),
                part("/title"),
                part("/price_model")
            )
        };
        match (&self.plan, plans) {
            (Some(wanted), plans) => plans
                .iter()
                .find(|plan| text(plan, "/plan") == *wanted)
                .ok_or_else(|| {
                    Failure::new(
                        Exit::NotFound,
                        format!("{} has no plan `{wanted}`", self.module),
                    )
                    .why("its plans are:")
                    .points(plans.iter().map(told))
                }),
            (None, [only]) => Ok(only),
            (None, []) => Err(Failure::new(
                Exit::NotFound,
                format!("{} has no public plan", self.module),
            )
            .fix("if you know a hidden plan, name it with --plan")),
            (None, several) => Err(Failure::new(
                Exit::Usage,
                format!("{} has several plans", self.module),
            )
            .why("they differ in price or contents, so one must be chosen:")
            .points(several.iter().map(told))
            .fix("name one with --plan")),
        }
    }

    /// Refuses a `--set` that there is no place for: a typing mistake would otherwise go unnoticed.
    fn check_settings(&self, defaults: &Defaults) -> Result<(), Failure> {
        let known: Vec<String> = placeholder::find(defaults)
            .into_iter()
            .map(|one| one.name)
            .collect();
        let Some((wrong, _)) = self.set.iter().find(|(name, _)| !known.contains(name)) else {
            return Ok(());
        };
        let failure = Failure::new(
            Exit::Usage,
            format!("{} has no placeholder {wrong}", self.module),
        );
        let nearest = known
            .iter()
            .min_by_key(|name| strsim::damerau_levenshtein(name, wrong));
        Err(match nearest {
            Some(name) => failure
                .why(format!("it has {}", known.join(", ")))
                .fix(format!("did you mean {name}?")),
            None => failure
                .why("its configuration needs no values")
                .fix("leave --set out"),
        })
    }

    /// The query of the manifest's address.
    pub(crate) fn query(&self, form: &str) -> Vec<(String, String)> {
        let mut query = vec![("form".to_owned(), form.to_owned())];
        if let Some(version) = &self.version {
            query.push(("version".to_owned(), version.clone()));
        }
        if let Some(name) = &self.name {
            query.push(("module".to_owned(), name.clone()));
        }
        query.extend(
            self.set
                .iter()
                .map(|(name, value)| (format!("set.{name}"), value.clone())),
        );
        query
    }

    /// The module as it goes into a deployment: placeholders filled, the image by digest.
    pub(crate) fn entry(&self, chosen: &Chosen) -> Result<ModuleEntry, Failure> {
        let values: BTreeMap<String, String> = self.set.iter().cloned().collect();
        let filled = placeholder::fill(&chosen.defaults, &values).map_err(|unfilled| {
            let points = unfilled.into_iter().map(|one| match one.refused {
                Some(why) => format!("{}: {why}", one.name),
                None => format!(
                    "{} (in {}): add --set {0}=VALUE",
                    one.name,
                    one.places.join(", ")
                ),
            });
            Failure::new(
                Exit::Invalid,
                format!("{} needs values before it can be deployed", self.module),
            )
            .points(points)
            .fix("give each a value with --set NAME=VALUE")
        })?;
        let wrong = domain::defaults::check_defaults(&filled)
            .into_iter()
            .filter(domain::violation::Violation::is_error);
        let wrong: Vec<String> = wrong.map(|one| one.to_string()).collect();
        if !wrong.is_empty() {
            let what = format!("with these values {} cannot be deployed", self.module);
            return Err(Failure::new(Exit::Invalid, what)
                .points(wrong)
                .fix("give other values with --set"));
        }
        let mut entry = ModuleEntry::new(&filled, &chosen.reference, self.name.as_deref());
        entry.version.clone_from(&chosen.version);
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn choice(set: &[(&str, &str)]) -> Choice {
        Choice {
            module: "contoso.filter".parse().unwrap(),
            plan: None,
            version: None,
            name: None,
            set: set
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    fn module() -> Value {
        let defaults = json!({
            "module_name": "Filter",
            "routes": [{"name": "FilterIn",
                "value": "FROM /messages/modules/<SOURCE>/outputs/* INTO BrokeredEndpoint(\"/modules/Filter/inputs/in\")"}],
            "env": [{"name": "LIMIT", "value": "25"}],
            "create_options": "{}",
        });
        let version = |number: &str| {
            json!({"version": number, "defaults": defaults,
            "reference": format!("127.0.0.1:8080/contoso/filter/standard@sha256:{}", "a".repeat(64))})
        };
        json!({"plans": [{"plan": "standard", "versions": [version("1.2.0"), version("1.1.0")]}]})
    }

    #[test]
    fn among_several_plans_somebody_chooses() {
        let two = json!({"plans": [{"plan": "free"}, {"plan": "pro"}]});
        assert_eq!(choice(&[]).of(&two).unwrap_err().exit, Exit::Usage);
        assert_eq!(choice(&[]).of(&json!({})).unwrap_err().exit, Exit::NotFound);
        assert_eq!(choice(&[]).of(&module()).unwrap().version, "1.2.0");
        let old = Choice {
            version: Some("1.1.0".into()),
            ..choice(&[])
        };
        assert_eq!(old.of(&module()).unwrap().version, "1.1.0");
        let none = Choice {
            version: Some("9.9.9".into()),
            ..choice(&[])
        };
        assert_eq!(none.of(&module()).unwrap_err().exit, Exit::NotFound);
    }

    #[test]
    fn a_misspelt_placeholder_is_refused_and_an_unfilled_one_is_named() {
        assert_eq!(
            choice(&[("SORCE", "x")]).of(&module()).unwrap_err().exit,
            Exit::Usage
        );
        let unfilled = choice(&[]);
        let failure = unfilled
            .entry(&unfilled.of(&module()).unwrap())
            .unwrap_err();
        assert_eq!(failure.exit, Exit::Invalid);
        assert!(
            failure
                .lines_for_tests()
                .contains("SOURCE (in routes.FilterIn)")
        );
    }

    #[test]
    fn the_entry_carries_values_digest_and_the_name_asked_for() {
        let named = Choice {
            name: Some("Second".into()),
            ..choice(&[("SOURCE", "Sensor")])
        };
        let entry = named.entry(&named.of(&module()).unwrap()).unwrap();
        assert_eq!(entry.name, "Second");
        assert_eq!(entry.version, "1.2.0");
        assert!(entry.image.contains("@sha256:"));
        assert_eq!(entry.routes[0].name, "SecondIn");
        assert!(
            entry.routes[0].value.contains("/modules/Sensor/outputs/*"),
            "{}",
            entry.routes[0].value
        );
        assert!(
            entry.routes[0].value.contains("/modules/Second/inputs/in"),
            "{}",
            entry.routes[0].value
        );
    }

    #[test]
    fn settings_are_split_at_the_first_equals_sign() {
        assert_eq!(
            setting("<A>=b=c").unwrap(),
            ("A".to_owned(), "b=c".to_owned())
        );
        assert!(setting("A").is_err());
        assert!(setting("=x").is_err());
    }
}

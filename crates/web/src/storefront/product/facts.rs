//! What the publisher says beside the description: kind, licence, terms, contacts, links.

use app::catalog::Module;

use super::Chosen;
use crate::format;
use crate::messages::{t, t1, word};
use crate::pieces::{Fact, Link};
use crate::runs;

/// Terms of the chosen module and plan, in the order a buyer asks.
pub(super) fn of(chosen: &Chosen<'_>) -> Vec<Fact> {
    let module = chosen.module;
    let fact = |label: &str, value: String| Fact {
        label: label.to_owned(),
        value,
    };
    let mut facts = vec![
        fact(t("product.id"), module.key.to_string()),
        fact(t("product.kind"), word("kind", kind(module)).into_owned()),
        fact(
            t("product.price"),
            word("price", chosen.plan.price.model()).into_owned(),
        ),
        fact(t("product.licence"), module.licence.clone()),
        fact(t("run.measured"), measured(chosen).unwrap_or_default()),
        fact(
            t("product.released"),
            format::moment(chosen.release.released_at),
        ),
        fact(
            t("product.first_released"),
            format::day(module.first_released_at),
        ),
        fact(t("product.keywords"), module.keywords.join(", ")),
        fact(t("product.support"), contact(module)),
    ];
    if module.terms.standard_contract {
        facts.push(fact(
            t("product.terms"),
            t("product.standard_contract").to_owned(),
        ));
    } else if !module.terms.text.is_empty() {
        facts.push(fact(t("product.terms"), module.terms.text.clone()));
    }
    facts.retain(|fact| !fact.value.is_empty());
    facts
}

/// What runs of the newest release measured; of other releases it says nothing.
fn measured(chosen: &Chosen<'_>) -> Option<String> {
    let newest = chosen.plan.releases.first()?;
    if newest.version != chosen.release.version {
        return None;
    }
    runs::memory_line(&chosen.plan.runs)
}

fn kind(module: &Module) -> &'static str {
    use domain::offer::ModuleKind;
    match module.kind {
        ModuleKind::Source => "source",
        ModuleKind::Filter => "filter",
        ModuleKind::Sink => "sink",
        ModuleKind::Companion => "companion",
    }
}

fn contact(module: &Module) -> String {
    let contact = &module.support;
    let parts = [&contact.name, &contact.email, &contact.phone];
    let said: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    said.join(", ")
}

/// Addresses outside, each with what the reader finds there.
pub(super) fn links(module: &Module) -> Vec<Link> {
    let named = [
        (
            t("product.documentation"),
            module.documentation_url.as_str(),
        ),
        (t("product.support_page"), module.support.url.as_str()),
        (t("product.terms_page"), module.terms.url.as_str()),
        (t("product.privacy"), module.privacy_policy_url.as_str()),
    ];
    let own = module
        .links
        .iter()
        .map(|link| (link.title.as_str(), link.url.as_str()));
    let all = named.into_iter().chain(own);
    all.filter_map(|(label, url)| {
        let href = web_address(url);
        let host = url::Url::parse(&href).ok()?.host_str()?.to_owned();
        Some(Link {
            label: t1("product.link", format!("{label} · {host}")),
            href,
            ..Link::default()
        })
    })
    .collect()
}

/// An address a publisher gave, if it is one for browsers; empty otherwise, so that nothing else becomes a link.
pub(crate) fn web_address(text: &str) -> String {
    let text = text.trim();
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::web_address;

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            web_address(" https://contoso.example/docs "),
            "https://contoso.example/docs"
        );
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "contoso.example",
            "",
            "ftp://x.example",
        ] {
            assert_eq!(web_address(bad), "", "{bad}");
        }
    }
}

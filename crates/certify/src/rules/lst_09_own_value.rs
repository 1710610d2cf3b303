//! LST-09: the offer is not a well-known open-source program under its own name.

use crate::places::OFFER;
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "LST-09",
    title: "Not a repackaged well-known program",
    level: Level::Review,
    waivable: true,
    sources: &["T-36", "100.1.1", "100.8"],
    why: "A re-packaged open-source program must show what it adds, or name its seller. A person looks when the title \
          or the repository bears the name of such a program.",
    fix: "Say in the description what the module adds to the program, or give it a title of its own.",
    check,
};

/// Programs that are often packed into containers as they are. A hint for a person, not a list of the unwanted.
const WELL_KNOWN: &[&str] = &[
    "apache",
    "cassandra",
    "couchdb",
    "elasticsearch",
    "fluentd",
    "grafana",
    "haproxy",
    "httpd",
    "influxdb",
    "jenkins",
    "kafka",
    "logstash",
    "mariadb",
    "memcached",
    "mongodb",
    "mosquitto",
    "mysql",
    "nats",
    "nginx",
    "node-red",
    "nodered",
    "postgres",
    "postgresql",
    "prometheus",
    "rabbitmq",
    "redis",
    "telegraf",
    "tomcat",
    "traefik",
    "wordpress",
    "zookeeper",
];

fn check(subject: &Subject) -> Vec<Outcome> {
    let offer = &subject.offer;
    let last_part = |repository: &str| repository.rsplit('/').next().unwrap_or_default().to_owned();
    let mut texts = vec![("the title", offer.listing.title.clone())];
    texts.extend(
        offer
            .plans
            .iter()
            .map(|plan| ("a repository", last_part(&plan.image.repository))),
    );
    let hit = texts
        .into_iter()
        .find_map(|(what, text)| Some((what, well_known(&text)?)));
    vec![match hit {
        Some((what, name)) => Outcome::failed(OFFER, format!("{what} bears the name of {name}")),
        None => Outcome::passed(
            OFFER,
            "neither the title nor a repository bears the name of a well-known program",
        ),
    }]
}

fn well_known(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .collect();
    WELL_KNOWN.iter().copied().find(|name| words.contains(name))
}

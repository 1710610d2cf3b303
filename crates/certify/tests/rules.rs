//! One healthy offer passes everything; each thing broken fails exactly the rules it should.

mod healthy;

use certify::{
    EntrypointKind, LogoEvidence, Policy, Report, RuleState, Subject, Verdict, Vulnerability, register, run,
};
use domain::defaults::{NamedJson, NamedText};
use domain::matrix::{Demand, MatrixRow};
use domain::offer::LogoSlot;
use oci::Digest;
use serde_json::json;

fn report(subject: &Subject) -> Report {
    run(subject, &Policy::default(), healthy::NOW)
}

/// Codes of the rules that did not like something, in the order of the register.
fn failing(report: &Report) -> Vec<&str> {
    let bad = [RuleState::Failed, RuleState::Warned, RuleState::NeedsReview];
    let results = report.results.iter().filter(|result| bad.contains(&result.state));
    results.map(|result| result.code.as_str()).collect()
}

#[test]
fn a_healthy_offer_is_certified_without_a_person() {
    let report = report(&healthy::subject());
    assert_eq!(failing(&report), Vec::<&str>::new(), "{report:#?}");
    assert_eq!(report.verdict(), Verdict::Certified);
    assert_eq!(report.codes(RuleState::NotRun), Vec::<String>::new());
    // Host networking is the one thing that no healthy module has.
    assert_eq!(report.codes(RuleState::NotApplicable), ["DEF-14"]);
}

#[test]
fn codes_are_unique_sorted_and_told_apart() {
    let order = |code: &str| ["LST", "IMG", "DEF"].iter().position(|prefix| code.starts_with(prefix));
    let codes: Vec<(Option<usize>, &str)> = register().iter().map(|rule| (order(rule.code), rule.code)).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for rule in register() {
        assert!(order(rule.code).is_some(), "{}", rule.code);
        for text in [rule.title, rule.why, rule.fix] {
            assert!(text.chars().count() > 20 && !text.contains("  "), "{}: {text}", rule.code);
        }
        assert!(rule.why.ends_with('.') && rule.fix.ends_with('.'), "{}", rule.code);
        assert!(!rule.sources.is_empty(), "{}", rule.code);
    }
}

type Break = fn(&mut Subject);

fn with(subject: &Subject, change: Break) -> Subject {
    let mut broken = subject.clone();
    change(&mut broken);
    broken
}

/// Runs a table, and shows all that is wrong with it at once.
fn judge(table: &[(&[&str], Break)]) {
    let healthy = healthy::subject();
    let mut wrong = Vec::new();
    for (line, (expected, change)) in table.iter().enumerate() {
        let report = report(&with(&healthy, *change));
        let found = failing(&report);
        if found != *expected {
            wrong.push(format!("line {}: expected {expected:?}, found {found:?}", line + 1));
        }
        for result in &report.results {
            for failure in result.failures() {
                assert!(failure.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{} has no fix", result.code);
                assert!(!failure.evidence.is_empty(), "{} has no evidence", result.code);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn describe(subject: &mut Subject, text: &str) {
    subject.offer.plans[0].description.push_str(&format!("<p>{text}</p>"));
}

fn options(subject: &mut Subject, text: &str) {
    text.clone_into(&mut subject.offer.plans[0].defaults.create_options);
}

#[test]
fn listing_rules() {
    judge(&[
        (&["LST-01"], |s| s.offer.listing.title.clear()),
        (&["LST-01"], |s| s.offer.listing.summary = "x".repeat(101)),
        (&["LST-01"], |s| s.offer.listing.support_contact.email = "nobody".into()),
        (&["LST-02"], |s| {
            s.logos.insert(LogoSlot::Wide, LogoEvidence::Missing);
        }),
        (&["LST-02"], |s| {
            s.logos.remove(&LogoSlot::Small);
        }),
        (&["LST-02"], |s| {
            s.logos.insert(LogoSlot::Small, LogoEvidence::Judged(Err("48×48".into())));
        }),
        (&["LST-03"], |s| {
            s.offer.listing.description = s.offer.listing.description.replace("64 MB RAM, ", "");
        }),
        (&["LST-03"], |s| s.offer.listing.description.push_str("<p>Buy now.</p>")),
        (&["LST-04"], |s| s.links.as_mut().unwrap()[0].status = Ok(404)),
        (&["LST-04"], |s| s.links.as_mut().unwrap()[1].status = Err("timed out".into())),
        (&[], |s| s.links.as_mut().unwrap()[1].status = Ok(301)),
        (&["LST-05"], |s| {
            s.offer.plans[0].defaults.env.push(NamedText::new("MYSTERY", "1"));
        }),
        (&[], |s| {
            s.offer.plans[0].defaults.env.push(NamedText::new("MYSTERY", "1"));
            s.links.as_mut().unwrap()[1].text = Some("Set MYSTERY to 1.".into());
        }),
        (&["LST-06"], |s| s.offer.properties.licence.clear()),
        (&["LST-07"], |s| {
            s.offer.listing.description = s.offer.listing.description.replace("arm64", "amd64");
        }),
        (&["LST-07"], |s| {
            s.plans[0].images.remove(1);
            forget_arm64(s);
        }),
        (&["LST-08"], |s| s.offer.listing.title = "Sensor ".repeat(8)),
        (&["LST-08"], |s| s.offer.listing.description.insert_str(0, "<script>1</script>")),
        (&["LST-09"], |s| s.offer.listing.title = "Redis at the edge".into()),
        (&["LST-09"], |s| {
            s.offer.plans[0].image.repository = "contoso/nginx".into();
            s.first_sources.clear();
        }),
        (&["LST-10"], |s| {
            s.offer.plans[0].defaults.routes.clear();
            s.offer.plans[0].outputs.clear();
        }),
        (&[], |s| {
            s.offer.plans[0].defaults.routes.clear();
            s.offer.plans[0].outputs.clear();
            s.offer.properties.kind = domain::offer::ModuleKind::Companion;
            s.offer.properties.companion_of = "contoso.other".into();
        }),
    ]);
}

/// arm64 out of the plan and its newest index, as if it had never been built.
fn forget_arm64(subject: &mut Subject) {
    subject.offer.plans[0].platforms.remove(1);
    for row in &mut subject.matrix.platforms {
        if row.platform.architecture == "arm64" {
            row.platform = "linux/amd64".parse().unwrap();
        }
    }
    let evidence = &mut subject.plans[0];
    let root = evidence.root.clone().unwrap();
    let text = String::from_utf8(evidence.manifests[&root].bytes.to_vec()).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["manifests"].as_array_mut().unwrap().remove(1);
    let index = oci::Manifest::parse(None, index.to_string().as_bytes()).unwrap();
    for digest in evidence.tags.values_mut().filter(|digest| **digest == root) {
        *digest = index.digest.clone();
    }
    evidence.root = Some(index.digest.clone());
    evidence.manifests.insert(index.digest.clone(), index);
}

#[test]
fn image_rules_on_tags() {
    judge(&[
        (&["IMG-01"], |s| {
            let image = s.plans[0].images[0].digest.clone();
            let root = s.plans[0].root.replace(image.clone()).unwrap();
            for digest in s.plans[0].tags.values_mut().filter(|digest| **digest == root) {
                *digest = image.clone();
            }
        }),
        (&["IMG-02"], |s| s.offer.plans[0].image.tags.retain(|tag| tag != "latest")),
        (&["IMG-03"], |s| {
            let root = s.plans[0].root.clone().unwrap();
            s.plans[0].tags.insert("1.0.0".into(), root);
        }),
        (&["IMG-03"], |s| {
            s.plans[0].moved_tags.push(certify::MovedTag {
                tag: "0.9.0".into(),
                published: Digest::sha256_of(b"was"),
                found: Digest::sha256_of(b"is"),
            });
        }),
        (&["IMG-13"], |s| {
            s.offer.plans[0].image.tags.push("v1".into());
            let root = s.plans[0].root.clone().unwrap();
            s.plans[0].tags.insert("v1".into(), root);
        }),
        (&["IMG-14"], |s| {
            let old = s.plans[0].tags["1.0.0"].clone();
            s.plans[0].tags.insert("latest".into(), old);
        }),
        (&["IMG-15"], |s| {
            s.offer.plans[0].image.tags.push("1.0-arm".into());
            s.plans[0].missing_tags.push("1.0-arm".into());
        }),
        (&["IMG-16"], |s| {
            let mut newer = s.previous[0].clone();
            newer.version = "2.0.0".parse().unwrap();
            newer.tags.clear();
            s.previous.push(newer);
        }),
        (&["IMG-17"], |s| s.previous[0].tags.push("1.0".into())),
        (&["IMG-18"], |s| s.registry_host = "bad host".into()),
        (&["IMG-20"], |s| {
            s.first_sources.values_mut().for_each(|source| source.push('2'));
        }),
        (&["IMG-21"], |s| {
            let source = s.plans[0].source.clone();
            s.other_sources.insert(source, "contoso.other".parse().unwrap());
        }),
        (&["IMG-25"], |s| s.plans[0].root = None),
        (&["IMG-25"], |s| s.plans.clear()),
        (&["IMG-25"], |s| {
            // The attestation is the one manifest without a configuration.
            let evidence = &mut s.plans[0];
            let images: Vec<Digest> = evidence.configs.keys().cloned().collect();
            evidence.manifests.retain(|digest, manifest| images.contains(digest) || !manifest.children().is_empty());
        }),
        (&["IMG-25"], |s| {
            let image = s.plans[0].images.pop().unwrap();
            s.offer.plans[0].platforms.pop();
            s.matrix.platforms.retain(|row| row.platform != image.platform);
            s.offer.listing.description = s.offer.listing.description.replace("or arm32v7", "");
        }),
    ]);
}

#[test]
fn image_rules_on_platforms() {
    judge(&[
        (&["IMG-04"], |s| s.offer.plans[0].platforms.push("linux/riscv64".into())),
        (&["IMG-19"], |s| {
            let lie = s.plans[0].images[0].digest.clone();
            s.plans[0].configs.get_mut(&lie).unwrap().architecture = Some("arm64".into());
        }),
        (&["IMG-19"], |s| {
            let lie = s.plans[0].images[0].digest.clone();
            s.plans[0].configs.get_mut(&lie).unwrap().os = None;
        }),
        (&["IMG-22"], |s| want(s, Demand::Required)),
        (&["IMG-23"], |s| want(s, Demand::Recommended)),
        (&["IMG-22"], |s| {
            s.offer.properties.platforms = domain::offer::PlatformOption::Any;
            s.matrix.platforms.clear();
            want(s, Demand::Required);
        }),
    ]);
}

fn want(subject: &mut Subject, demand: Demand) {
    subject.matrix.platforms.push(MatrixRow {
        platform: "linux/riscv64".parse().unwrap(),
        demand,
        examples: String::new(),
    });
}

#[test]
fn image_rules_on_contents() {
    judge(&[
        (&["IMG-05"], |s| s.plans[0].images[0].layers = 41),
        (&["IMG-05"], |s| s.plans[0].images[0].compressed_bytes = 1_000_000_001),
        (&["IMG-06"], |s| s.plans[0].configs.values_mut().for_each(|config| config.user = None)),
        (&["IMG-06"], |s| {
            s.plans[0].configs.values_mut().for_each(|config| config.user = Some("0:1000".into()));
        }),
        (&[], |s| {
            s.plans[0].configs.values_mut().for_each(|config| config.user = None);
            options(s, r#"{"user":"1000"}"#);
        }),
        (&["IMG-07"], |s| {
            s.plans[0].configs.values_mut().for_each(|config| config.env.push("DB_PASSWORD=x1".into()));
        }),
        (&["IMG-07"], |s| {
            let step = oci::image_config::History {
                created_by: "RUN login --token abc".into(),
                empty_layer: true,
            };
            s.plans[0].configs.values_mut().for_each(|config| config.history.push(step.clone()));
        }),
        (&["IMG-07"], |s| contents(s).secrets.push("/root/.ssh/id_rsa".into())),
        (&["IMG-08"], |s| contents(s).setuid.push("/opt/backdoor".into())),
        (&["IMG-09"], |s| s.plans[0].configs.values_mut().for_each(|config| config.created = None)),
        (&["IMG-09"], |s| {
            let epoch = || Some("1970-01-01T00:00:00Z".to_owned());
            s.plans[0].configs.values_mut().for_each(|config| config.created = epoch());
        }),
        (&["IMG-10"], |s| s.plans[0].configs.values_mut().for_each(|config| config.labels.clear())),
        (&["IMG-11"], |s| {
            let of_arm64 = s.plans[0].images[1].contents.clone().unwrap().entrypoint;
            contents(s).entrypoint = of_arm64;
        }),
        (&["IMG-11"], |s| contents(s).entrypoint = None),
        (&["IMG-11"], |s| contents(s).entrypoint.as_mut().unwrap().kind = EntrypointKind::Other),
        (&[], |s| contents(s).entrypoint.as_mut().unwrap().kind = EntrypointKind::Script),
        (&["IMG-12"], |s| {
            s.plans[0].images[0].scan.as_mut().unwrap().vulnerabilities.push(Vulnerability {
                id: "CVE-2026-0001".into(),
                package: "zlib 1.0".into(),
                cvss_tenths: 70,
            });
        }),
        (&["IMG-24"], |s| {
            s.plans[0].images[0].scan.as_mut().unwrap().malware.push("/bin/x: Eicar".into());
        }),
    ]);
}

fn contents(subject: &mut Subject) -> &mut certify::Contents {
    subject.plans[0].images[0].contents.as_mut().unwrap()
}

#[test]
fn default_rules_on_settings() {
    judge(&[
        (&["DEF-01"], |s| {
            let defaults = &mut s.offer.plans[0].defaults;
            defaults.module_name = "Sensor-Module".into();
            defaults.routes[0].value = defaults.routes[0].value.replace("SensorModule", "Sensor-Module");
        }),
        (&["DEF-02"], |s| s.offer.plans[0].defaults.routes[0].value = "FROM nowhere".into()),
        (&["DEF-02"], |s| s.offer.plans[0].outputs = vec!["humidity".into()]),
        (&["DEF-02"], |s| {
            s.offer.plans[0].inputs = vec!["in".into()];
            s.offer.plans[0].defaults.routes[0].value =
                "FROM /messages/modules/<OTHER>/* INTO BrokeredEndpoint(\"/modules/SensorModule/inputs/out\")".into();
        }),
        (&[], |s| {
            s.offer.plans[0].inputs = vec!["in".into()];
            s.offer.plans[0].defaults.routes[0].value =
                "FROM /messages/modules/<OTHER>/* INTO BrokeredEndpoint(\"/modules/SensorModule/inputs/in\")".into();
        }),
        (&["DEF-03"], |s| {
            s.offer.plans[0].defaults.env.push(NamedText::new("IOTEDGE_MODULEID", "x"));
            describe(s, "IOTEDGE_MODULEID");
        }),
        (&["DEF-06"], |s| s.offer.plans[0].defaults.env[0] = NamedText::new("Interval", "<my server>")),
        (&["DEF-08"], |s| s.offer.plans[0].defaults.twin[0].value = json!([1, 2])),
        (&["DEF-09"], |s| s.offer.plans[0].defaults.env[0].value = "hunter2".into()),
        (&["DEF-09"], |s| s.offer.plans[0].defaults.env[0].value.clear()),
        (&["DEF-09"], |s| {
            let value = json!({"connectionString": "HostName=h;SharedAccessKey=abc="});
            s.offer.plans[0].defaults.twin.push(NamedJson::new("Hub", value));
            describe(s, "Hub");
        }),
        (&["DEF-10"], |s| s.offer.plans[0].defaults.env[0] = NamedText::new("Interval", "localhost:5000/a/b:1")),
        (&["DEF-11"], |s| {
            s.offer.plans[0].defaults.routes[0].value =
                "FROM /messages/modules/Stranger/outputs/o INTO $upstream".into();
        }),
        (&["DEF-13"], |s| {
            for name in ["A1", "A2", "A3", "A4", "A5"] {
                s.offer.plans[0].defaults.env.push(NamedText::new(name, "1"));
                describe(s, name);
            }
        }),
    ]);
}

#[test]
fn default_rules_on_create_options() {
    judge(&[
        (&["DEF-04"], |s| options(s, "{")),
        (&["DEF-05"], |s| options(s, r#"{"HostConfig":{"Privileged":true}}"#)),
        (&["DEF-05"], |s| options(s, r#"{"HostConfig":{"Binds":["/var/run/docker.sock:/s"]}}"#)),
        (&["DEF-07"], |s| {
            options(s, r#"{"HostConfig":{"PortBindings":{"443/tcp":[{"HostPort":"443"}]}}}"#);
            describe(s, "443");
        }),
        (&["DEF-07"], |s| {
            options(s, r#"{"HostConfig":{"PortBindings":{"1/tcp":[{"HostPort":"8081"}],"2/tcp":[{"HostPort":"8081"}]}}}"#);
        }),
        (&["DEF-10"], |s| options(s, r#"{"Labels":{"helper":"docker.io/a/b@sha256:0000"}}"#)),
        (&["DEF-12"], |s| options(s, r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/ttyS0"}]}}"#)),
        (&["DEF-12"], |s| {
            options(s, r#"{"HostConfig":{"NetworkMode":"host"},"NetworkingConfig":{"EndpointsConfig":{"host":{}}}}"#);
        }),
        (&["DEF-12", "DEF-14"], |s| options(s, r#"{"HostConfig":{"NetworkMode":"host"}}"#)),
        (&["DEF-13"], |s| options(s, r#"{"Env":["A=b"]}"#)),
        (&[], |s| options(s, r#"{"HostConfig":{"Binds":["/srv/data:/data"]}}"#)),
        (&[], |s| options(s, r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"<MY_PORT>"}]}}}"#)),
    ]);
}

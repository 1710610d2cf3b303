//! The access table, row by row.

use domain::actor::Account;
use oci::AccessEntry;

use super::*;
use crate::registry::token::{Claims, subject};

const INBOX: &str = "incoming/contoso/sensor";
const LIVE: &str = "contoso/sensor/standard";

fn account(scopes: Option<Vec<TokenScope>>) -> Caller {
    Caller::Account(Account {
        id: "a1".into(),
        email: "dev@contoso.example".into(),
        name: "Dev".into(),
        reviewer: false,
        operator: false,
        publishers: std::collections::BTreeMap::new(),
        scopes,
    })
}

fn token(bearer: Bearer<'_>, repository: &str, actions: &[&str]) -> Caller {
    Caller::Token(Claims {
        iss: String::new(),
        sub: subject(bearer),
        aud: String::new(),
        exp: 0,
        nbf: 0,
        iat: 0,
        jti: String::new(),
        access: vec![AccessEntry {
            kind: "repository".into(),
            name: repository.into(),
            actions: actions.iter().map(|&a| a.to_owned()).collect(),
        }],
    })
}

fn facts(target: Target, role: Option<MemberRole>) -> Facts {
    Facts {
        target,
        repository_public: target == Target::Public,
        role,
        publisher_approved: true,
        blocked: None,
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Challenge { error: None, .. } => "challenge",
        Decision::Challenge { error: Some(_), .. } => "insufficient",
        Decision::Hide => "hide",
        Decision::Deny(_) => "deny",
    }
}

const DEV: Option<MemberRole> = Some(MemberRole::Developer);

/// Name, caller, role: the people of the table.
fn people(repository: &str) -> Vec<(&'static str, Caller, Option<MemberRole>)> {
    vec![
        ("nobody", Caller::Anonymous, None),
        (
            "anonymous token",
            token(Bearer::Anonymous, repository, &["pull"]),
            None,
        ),
        ("stranger", account(None), None),
        (
            "stranger's token",
            token(
                Bearer::Account("a1"),
                repository,
                &["pull", "push", "delete"],
            ),
            None,
        ),
        ("member", account(None), DEV),
        (
            "member, read token",
            account(Some(vec![TokenScope::Read])),
            DEV,
        ),
        (
            "member, admin token",
            account(Some(vec![TokenScope::Admin])),
            DEV,
        ),
        (
            "member's token",
            token(
                Bearer::Account("a1"),
                repository,
                &["pull", "push", "delete"],
            ),
            DEV,
        ),
        (
            "member's pull token",
            token(Bearer::Account("a1"), repository, &["pull"]),
            DEV,
        ),
        (
            "member's other token",
            token(
                Bearer::Account("a1"),
                "incoming/contoso/other",
                &["pull", "push"],
            ),
            DEV,
        ),
        (
            "preview",
            token(Bearer::Preview("p1"), repository, &["pull"]),
            None,
        ),
        (
            "preview elsewhere",
            token(Bearer::Preview("p1"), "contoso/other/standard", &["pull"]),
            None,
        ),
    ]
}

fn row(ask: Ask, repository: &str, target: Target) -> Vec<String> {
    let name: RepositoryName = repository.parse().unwrap();
    people(repository)
        .into_iter()
        .map(|(who, caller, role)| {
            format!(
                "{who}: {}",
                word(&decide(ask, &name, &caller, &facts(target, role)))
            )
        })
        .collect()
}

fn expect(ask: Ask, repository: &str, target: Target, expected: &[&str]) {
    let found = row(ask, repository, target);
    let expected: Vec<String> = people(repository)
        .iter()
        .zip(expected)
        .map(|((who, ..), word)| format!("{who}: {word}"))
        .collect();
    assert_eq!(found, expected, "{ask:?} {repository} {target:?}");
}

#[test]
fn public_content_is_for_everyone() {
    for ask in [Ask::Tagged, Ask::Addressed, Ask::Tags] {
        expect(ask, LIVE, Target::Public, &["allow"; 12]);
    }
}

#[test]
fn hidden_content_answers_like_absent_content() {
    let hidden = [
        "challenge",
        "hide",
        "hide",
        "hide",
        "allow",
        "allow",
        "hide",
        "allow",
        "allow",
        "hide",
        "allow",
        "hide",
    ];
    let absent = [
        "challenge",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
        "hide",
    ];
    for repository in [LIVE, INBOX] {
        for ask in [Ask::Tagged, Ask::Addressed, Ask::Tags] {
            expect(ask, repository, Target::Hidden, &hidden);
            expect(ask, repository, Target::Absent, &absent);
        }
    }
    // Everyone who may not see the hidden thing gets the very same decision as for an absent one.
    let name: RepositoryName = LIVE.parse().unwrap();
    for (who, caller, role) in people(LIVE) {
        let hidden = decide(Ask::Addressed, &name, &caller, &facts(Target::Hidden, role));
        let absent = decide(Ask::Addressed, &name, &caller, &facts(Target::Absent, role));
        assert!(hidden == Decision::Allow || hidden == absent, "{who}");
    }
}

#[test]
fn a_missing_tag_of_a_public_repository_is_plainly_missing() {
    let name: RepositoryName = LIVE.parse().unwrap();
    let known = Facts {
        repository_public: true,
        ..facts(Target::Absent, None)
    };
    assert_eq!(
        decide(Ask::Tagged, &name, &Caller::Anonymous, &known),
        Decision::Hide
    );
    assert_eq!(
        word(&decide(Ask::Addressed, &name, &Caller::Anonymous, &known)),
        "challenge"
    );
}

#[test]
fn members_push_to_their_own_inbox_only() {
    let push = [
        "challenge",
        "insufficient",
        "deny",
        "deny",
        "allow",
        "deny",
        "deny",
        "allow",
        "insufficient",
        "insufficient",
        "insufficient",
        "insufficient",
    ];
    expect(Ask::Push, INBOX, Target::Absent, &push);
    expect(Ask::Delete, INBOX, Target::Absent, &push);
    let never = ["deny"; 11];
    let never: Vec<&str> = std::iter::once("challenge").chain(never).collect();
    for name in [LIVE, "contoso/sensor", "incoming/contoso", "alpine"] {
        expect(Ask::Push, name, Target::Absent, &never);
        expect(Ask::Delete, name, Target::Public, &never);
    }
}

#[test]
fn a_suspended_publisher_pushes_nothing() {
    let name: RepositoryName = INBOX.parse().unwrap();
    let suspended = Facts {
        publisher_approved: false,
        ..facts(Target::Absent, DEV)
    };
    assert_eq!(
        word(&decide(Ask::Push, &name, &account(None), &suspended)),
        "deny"
    );
}

#[test]
fn taken_down_content_says_why_to_those_who_could_see_it() {
    let name: RepositoryName = LIVE.parse().unwrap();
    let blocked = Some("malware".to_owned());
    let public = Facts {
        blocked: blocked.clone(),
        ..facts(Target::Public, None)
    };
    assert!(
        matches!(decide(Ask::Addressed, &name, &Caller::Anonymous, &public), Decision::Deny(why) if why.contains("malware"))
    );
    let hidden = Facts {
        blocked,
        ..facts(Target::Hidden, None)
    };
    assert_eq!(
        word(&decide(Ask::Addressed, &name, &Caller::Anonymous, &hidden)),
        "challenge"
    );
}

#[test]
fn challenges_name_the_scope() {
    let name: RepositoryName = INBOX.parse().unwrap();
    for (ask, scopes) in [
        (Ask::Addressed, "repository:incoming/contoso/sensor:pull"),
        (Ask::Push, "repository:incoming/contoso/sensor:pull,push"),
        (Ask::Delete, "repository:incoming/contoso/sensor:delete"),
    ] {
        let expected = Decision::Challenge {
            scopes: scopes.into(),
            error: None,
        };
        assert_eq!(
            decide(ask, &name, &Caller::Anonymous, &facts(Target::Absent, None)),
            expected
        );
    }
}

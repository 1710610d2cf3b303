//! The first operator: the printed link works once, for one person, and a mistake in the form does not burn it. Two
//! links make one operator, too.

use app::accounts::{SetUp, SignUp, set_up_first_operator, set_up_link};
use app::egress::EgressPolicy;
use store::Store;
use testkit::engines::for_each_engine;
use testkit::folder::Folder;

use crate::market::start;

fn form(secret: &str, email: &str, password: &str) -> SetUp {
    SetUp {
        secret: secret.into(),
        account: SignUp {
            email: email.into(),
            name: "Operator".into(),
            password: password.into(),
        },
    }
}

async fn one_of_two(store: Store) {
    let keys = Folder::new("keys").unwrap();
    let app = start(store, EgressPolicy::default(), &keys).await;
    let secret = set_up_link(&app).await.unwrap().unwrap();
    let short = set_up_first_operator(&app, form(&secret, "a@market.example", "short")).await;
    assert!(short.is_err(), "a short password is refused");
    let password = "a long enough password";
    let (a, b) = tokio::join!(
        set_up_first_operator(&app, form(&secret, "a@market.example", password)),
        set_up_first_operator(&app, form(&secret, "b@market.example", password)),
    );
    assert_eq!(
        [a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(),
        1,
        "{a:?} {b:?}"
    );
    assert_eq!(
        store::accounts::count_operators(&app.reader).await.unwrap(),
        1
    );
    assert!(
        set_up_link(&app).await.unwrap().is_none(),
        "no link once there is an operator"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_link_makes_one_operator() {
    for_each_engine(one_of_two).await;
}

/// Several rounds, because a race that is lost once in a while is still lost.
async fn one_of_two_links(store: Store) {
    let keys = Folder::new("keys").unwrap();
    let app = start(store, EgressPolicy::default(), &keys).await;
    let first = set_up_link(&app).await.unwrap().unwrap();
    let second = set_up_link(&app).await.unwrap().unwrap();
    assert_ne!(first, second);
    let password = "a long enough password";
    let (a, b) = tokio::join!(
        set_up_first_operator(&app, form(&first, "a@market.example", password)),
        set_up_first_operator(&app, form(&second, "b@market.example", password)),
    );
    assert_eq!(
        [a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(),
        1,
        "{a:?} {b:?}"
    );
    assert_eq!(
        store::accounts::count_operators(&app.reader).await.unwrap(),
        1
    );
    assert!(!store::setup_links::any_unused(&app.reader).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_set_up_links_make_one_operator() {
    for _ in 0..5 {
        for_each_engine(one_of_two_links).await;
    }
}

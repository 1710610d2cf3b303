//! Two people drop each other at the same moment: one of them stays. Several rounds, because a race that is lost once in a
//! while is still lost.

use app::App;
use app::accounts::{SignUp, create_account, erase_own_account, set_roles, verify_password};
use app::publishers::{put_member, remove_member, transfer_ownership};
use domain::actor::Actor;
use domain::ids::PublisherId;
use domain::role::MemberRole;
use store::Store;
use testkit::engines::for_each_engine;

use crate::market::Market;

const PASSWORD: &str = "a long enough password";
const ROUNDS: usize = 6;

async fn person(app: &App, email: &str, operator: bool) -> Actor {
    let command = SignUp {
        email: email.into(),
        name: email.into(),
        password: PASSWORD.into(),
    };
    create_account(app, &Actor::System, command, false, operator)
        .await
        .unwrap();
    again(app, email).await
}

async fn again(app: &App, email: &str) -> Actor {
    Actor::Account(
        verify_password(app, email, PASSWORD)
            .await
            .unwrap()
            .unwrap(),
    )
}

fn id(actor: &Actor) -> String {
    actor.account().unwrap().id.clone()
}

async fn owners(app: &App, publisher: &PublisherId) -> Vec<String> {
    let members = store::members::of_publisher(&app.reader, publisher);
    let members = members.await.unwrap().into_iter();
    let owners = members.filter(|(member, _)| member.role == MemberRole::Owner);
    owners.map(|(_, account)| account.id).collect()
}

async fn operators(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let one = market.operator.clone();
    let two = person(app, "two@market.example", true).await;
    let (id_one, id_two) = (id(&one), id(&two));
    for _ in 0..ROUNDS {
        let (a, b) = tokio::join!(
            set_roles(app, &one, &id_two, false, false),
            set_roles(app, &two, &id_one, false, false),
        );
        let left = store::accounts::count_operators(&app.reader).await.unwrap();
        assert_eq!(left, 1, "{a:?} {b:?}");
        for actor in [&one, &two] {
            set_roles(app, &market.operator, &id(actor), false, true)
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_do_not_drop_each_other() {
    for_each_engine(operators).await;
}

async fn two_owners(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let contoso: PublisherId = "contoso".parse().unwrap();
    person(app, "two@contoso.example", false).await;
    let (first, second) = ("owner@contoso.example", "two@contoso.example");
    let owner = MemberRole::Owner;
    put_member(app, &market.owner, &contoso, second, owner)
        .await
        .unwrap();
    for round in 0..ROUNDS {
        let (one, two) = (again(app, first).await, again(app, second).await);
        let dropped = match round % 2 {
            0 => {
                let (a, b) = tokio::join!(
                    put_member(app, &one, &contoso, second, MemberRole::Developer),
                    put_member(app, &two, &contoso, first, MemberRole::Developer),
                );
                [a, b]
            }
            _ => {
                let (id_one, id_two) = (id(&one), id(&two));
                let (a, b) = tokio::join!(
                    remove_member(app, &one, &contoso, &id_two),
                    remove_member(app, &two, &contoso, &id_one),
                );
                [a, b]
            }
        };
        let left = owners(app, &contoso).await;
        assert_eq!(left.len(), 1, "{dropped:?}");
        let stays = if left[0] == id(&one) { &one } else { &two };
        for email in [first, second] {
            put_member(app, stays, &contoso, email, owner)
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_do_not_drop_each_other() {
    for_each_engine(two_owners).await;
}

/// The publisher is given to somebody who is leaving for good.
async fn given_to_who_leaves(store: Store) {
    let market = Market::open(store).await;
    let app = &market.app;
    let contoso: PublisherId = "contoso".parse().unwrap();
    for round in 0..ROUNDS {
        let email = format!("heir{round}@contoso.example");
        let heir = person(app, &email, false).await;
        let owner = again(app, "owner@contoso.example").await;
        put_member(app, &owner, &contoso, &email, MemberRole::Manager)
            .await
            .unwrap();
        let heir_id = id(&heir);
        let (given, gone) = tokio::join!(
            transfer_ownership(app, &owner, &contoso, &heir_id),
            erase_own_account(app, &heir, PASSWORD),
        );
        assert!(given.is_ok() ^ gone.is_ok(), "{given:?} {gone:?}");
        for owner in owners(app, &contoso).await {
            let row = store::accounts::find(&app.reader, &owner).await.unwrap();
            assert!(!store::accounts::is_erased(&row.unwrap()));
        }
        if given.is_ok() {
            let heir = again(app, &email).await;
            transfer_ownership(app, &heir, &contoso, &id(&owner))
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_never_given_to_nobody() {
    for_each_engine(given_to_who_leaves).await;
}

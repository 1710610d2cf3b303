//! Accounts and everything they sign in with.

use domain::role::TokenScope;
use store::accounts::{self, Account};
use store::sessions::{self, Session};
use store::setup_links::{self, SetupLink};
use store::tokens::{self, Token, TokenKind};
use store::{Error, Store};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, account};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_belongs_to_one_account_in_any_case() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        let first = Account {
            email: "Ada@Example.COM".to_owned(),
            ..account("a1")
        };
        accounts::insert(&tx, &first).await.unwrap();
        let second = Account {
            email: "aDA@example.com".to_owned(),
            ..account("a2")
        };
        let refused = accounts::insert(&tx, &second).await.unwrap_err();
        assert!(
            matches!(refused, Error::Conflict(what) if what.contains("e-mail")),
            "{refused}"
        );
        // The transaction goes on after a conflict, on both engines.
        accounts::insert(&tx, &account("a3")).await.unwrap();
        tx.commit().await.unwrap();

        let reader = &store.reader;
        let found = accounts::find_by_email(reader, "ADA@example.com")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.id.as_str(), found.email.as_str()),
            ("a1", "ada@example.com")
        );
        assert_eq!(accounts::find(reader, "a2").await.unwrap(), None);
        assert_eq!(accounts::list(reader, 10, None).await.unwrap().len(), 2);
        assert_eq!(
            accounts::list(reader, 10, Some("a1")).await.unwrap()[0].id,
            "a3"
        );
        assert_eq!(accounts::list(reader, 1, None).await.unwrap()[0].id, "a1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_passwords_and_shutting_out() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        accounts::insert(&tx, &account("a1")).await.unwrap();
        assert!(accounts::set_roles(&tx, "a1", true, true).await.unwrap());
        assert!(accounts::set_password(&tx, "a1", "$new$").await.unwrap());
        assert!(
            !accounts::set_roles(&tx, "nobody", true, true)
                .await
                .unwrap()
        );
        // A transaction sees what it did; others do not, yet.
        assert_eq!(accounts::count_operators(&tx).await.unwrap(), 1);
        assert_eq!(accounts::count_operators(&store.reader).await.unwrap(), 0);
        tx.commit().await.unwrap();
        let found = accounts::find(&store.reader, "a1").await.unwrap().unwrap();
        assert!(found.reviewer && found.operator && found.password_hash == "$new$");

        let tx = store.writer.begin().await.unwrap();
        accounts::set_disabled(&tx, "a1", Some(NOW)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(accounts::count_operators(&store.reader).await.unwrap(), 0);
        assert_eq!(
            accounts::find(&store.reader, "a1")
                .await
                .unwrap()
                .unwrap()
                .disabled_at,
            Some(NOW)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_one_by_one_all_at_once_and_by_time() {
    for_each_engine(|store: Store| async move {
        let session = |hash: &str, expires_at| Session {
            token_hash: hash.to_owned(),
            account_id: "a1".to_owned(),
            csrf: "c".to_owned(),
            created_at: NOW,
            expires_at,
            last_seen_at: NOW,
        };
        let tx = store.writer.begin().await.unwrap();
        accounts::insert(&tx, &account("a1")).await.unwrap();
        for (hash, expires_at) in [
            ("h1", NOW),
            ("h2", NOW + 1),
            ("h3", NOW + 2),
            ("h4", NOW + 3),
        ] {
            sessions::insert(&tx, &session(hash, expires_at))
                .await
                .unwrap();
        }
        assert_eq!(sessions::delete_expired(&tx, NOW + 1).await.unwrap(), 2);
        assert!(sessions::touch(&tx, "h3", NOW + 9).await.unwrap());
        assert_eq!(
            sessions::find(&tx, "h3")
                .await
                .unwrap()
                .unwrap()
                .last_seen_at,
            NOW + 9
        );
        assert!(sessions::delete(&tx, "h3").await.unwrap());
        assert!(!sessions::delete(&tx, "h3").await.unwrap());
        assert_eq!(sessions::delete_of_account(&tx, "a1").await.unwrap(), 1);
        assert_eq!(sessions::find(&tx, "h4").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_keep_their_scopes_and_are_revoked_by_their_owner() {
    for_each_engine(|store: Store| async move {
        let token = Token {
            id: "t1".to_owned(),
            account_id: "a1".to_owned(),
            name: "ci".to_owned(),
            token_hash: "hash".to_owned(),
            scopes: vec![TokenScope::Read, TokenScope::Push],
            created_at: NOW,
            expires_at: Some(NOW + 1),
            last_used_at: None,
            revoked_at: None,
            kind: TokenKind::Personal,
        };
        let tx = store.writer.begin().await.unwrap();
        accounts::insert(&tx, &account("a1")).await.unwrap();
        tokens::insert(&tx, &token).await.unwrap();
        let same_hash = Token {
            id: "t2".to_owned(),
            ..token.clone()
        };
        assert!(matches!(
            tokens::insert(&tx, &same_hash).await,
            Err(Error::Conflict(_))
        ));
        tx.commit().await.unwrap();

        let reader = &store.reader;
        assert_eq!(
            tokens::find_by_hash(reader, "hash").await.unwrap(),
            Some(token)
        );
        let tx = store.writer.begin().await.unwrap();
        assert!(tokens::touch(&tx, "t1", NOW + 5).await.unwrap());
        assert!(
            !tokens::revoke(&tx, "t1", "someone else", NOW)
                .await
                .unwrap()
        );
        assert!(tokens::revoke(&tx, "t1", "a1", NOW + 6).await.unwrap());
        assert!(!tokens::revoke(&tx, "t1", "a1", NOW + 7).await.unwrap());
        tx.commit().await.unwrap();
        let mine = tokens::list_of_account(reader, "a1").await.unwrap();
        assert_eq!(
            (mine[0].last_used_at, mine[0].revoked_at),
            (Some(NOW + 5), Some(NOW + 6))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_link_is_taken_once() {
    for_each_engine(|store: Store| async move {
        let link = SetupLink {
            token_hash: "h".to_owned(),
            created_at: NOW,
            used_at: None,
        };
        let tx = store.writer.begin().await.unwrap();
        setup_links::insert(&tx, &link).await.unwrap();
        tx.commit().await.unwrap();
        assert!(setup_links::any_unused(&store.reader).await.unwrap());

        let take = |writer: store::Writer| async move {
            let tx = writer.begin().await.unwrap();
            let taken = setup_links::take(&tx, "h", NOW + 1).await.unwrap();
            tx.commit().await.unwrap();
            taken
        };
        let (one, two) = tokio::join!(take(store.writer.clone()), take(store.writer.clone()));
        assert!(one ^ two, "taken by {one} and {two}");
        assert!(!setup_links::any_unused(&store.reader).await.unwrap());
    })
    .await;
}

//! Publishers, members, pictures, leads.

use domain::role::MemberRole;
use store::leads::{self, Lead};
use store::media::{self, Media};
use store::members::{self, Member};
use store::publishers::{self, Profile, Publisher, PublisherState};
use store::{Error, Store, accounts};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, account, begin, digest, key, plan, publisher, publisher_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_is_registered_once_and_decided_on() {
    for_each_engine(|store: Store| async move {
        let tx = store.writer.begin().await.unwrap();
        publishers::insert(&tx, &publisher("contoso"))
            .await
            .unwrap();
        assert!(matches!(
            publishers::insert(&tx, &publisher("contoso")).await,
            Err(Error::Conflict(_))
        ));
        publishers::insert(
            &tx,
            &Publisher {
                title: "Z".into(),
                ..publisher("c0ntoso")
            },
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();

        let reader = &store.reader;
        let id = publisher_id("contoso");
        assert_eq!(
            publishers::find(reader, &id).await.unwrap(),
            Some(publisher("contoso"))
        );
        let alike = publishers::by_skeleton(reader, &domain::ids::skeleton("contos0"))
            .await
            .unwrap();
        let ids: Vec<&str> = alike
            .iter()
            .map(|publisher| publisher.id.as_str())
            .collect();
        assert_eq!(ids, ["c0ntoso", "contoso"]);

        let tx = store.writer.begin().await.unwrap();
        assert!(
            publishers::set_state(&tx, &id, PublisherState::Suspended, Some("spam"))
                .await
                .unwrap()
        );
        let profile = Profile {
            title: "New".into(),
            summary: "s".into(),
            website: "w".into(),
            support_email: "e".into(),
            contact_email: "c".into(),
        };
        assert!(publishers::set_profile(&tx, &id, &profile).await.unwrap());
        assert!(publishers::set_verified(&tx, &id, true).await.unwrap());
        assert!(
            !publishers::set_profile(&tx, &publisher_id("nobody"), &profile)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        let found = publishers::find(reader, &id).await.unwrap().unwrap();
        assert_eq!(
            (found.state, found.reason.as_deref()),
            (PublisherState::Suspended, Some("spam"))
        );
        assert_eq!((found.title.as_str(), found.verified), ("New", true));
        assert_eq!(publishers::list(reader, None).await.unwrap().len(), 2);
        let pending = publishers::list(reader, Some(PublisherState::Pending))
            .await
            .unwrap();
        assert_eq!(pending.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_with_their_accounts_and_change_roles() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let member = |account: &str, role, created_at| Member {
            publisher: publisher_id("p1"),
            account_id: account.to_owned(),
            role,
            created_at,
        };
        let tx = store.writer.begin().await.unwrap();
        accounts::insert(&tx, &account("a2")).await.unwrap();
        members::put(&tx, &member("a2", MemberRole::Owner, NOW))
            .await
            .unwrap();
        members::put(&tx, &member("a1", MemberRole::Developer, NOW + 1))
            .await
            .unwrap();
        members::put(&tx, &member("a1", MemberRole::Manager, NOW + 2))
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let found = members::of_publisher(&store.reader, &publisher_id("p1"))
            .await
            .unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|(m, a)| (a.email.as_str(), m.role, m.created_at))
            .collect();
        let expected = [
            ("a2@example.com", MemberRole::Owner, NOW),
            ("a1@example.com", MemberRole::Manager, NOW + 1),
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            members::of_account(&store.reader, "a1")
                .await
                .unwrap()
                .len(),
            1
        );
        let tx = store.writer.begin().await.unwrap();
        assert!(
            members::remove(&tx, &publisher_id("p1"), "a1")
                .await
                .unwrap()
        );
        assert!(
            !members::remove(&tx, &publisher_id("p1"), "a1")
                .await
                .unwrap()
        );
        // A member needs an account: the database sees to it.
        assert!(matches!(
            members::put(&tx, &member("ghost", MemberRole::Owner, NOW)).await,
            Err(Error::Other(_))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_may_show_the_same_picture() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let picture = |publisher: &str, created_at| Media {
            digest: digest("logo"),
            publisher: publisher_id(publisher),
            media_type: "image/png".to_owned(),
            size: 3_000,
            created_at,
        };
        let tx = store.writer.begin().await.unwrap();
        publishers::insert(&tx, &publisher("p2")).await.unwrap();
        media::put(&tx, &picture("p1", NOW)).await.unwrap();
        media::put(&tx, &picture("p1", NOW + 1)).await.unwrap();
        tx.commit().await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        media::put(&tx, &picture("p2", NOW + 2)).await.unwrap();
        tx.commit().await.unwrap();
        let all = media::all(&store.reader, None, 10).await.unwrap();
        assert_eq!(all, [digest("logo")], "of two publishers, and there once");
        let found = media::find(&store.reader, &digest("logo")).await.unwrap();
        assert_eq!(found, Some(picture("p1", NOW)));
        assert_eq!(
            media::find(&store.reader, &digest("other")).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_read_by_offer_and_by_publisher() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let lead = |id: &str, offer: &str, created_at| Lead {
            id: id.to_owned(),
            key: key(offer),
            plan: plan("free"),
            account_id: None,
            name: "Grace".into(),
            email: "grace@example.com".into(),
            company: "Navy; \"quoted\"".into(),
            title: String::new(),
            phone: String::new(),
            country: "US".into(),
            consent_text: "I agree.".into(),
            consent_at: NOW,
            source: "product page".into(),
            action: "deploy".into(),
            created_at,
        };
        let tx = store.writer.begin().await.unwrap();
        for (id, offer, at) in [
            ("l1", "p1.sensor", NOW),
            ("l2", "p1.pump", NOW + 1),
            ("l3", "p1.sensor", NOW + 2),
        ] {
            leads::insert(&tx, &lead(id, offer, at)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let of_offer = leads::of_offer(&store.reader, &key("p1.sensor"))
            .await
            .unwrap();
        assert_eq!(
            of_offer,
            [
                lead("l3", "p1.sensor", NOW + 2),
                lead("l1", "p1.sensor", NOW)
            ]
        );
        let of_publisher = leads::of_publisher(&store.reader, &publisher_id("p1"))
            .await
            .unwrap();
        assert_eq!(
            of_publisher
                .iter()
                .map(|lead| lead.id.as_str())
                .collect::<Vec<_>>(),
            ["l3", "l2", "l1"]
        );
    })
    .await;
}

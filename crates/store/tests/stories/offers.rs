//! Offers with their revisions, what is live, and sealed credentials.

use domain::lifecycle::{OfferState, StopReason};
use store::credentials::{self, Credentials};
use store::offers::{self, StopInfo};
use store::{Error, Store, submissions};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, key, offer, plan, publisher_id, submission, tally};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_save_the_same_revision_one_is_told() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let sensor = key("p1.sensor");
        let save = |writer: store::Writer, title: &'static str| async move {
            let tx = writer.begin().await.unwrap();
            let mut draft = offer("p1.sensor").draft;
            draft.listing.title = title.to_owned();
            let saved = offers::save_draft(&tx, &key("p1.sensor"), &draft, 1, NOW + 1)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            saved.then_some(title)
        };
        let (one, two) = tokio::join!(
            save(store.writer.clone(), "one"),
            save(store.writer.clone(), "two")
        );
        assert_eq!(tally([one.is_some(), two.is_some()])[&true], 1);
        let found = offers::find(&store.reader, &sensor).await.unwrap().unwrap();
        assert_eq!((found.revision, found.updated_at), (2, NOW + 1));
        assert_eq!(Some(found.draft.listing.title.as_str()), one.or(two));
        let tx = store.writer.begin().await.unwrap();
        assert!(matches!(
            offers::insert(&tx, &offer("p1.sensor")).await,
            Err(Error::Conflict(_))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_offers_are_listed_with_what_customers_see() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let (sensor, pump) = (key("p1.sensor"), key("p1.pump"));
        let tx = store.writer.begin().await.unwrap();
        let mut shown = submission("s1", "p1.sensor", 1);
        shown.frozen.listing.title = "Sensor".to_owned();
        submissions::insert(&tx, &shown).await.unwrap();
        submissions::insert(&tx, &submission("s2", "p1.pump", 1))
            .await
            .unwrap();
        assert!(offers::set_live(&tx, &sensor, "s1", NOW + 1).await.unwrap());
        assert!(offers::set_live(&tx, &pump, "s2", NOW + 1).await.unwrap());
        tx.commit().await.unwrap();
        let live = offers::listing_all_live(&store.reader).await.unwrap();
        let seen: Vec<_> = live
            .iter()
            .map(|(row, s)| (row.key.to_string(), s.frozen.listing.title.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("p1.pump".to_owned(), ""),
                ("p1.sensor".to_owned(), "Sensor")
            ]
        );

        let stop = StopInfo {
            reason: StopReason::SecurityIssue,
            alternative: Some("p1.pump".to_owned()),
            at: NOW + 2,
        };
        let tx = store.writer.begin().await.unwrap();
        assert!(
            offers::set_state(&tx, &sensor, OfferState::Stopped, Some(&stop), NOW + 2)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        // Stopped ones keep their page; what was never live has none.
        let tx = store.writer.begin().await.unwrap();
        offers::insert(&tx, &offer("p1.draft")).await.unwrap();
        tx.commit().await.unwrap();
        let all = offers::listing_all_live(&store.reader).await.unwrap();
        let states: Vec<_> = all.iter().map(|(row, _)| row.state).collect();
        assert_eq!(states, [OfferState::Live, OfferState::Stopped]);
        let stopped = offers::find(&store.reader, &sensor).await.unwrap().unwrap();
        assert_eq!(
            (stopped.state, stopped.stop),
            (OfferState::Stopped, Some(stop))
        );
        assert_eq!(stopped.live_submission.as_deref(), Some("s1"));
        let all = offers::of_publisher(&store.reader, &publisher_id("p1"))
            .await
            .unwrap();
        assert_eq!(
            all.iter()
                .map(|row| row.key.offer.as_str())
                .collect::<Vec<_>>(),
            ["draft", "pump", "sensor"]
        );

        let tx = store.writer.begin().await.unwrap();
        offers::set_live(&tx, &sensor, "s1", NOW + 3).await.unwrap();
        assert_eq!(
            offers::find(&tx, &sensor).await.unwrap().unwrap().stop,
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_live_offers_goes_on_over_its_pages() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        for number in 0..205 {
            let name = format!("p1.m{number:03}");
            let id = format!("s-{name}");
            offers::insert(&tx, &offer(&name)).await.unwrap();
            submissions::insert(&tx, &submission(&id, &name, 1))
                .await
                .unwrap();
            offers::set_live(&tx, &key(&name), &id, NOW).await.unwrap();
        }
        tx.commit().await.unwrap();
        let live = offers::listing_all_live(&store.reader).await.unwrap();
        assert_eq!(live.len(), 205);
        assert!(live.windows(2).all(|two| two[0].0.key < two[1].0.key));
        assert!(live.iter().all(|(row, shown)| row.key == shown.key));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_replaced_and_forgotten() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let (sensor, free) = (key("p1.sensor"), plan("free"));
        let sealed = |key_id: &str| Credentials {
            publisher: sensor.publisher.clone(),
            offer: sensor.offer.clone(),
            plan: free.clone(),
            registry: "registry.contoso.example".to_owned(),
            key_id: key_id.to_owned(),
            nonce: vec![0, 255, 7],
            ciphertext: (0..=255).collect(),
            realm_host: None,
            updated_at: NOW,
        };
        let tx = store.writer.begin().await.unwrap();
        credentials::put(&tx, &sealed("k1")).await.unwrap();
        credentials::put(&tx, &sealed("k2")).await.unwrap();
        tx.commit().await.unwrap();
        let found = credentials::find(&store.reader, &sensor, &free)
            .await
            .unwrap();
        assert_eq!(found, Some(sealed("k2")));
        assert_eq!(
            credentials::list_all(&store.reader).await.unwrap(),
            [sealed("k2")]
        );
        let tx = store.writer.begin().await.unwrap();
        assert!(credentials::delete(&tx, &sensor, &free).await.unwrap());
        assert!(!credentials::delete(&tx, &sensor, &free).await.unwrap());
    })
    .await;
}

//! Submissions, their steps and the events around them.

use domain::lifecycle::State;
use serde_json::json;
use store::events::{self, Event};
use store::{Error, Store, settings, steps, submissions};
use testkit::engines::for_each_engine;

use crate::rows::{NOW, begin, key, submission, tally};

#[tokio::test(flavor = "multi_thread")]
async fn one_submission_of_an_offer_runs_at_a_time() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let sensor = key("p1.sensor");
        let submit = |writer: store::Writer, id: &'static str, number| async move {
            let tx = writer.begin().await.unwrap();
            let result = submissions::insert(&tx, &submission(id, "p1.sensor", number)).await;
            tx.commit().await.unwrap();
            result
        };
        let (one, two) = tokio::join!(
            submit(store.writer.clone(), "s1", 1),
            submit(store.writer.clone(), "s2", 2)
        );
        assert_eq!(
            tally([one.is_ok(), two.is_ok()])[&true],
            1,
            "{one:?} {two:?}"
        );
        assert!(matches!(one.and(two), Err(Error::Conflict(_))));
        let running = submissions::running_of_offer(&store.reader, &sensor)
            .await
            .unwrap()
            .unwrap();

        // A preview waits for its publisher, and lets another submission in; then it cannot run again.
        let tx = store.writer.begin().await.unwrap();
        let moved =
            submissions::set_state(&tx, &running.id, State::Submitted, State::Preview, NOW + 5)
                .await
                .unwrap();
        assert!(moved);
        let next = submissions::next_number(&tx, &sensor).await.unwrap();
        assert_eq!(next, running.number + 1);
        submissions::insert(&tx, &submission("s3", "p1.sensor", next))
            .await
            .unwrap();
        let same_number = submission("s4", "p1.sensor", running.number);
        assert!(matches!(
            submissions::insert(&tx, &same_number).await,
            Err(Error::Conflict(_))
        ));
        tx.commit().await.unwrap();
        let tx = store.writer.begin().await.unwrap();
        let again =
            submissions::set_state(&tx, &running.id, State::Preview, State::Publishing, NOW + 6)
                .await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
        drop(tx);
        let latest = submissions::latest_of_offer(&store.reader, &sensor)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(latest.id, "s3");
        let all = submissions::of_offer(&store.reader, &sensor).await.unwrap();
        assert_eq!(
            all.iter().map(|s| s.number).collect::<Vec<_>>(),
            [next, running.number]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_changes_only_from_where_it_was_seen() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        submissions::insert(&tx, &submission("s1", "p1.sensor", 1))
            .await
            .unwrap();
        submissions::insert(&tx, &submission("s2", "p1.pump", 2))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let go = |writer: store::Writer, to| async move {
            let tx = writer.begin().await.unwrap();
            let moved = submissions::set_state(&tx, "s1", State::Submitted, to, NOW + 9)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            moved
        };
        let (imports, cancels) = tokio::join!(
            go(store.writer.clone(), State::Importing),
            go(store.writer.clone(), State::Cancelled)
        );
        assert!(imports ^ cancels);
        let found = submissions::find(&store.reader, "s1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            found.state,
            if imports {
                State::Importing
            } else {
                State::Cancelled
            }
        );
        assert_eq!(found.updated_at, NOW + 9);
        let waiting = [State::Submitted, State::Importing, State::Cancelled];
        let found = submissions::in_state(&store.reader, &waiting)
            .await
            .unwrap();
        assert_eq!(
            found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(),
            ["s1", "s2"]
        );
        assert_eq!(submissions::in_state(&store.reader, &[]).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pipeline_finds_stays_with_the_submission() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        submissions::insert(&tx, &submission("s1", "p1.sensor", 1))
            .await
            .unwrap();
        assert_eq!(
            submissions::find(&tx, "s1").await.unwrap(),
            Some(submission("s1", "p1.sensor", 1))
        );
        let report = json!({"findings": [{"rule": "T-1", "text": "ünïcode \u{0} \u{1F600}"}]});
        assert!(
            submissions::set_report(&tx, "s1", &report, NOW + 1)
                .await
                .unwrap()
        );
        assert!(
            submissions::set_imported(&tx, "s1", &json!({"free": {"tags": {}}}), NOW + 2)
                .await
                .unwrap()
        );
        assert!(
            submissions::set_waivers(&tx, "s1", &json!(["T-1"]), NOW + 3)
                .await
                .unwrap()
        );
        assert!(
            submissions::set_decision(&tx, "s1", &json!({"by": "a1"}), NOW + 4)
                .await
                .unwrap()
        );
        assert!(
            submissions::set_failure(&tx, "s1", "no such tag", NOW + 5)
                .await
                .unwrap()
        );
        assert!(
            submissions::set_preview_expires_at(&tx, "s1", Some(NOW + 99), NOW + 6)
                .await
                .unwrap()
        );
        assert!(!submissions::set_failure(&tx, "s9", "x", NOW).await.unwrap());
        tx.commit().await.unwrap();
        let found = submissions::find(&store.reader, "s1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.report, found.waivers),
            (Some(report), json!(["T-1"]))
        );
        assert_eq!(
            (found.decision, found.failure.as_deref()),
            (Some(json!({"by": "a1"})), Some("no such tag"))
        );
        assert_eq!(
            (found.preview_expires_at, found.updated_at),
            (Some(NOW + 99), NOW + 6)
        );
        assert_eq!(found.imported, json!({"free": {"tags": {}}}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_begin_end_and_begin_again_with_a_bounded_log() {
    for_each_engine(|store: Store| async move {
        begin(&store).await;
        let tx = store.writer.begin().await.unwrap();
        submissions::insert(&tx, &submission("s1", "p1.sensor", 1))
            .await
            .unwrap();
        steps::start(&tx, "s1", "import", NOW).await.unwrap();
        assert!(
            steps::append_log(&tx, "s1", "import", "copying\n")
                .await
                .unwrap()
        );
        assert!(
            steps::finish(&tx, "s1", "import", "failed", "no such tag", NOW + 1)
                .await
                .unwrap()
        );
        assert!(
            !steps::finish(&tx, "s1", "certify", "ok", "", NOW + 1)
                .await
                .unwrap()
        );
        assert!(!steps::append_log(&tx, "s1", "certify", "x").await.unwrap());
        tx.commit().await.unwrap();

        let tx = store.writer.begin().await.unwrap();
        steps::start(&tx, "s1", "import", NOW + 2).await.unwrap();
        steps::append_log(&tx, "s1", "import", &"again\n".repeat(100_000))
            .await
            .unwrap();
        steps::start(&tx, "s1", "certify", NOW + 3).await.unwrap();
        tx.commit().await.unwrap();
        let found = steps::of_submission(&store.reader, "s1").await.unwrap();
        assert_eq!(
            found
                .iter()
                .map(|row| row.step.as_str())
                .collect::<Vec<_>>(),
            ["import", "certify"]
        );
        let import = &found[0];
        assert_eq!(
            (
                import.started_at,
                import.ended_at,
                import.outcome.as_deref()
            ),
            (NOW + 2, None, None)
        );
        assert!(import.log.len() <= steps::LOG_BYTES_MAX && import.log.ends_with("again\n"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_newest_first() {
    for_each_engine(|store: Store| async move {
        let event = |id: &str, subject: &str| Event {
            id: id.to_owned(),
            at: NOW,
            actor: "a1".to_owned(),
            subject_kind: "submission".to_owned(),
            subject: subject.to_owned(),
            kind: "submitted".to_owned(),
            data: json!({"number": 1}),
        };
        let tx = store.writer.begin().await.unwrap();
        for (id, subject) in [("e1", "s1"), ("e2", "s2"), ("e3", "s1"), ("e4", "s1")] {
            events::append(&tx, &event(id, subject)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
        let of_subject = events::of_subject(&store.reader, "submission", "s1", 2)
            .await
            .unwrap();
        assert_eq!(of_subject[0], event("e4", "s1"));
        assert_eq!(ids(of_subject), ["e4", "e3"]);
        assert_eq!(
            events::of_subject(&store.reader, "offer", "s1", 2)
                .await
                .unwrap(),
            []
        );
        assert_eq!(
            ids(events::recent(&store.reader, 3, None).await.unwrap()),
            ["e4", "e3", "e2"]
        );
        assert_eq!(
            ids(events::recent(&store.reader, 3, Some("e2")).await.unwrap()),
            ["e1"]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_replaced() {
    for_each_engine(|store: Store| async move {
        assert_eq!(settings::get(&store.reader, "policy").await.unwrap(), None);
        let tx = store.writer.begin().await.unwrap();
        settings::put(&tx, "policy", &json!({"preview_hours": 72}))
            .await
            .unwrap();
        settings::put(&tx, "policy", &json!({"preview_hours": 24}))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let found = settings::get(&store.reader, "policy").await.unwrap();
        assert_eq!(found, Some(json!({"preview_hours": 24})));
    })
    .await;
}

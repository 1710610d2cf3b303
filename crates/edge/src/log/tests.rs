//! Bounds, counts, and waiting.

use super::*;

fn message(output: &str, bytes: usize) -> Event {
    Event::Message {
        output: Some(output.to_owned()),
        body: Reading::of("x".repeat(bytes).as_bytes()),
        properties: BTreeMap::new(),
        system: BTreeMap::new(),
    }
}

#[test]
fn the_first_thousand_of_a_topic_are_kept_and_all_are_counted() {
    let log = EventLog::new(Instant::now());
    for _ in 0..1_500 {
        log.record(Some("m"), message("out", 1));
    }
    log.record(Some("m"), message("other", 1));
    log.record(None, Event::HubStarted);
    let counts = log.counts();
    assert_eq!(
        counts["message m/out"],
        Count {
            seen: 1_500,
            kept: 1_000
        }
    );
    assert_eq!(counts["message m/other"], Count { seen: 1, kept: 1 });
    assert_eq!(counts["hub-started"], Count { seen: 1, kept: 1 });
    assert_eq!(log.entries(0).len(), 1_002);
    assert_eq!(log.entries(1_502)[0].number, 1_502);
}

#[test]
fn a_run_keeps_ten_megabytes() {
    let log = EventLog::new(Instant::now());
    for index in 0..20_000 {
        log.record(None, message(&format!("o{}", index % 50), 4_000));
    }
    let text = log.json_lines();
    let fits = PAYLOAD_BYTES_MAX..PAYLOAD_BYTES_MAX + 20_000;
    assert!(fits.contains(&text.len()), "{} bytes", text.len());
    assert_eq!(log.counts()["message /o1"].seen, 400);
}

#[test]
fn chatter_takes_no_place_from_connections_and_ends() {
    let log = EventLog::new(Instant::now());
    for index in 0..20_000 {
        log.record(Some("m"), message(&format!("o{}", index % 50), 4_000));
        log.record(
            Some("m"),
            Event::ProtocolError {
                reason: "x".repeat(1_024),
            },
        );
    }
    let ended = Event::Disconnected {
        clean: true,
        reason: "DISCONNECT".into(),
    };
    log.record(Some("m"), ended.clone());
    log.record(None, Event::HubStopped);
    let kept: Vec<Event> = log
        .entries(40_001)
        .iter()
        .map(|entry| entry.event.clone())
        .collect();
    assert_eq!(kept, [ended, Event::HubStopped]);
    assert!(log.json_lines().len() < BYTES_MAX);
}

#[test]
fn one_event_is_small_whatever_it_is_about() {
    let log = EventLog::new(Instant::now());
    let long = "ü".repeat(30_000);
    let properties: BTreeMap<String, String> = (0..100)
        .map(|index| (format!("p{index}"), "v".repeat(600)))
        .collect();
    log.record(
        Some("m"),
        Event::Message {
            output: Some(excerpt(&long)),
            body: Reading::of(long.as_bytes()),
            properties: cut_properties(&properties),
            system: BTreeMap::new(),
        },
    );
    let patch = serde_json::json!({"a": "x".repeat(4_000), "b": "y".repeat(4_000)});
    log.record(
        Some("m"),
        Event::Reported {
            patch: cut(&patch),
            version: 2,
        },
    );
    log.record_with(Some("m"), "not-routed", &long, || Event::NotRouted {
        output: None,
    });
    for line in log.json_lines().lines() {
        assert!(line.len() < 12_000, "{} bytes", line.len());
    }
    let entries = log.entries(0);
    let Event::Message { properties: of, .. } = &entries[0].event else {
        panic!("a message");
    };
    assert_eq!(of["$bytes"], (600 * 100 + 10 * 2 + 90 * 3).to_string());
    assert!(of.len() > 5 && of["p0"] == properties["p0"]);
    let Event::Reported { patch: of, .. } = &entries[1].event else {
        panic!("a patch");
    };
    assert_eq!(of["$bytes"], patch.to_string().len());
    assert_eq!(
        cut(&serde_json::json!({"a": 1})),
        serde_json::json!({"a": 1})
    );
}

#[test]
fn invented_topics_do_not_grow_the_log() {
    let log = EventLog::new(Instant::now());
    for index in 0..3_000 {
        log.record(None, message(&format!("o{index}"), 1));
    }
    assert!(log.counts().len() <= TOPICS_MAX + 1);
    assert_eq!(
        log.counts().values().map(|count| count.seen).sum::<u64>(),
        3_000
    );
}

#[test]
fn a_line_reads_as_json() {
    let log = EventLog::new(Instant::now());
    log.record(Some("m"), message("out", 3));
    let text = log.json_lines();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["event"], "message");
    assert_eq!(line["text"], "xxx");
    assert_eq!(line["module"], "m");
    assert!(
        text.lines()
            .last()
            .unwrap()
            .contains("\"message m/out\":{\"seen\":1")
    );
}

#[tokio::test]
async fn waiting_finds_what_was_and_what_comes() {
    let log = EventLog::new(Instant::now());
    log.record(None, Event::HubStarted);
    let patience = Duration::from_secs(5);
    let started = |entry: &Entry| entry.event == Event::HubStarted;
    assert!(log.wait_for(0, patience, started).await.is_some());
    let later = log.clone();
    let waiting = tokio::spawn(async move {
        later
            .wait_for(2, patience, |entry| entry.event == Event::HubStopped)
            .await
    });
    log.record(None, Event::HubStopped);
    assert!(waiting.await.unwrap().is_some());
    assert!(
        log.wait_for(3, Duration::from_millis(1), |_| true)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn waiting_looks_at_each_event_once() {
    let log = EventLog::new(Instant::now());
    for _ in 0..500 {
        log.record(None, Event::HubStarted);
    }
    let looked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (later, counter) = (log.clone(), Arc::clone(&looked));
    let waiting = tokio::spawn(async move {
        let wanted = move |entry: &Entry| {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            entry.event == Event::HubStopped
        };
        later.wait_for(0, Duration::from_secs(20), wanted).await
    });
    for _ in 0..100 {
        log.record(None, Event::HubStarted);
        tokio::task::yield_now().await;
    }
    // More than a listener may lag behind, at once: it looks into the log again, but not from the beginning.
    for _ in 0..300 {
        log.record(None, Event::HubStarted);
    }
    log.record(None, Event::HubStopped);
    assert!(waiting.await.expect("no panic").is_some());
    let looked = looked.load(std::sync::atomic::Ordering::Relaxed);
    assert!(looked <= 500 + 100 + 300 + 1, "looked {looked} times");
}

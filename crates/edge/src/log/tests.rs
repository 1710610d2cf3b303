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
    assert!(text.len() < BYTES_MAX + 20_000, "{} bytes", text.len());
    assert_eq!(log.counts()["message /o1"].seen, 400);
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

//! Which of two hits comes first.

use app::catalog::{Query, Snapshot};

use crate::catalog;
use crate::listing::Listing;

fn listing(title: &str, description: &str) -> Listing {
    Listing {
        title: title.to_owned(),
        description: description.to_owned(),
        prices: vec!["free"],
        listed: true,
        ..Listing::default()
    }
}

/// Titles in the order in which a search shows them.
fn titles(listings: &[Listing], text: &str) -> Vec<String> {
    let snapshot = Snapshot::of(1, catalog(listings)).unwrap();
    let query = Query {
        text: text.to_owned(),
        ..Query::default()
    };
    let hits = snapshot.search(&query).hits;
    hits.iter().map(|hit| hit.module.title.clone()).collect()
}

#[test]
fn titles_stand_above_descriptions_for_whole_words_beginnings_and_slips() {
    let listings = [
        listing("Buffer", "keeps what a thermometer sends"),
        listing("Thermometer", "reads"),
        listing(
            "Forwarder",
            "for one thermometer or another thermometer, any thermometer",
        ),
    ];
    for text in [
        "thermometer",
        "thermo",
        "thermometr",
        "Thermoemter",
        "therm",
    ] {
        let found = titles(&listings, text);
        assert_eq!(found.len(), 3, "{text}: {found:?}");
        assert_eq!(found[0], "Thermometer", "{text}: {found:?}");
    }
}

#[test]
fn whole_words_stand_above_beginnings_and_those_above_slips() {
    let listings = [
        listing("Pomp", ""),
        listing("Pumpkin", ""),
        listing("Pump", ""),
    ];
    assert_eq!(titles(&listings, "pump"), ["Pump", "Pumpkin", "Pomp"]);
}

#[test]
fn of_equals_the_shorter_title_stands_first_and_then_the_id() {
    let listings = [
        listing("Pump station monitor", ""),
        listing("Pump monitor", ""),
        listing("Pump Monitor", ""),
    ];
    let found = titles(&listings, "pu");
    assert_eq!(
        found,
        ["Pump monitor", "Pump Monitor", "Pump station monitor"]
    );
}

#[test]
fn short_words_must_be_typed_right() {
    let listings = [listing("Gas", ""), listing("Gap", "")];
    assert_eq!(titles(&listings, "gas"), ["Gas"]);
    assert_eq!(titles(&listings, "xas"), Vec::<String>::new());
}

#[test]
fn when_nothing_has_every_word_any_word_will_do() {
    let listings = [listing("Pump", ""), listing("Valve", "")];
    assert_eq!(titles(&listings, "pump conveyor"), ["Pump"]);
    assert_eq!(titles(&listings, "pump valve").len(), 2);
}

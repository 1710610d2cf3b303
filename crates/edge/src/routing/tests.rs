//! Matching, sinks and conditions, case by case and for any condition.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::topic::Properties;

fn message(module: &str, output: Option<&str>) -> Message {
    Message {
        source: Source::Module {
            module: module.into(),
            output: output.map(str::to_owned),
        },
        properties: Properties::default(),
        payload: Bytes::new(),
    }
}

fn machine() -> Message {
    let mut message = message("sensor", Some("out"));
    message.properties = Properties::default()
        .with("level", "high")
        .with("count", "12")
        .with("$odd", "mine")
        .with_system("contentType", "application/json")
        .with_system("contentEncoding", "UTF-8")
        .with_system("connectionModuleId", "sensor");
    message.payload = Bytes::from_static(
        br#"{"machine":{"temperature":61.5,"name":"M1","on":true,"parts":[{"id":7}]},"empty":null}"#,
    );
    message
}

fn holds_for(condition: &str, message: &Message) -> bool {
    let text = format!("FROM /* WHERE {condition} INTO $upstream");
    let router = Router::new([("r", text.as_str())]).unwrap_or_else(|error| panic!("{error}"));
    !router.deliveries(message).is_empty()
}

#[test]
fn sources_match_by_whole_segments_in_any_case() {
    let from = |source: &str, message: &Message| {
        let text = format!("FROM {source} INTO $upstream");
        !Router::new([("r", text.as_str())])
            .expect("parses")
            .deliveries(message)
            .is_empty()
    };
    let sent = message("Sensor1", Some("temp"));
    for source in [
        "/*",
        "/messages",
        "/messages/*",
        "/MESSAGES/Modules/sensor1",
        "/messages/modules/Sensor1/outputs/temp",
        "/messages/modules/Sensor1/outputs/*",
    ] {
        assert!(from(source, &sent), "{source}");
    }
    for source in [
        "/messages/modules/sensor",
        "/messages/modules/Sensor1/outputs/te",
        "/messages/modules/Sensor1/outputs/temp/x",
        "/messages/*/outputs/temp",
        "/twinChangeNotifications",
    ] {
        assert!(!from(source, &sent), "{source}");
    }
    let bare = message("Sensor1", None);
    assert!(from("/messages/modules/Sensor1", &bare));
    assert!(!from("/messages/modules/Sensor1/outputs/*", &bare));
    let change = Message {
        source: Source::TwinChange,
        ..bare
    };
    assert!(from("/*", &change) && from("/twinChangeNotifications", &change));
    assert!(!from("/messages/*", &change));
}

#[test]
fn an_endpoint_gets_a_message_once() {
    let router = Router::new([
        ("up", "FROM /messages/* INTO $upstream"),
        ("again", "FROM /* INTO $upstream"),
        (
            "in",
            "FROM /messages/modules/a/* INTO BrokeredEndpoint(\"/modules/b/inputs/i\")",
        ),
        ("blank", ""),
    ])
    .expect("parses");
    let found = router.deliveries(&message("a", None));
    let names: Vec<&str> = found
        .iter()
        .map(|delivery| delivery.route.as_str())
        .collect();
    assert_eq!(names, ["up", "in"]);
    assert_eq!(
        found[1].to,
        Endpoint::Input {
            module: "b".into(),
            input: "i".into()
        }
    );
    assert_eq!(router.deliveries(&message("c", None)).len(), 1);
}

#[test]
fn one_bad_route_refuses_the_set() {
    let good = ("good", "FROM /* INTO $upstream");
    for bad in [
        "FROM /messages",
        "FROM /* INTO $iothub",
        "FROM /* INTO BrokeredEndpoint('/a/b')",
        "FROM /* INTO BrokeredEndpoint('/modules/b/inputs/a+')",
        "FROM /* INTO BrokeredEndpoint('/modules/b/inputs/#')",
        r"FROM /* INTO BrokeredEndpoint('/modules/b/inputs/a\u0000')",
    ] {
        let error = Router::new([good, ("bad", bad)])
            .expect_err(bad)
            .to_string();
        assert!(error.contains("\"bad\""), "{error}");
    }
}

#[test]
fn conditions_that_hold() {
    for condition in [
        "level = 'high'",
        "\"high\" = level AND NOT (level <> 'high')",
        "as_number(count) >= 12",
        "as_number(' 1,200 ') = 1200",
        "as_number(as_number('4')) = 4",
        "$connectionModuleId = 'sensor'",
        "IS_DEFINED($connectionModuleId) AND NOT is_defined(missing)",
        "$body.machine.temperature > 60",
        "$BODY.machine.parts[0].id = 7",
        "$body.machine.on",
        "NOT $body.machine.off",
        "$body.machine.on AND is_defined(level)",
        "$body.machine.temperature + 1 > as_number(count)",
        "(level ?? 'low') = 'high'",
        "is_null($body.machine.off) AND is_null($body.empty)",
        "$body.machine.temperature / 0 > 1e300",
        "$body.machine.name <> 5",
        "$odd = 'mine'",
        "NOT is_defined({$odd})",
        "(missing ?? 'x') = 'x'",
        "missing = '1' OR level = 'high'",
        "level || count = 'high12'",
        "concat('a', 'b', 'c') = 'abc'",
        "length('aü') = 2 AND upper('ab') = 'AB' AND lower('ÄB') = 'äb'",
        "substring('hello', 1, 3) = 'ell' AND substring('hello', 5) = ''",
        "index_of('hello', 'l') = 2 AND index_of('hello', 'z') = - 1",
        "starts_with('abc', 'a') AND ends_with('abc', 'c') AND contains('abc', 'b')",
        "abs(-2) = 2 AND ceiling(1.2) = 2 AND floor(-1.2) = - 2 AND sign(-9) = -1 AND sign(0) = 0",
        "sqrt(9) = 3 AND square(3) = 9 AND power(2, 10) = 1024 AND exp(0) = 1",
        "7 % 4 = 3 AND 0x10 = 16 AND 1 + 2 * 3 = 7",
        "is_bool(true) AND is_number(1) AND is_string('') AND NOT is_string(1)",
        "is_bool($body.machine.on) AND is_number($body.machine.temperature)",
    ] {
        assert!(holds_for(condition, &machine()), "{condition}");
    }
}

#[test]
fn conditions_that_do_not_hold() {
    for condition in [
        "missing = 'x'",
        "missing <> 'x'",
        "undefined = undefined",
        "level",
        "null",
        "missing = '1' AND level = 'high'",
        "$body.machine",
        "$body.machine = $body.machine",
        "sqrt(-1) = sqrt(-1)",
        "substring('abc', 4) = ''",
        "substring('abc', 3, 0) = ''",
        "substring('abc', -1) = 'c'",
        "as_number('') = 0",
        "as_number('inf') > 0",
    ] {
        assert!(!holds_for(condition, &machine()), "{condition}");
    }
}

#[test]
fn a_body_is_parsed_once_for_all_routes() {
    let texts: Vec<(String, String)> = (0..50)
        .map(|index| {
            let text = format!(
                "FROM /* WHERE $body.machine.on AND $body.n <> {index} INTO BrokeredEndpoint('/modules/b/inputs/i{index}')"
            );
            (index.to_string(), text)
        })
        .collect();
    let routes = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let router = Router::new(routes).expect("parses");
    let before = body::PARSED.get();
    assert_eq!(router.deliveries(&machine()).len(), 50);
    assert_eq!(body::PARSED.get(), before + 1);
}

/// Types, evaluation and dropping go down a condition level by level.
#[test]
fn the_longest_condition_fits_a_small_stack() {
    use domain::route::{EXPRESSION_DEPTH_MAX, OPERATORS_MAX};
    let nested = EXPRESSION_DEPTH_MAX - 2;
    let text = format!(
        "FROM /* WHERE {}1{}{} = 1 INTO $upstream",
        "abs(".repeat(nested),
        " + 1".repeat(OPERATORS_MAX - 1),
        ")".repeat(nested),
    );
    let walked = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || {
            let router = Router::new([("r", text.as_str())]).expect("parses");
            assert!(router.clone().deliveries(&machine()).is_empty());
        });
    walked.expect("a thread").join().expect("stack enough");
}

#[test]
fn a_body_must_be_called_json_and_utf8_and_be_an_object() {
    let condition = "is_defined($body.machine)";
    let ask = |change: fn(&mut Message)| {
        let mut message = machine();
        change(&mut message);
        holds_for("$body.machine.on", &message)
    };
    assert!(ask(|_| {}));
    assert!(
        !holds_for(condition, &machine()),
        "an object of the body is no value"
    );
    assert!(!ask(|m| drop(m.properties.system.remove("contentType"))));
    assert!(!ask(|m| drop(
        m.properties.system.remove("contentEncoding")
    )));
    assert!(!ask(|m| m.payload = Bytes::from_static(b"[1]")));
    assert!(!ask(|m| m.payload = Bytes::from_static(b"{\"machine\":")));
}

/// Half of them stand in the hub's own tests as conditions that do not compile.
#[test]
fn a_condition_that_a_device_does_not_compile_refuses_the_set() {
    for (condition, part) in [
        ("no_such(1) = 1", "no function no_such"),
        ("twin_change_includes(machine.on)", "twin_change_includes"),
        ("abs(3, 4) = 3", "takes 1 argument"),
        ("concat('a') = 'a'", "at least 2"),
        ("substring('a') = 'a'", "2 to 3"),
        ("level = 5", "text and a number"),
        ("count > 5", "as_number()"),
        ("3 + '4' = 7", "a number and text"),
        ("null = 5", "null and a number"),
        ("3 + undefined = 3", "undefined"),
        ("undefined = 'x'", "undefined and text"),
        ("$body.n = undefined", "undefined"),
        ("'a' + 'b' = 'ab'", "numbers"),
        ("level || true = 'x'", "text"),
        ("level ?? 12.34 = 'x'", "one type"),
        ("level ?? 'hello' = 'high'", "one type"),
        ("level AND true", "true or false"),
        ("undefined AND 'hello'", "true or false"),
        ("true AND $body.on", "true or false"),
        ("NOT level", "true, false or null"),
        ("NOT undefined", "true, false or null"),
        ("- (level) = 1", "a number"),
        ("abs('x') = 1", "argument 1 is text"),
        ("abs(null) = 1", "argument 1 is null"),
        ("concat('a', 1) = 'a1'", "argument 2"),
        ("length(true) = 1", "argument 1"),
        ("substring('a', 'b') = 'a'", "argument 2"),
        ("starts_with(level, 1)", "argument 2"),
        ("as_number(true) = 1", "argument 1"),
        ("$body.machine.parts[x].id = 7", "no path"),
        ("$body.parts[] = 7", "no path"),
        ("$body. = 7", "no path"),
    ] {
        let text = format!("FROM /* WHERE {condition} INTO $upstream");
        let good = ("good", "FROM /* INTO $upstream");
        let error = Router::new([good, ("bad", text.as_str())]).expect_err(condition);
        assert!(
            matches!(&error, RoutingError::Condition { name, what } if name == "bad" && what.contains(part)),
            "{condition}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn any_route_matches_or_does_not(text in r#"FROM /[*a-z/]{1,10} WHERE ([a-z_]{1,9}\(|\$body\.[a-z\[\]0-9.]{1,6}|[0-9.]{1,3}|'[^']{0,3}'|[=<>+*/%(),-]| AND | OR |NOT | \?\? ){1,12} INTO \$upstream"#) {
        if let Ok(router) = Router::new([("r", text.as_str())]) {
            let _ = router.deliveries(&machine());
        }
    }

    #[test]
    fn not_turns_what_is_known(a in -5..5_i32, b in -5..5_i32) {
        for op in ["=", "<>", "<", "<=", ">", ">="] {
            let plain = holds_for(&format!("{a} {op} {b}"), &machine());
            let turned = holds_for(&format!("NOT ({a} {op} {b})"), &machine());
            prop_assert_ne!(plain, turned);
        }
    }
}

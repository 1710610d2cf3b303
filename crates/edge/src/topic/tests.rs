//! Topics as the official SDKs write them, and tricks with them.

use proptest::prelude::*;

use super::*;

fn read(topic: &str) -> Result<FromModule<'_>, TopicError> {
    from_module(topic, "dev", "mod")
}

#[test]
fn a_message_as_python_and_node_send_it() {
    let properties = "%24.on=temperatureOutput&%24.ct=application%2Fjson&%24.ce=utf-8&a%20b=c%2Fd";
    for end in ["", "/"] {
        let topic = format!("devices/dev/modules/mod/messages/events/{properties}{end}");
        let Ok(FromModule::Message(found)) = read(&topic) else {
            panic!("a message: {topic}");
        };
        assert_eq!(found.output(), Some("temperatureOutput"));
        assert_eq!(found.system["contentType"], "application/json");
        assert_eq!(found.system["contentEncoding"], "utf-8");
        assert_eq!(found.application["a b"], "c/d");
    }
}

#[test]
fn a_message_without_properties() {
    for end in ["", "/"] {
        let topic = format!("devices/dev/modules/mod/messages/events{end}");
        assert_eq!(read(&topic), Ok(FromModule::Message(Properties::default())));
    }
}

#[test]
fn requests_name_their_id() {
    assert_eq!(
        read("$iothub/twin/GET/?$rid=4f"),
        Ok(FromModule::TwinGet { rid: "4f" })
    );
    assert_eq!(
        read("$iothub/twin/PATCH/properties/reported/?$rid=7&x=1"),
        Ok(FromModule::Reported { rid: "7" })
    );
    assert_eq!(
        read("$iothub/methods/res/-404/?$rid=a-b"),
        Ok(FromModule::MethodAnswer {
            status: -404,
            rid: "a-b"
        })
    );
    for topic in [
        "$iothub/twin/GET/",
        "$iothub/twin/GET/?$rid=",
        "$iothub/methods/res/200/?rid=1",
    ] {
        assert!(
            matches!(read(topic), Err(TopicError::NoRequestId(_))),
            "{topic}"
        );
    }
    assert!(matches!(
        read("$iothub/methods/res/ok/?$rid=1"),
        Err(TopicError::Status(_))
    ));
}

#[test]
fn what_is_sent_back_is_bounded() {
    let longest = "r".repeat(REQUEST_ID_BYTES_MAX);
    assert!(read(&format!("$iothub/twin/GET/?$rid={longest}")).is_ok());
    let longer = format!("$iothub/twin/GET/?$rid={longest}r");
    assert!(matches!(
        read(&longer),
        Err(TopicError::RequestId { found: 257, .. })
    ));
    for name in ["in 1", "a.b", "ü", &"i".repeat(INPUT_BYTES_MAX)] {
        assert!(is_input(name), "{name:?}");
    }
    for name in [
        "",
        "a/b",
        "a+",
        "#",
        "a\0b",
        "a\nb",
        &"i".repeat(INPUT_BYTES_MAX + 1),
    ] {
        assert!(!is_input(name), "{name:?}");
    }
}

#[test]
fn another_identity_is_told_apart_from_no_topic() {
    for topic in [
        "devices/dev/modules/other/messages/events/",
        "devices/dev2/modules/mod/messages/events",
        "devices/dev/modules/mod%20/messages/events",
        "devices/dev/modules/../modules/mod/messages/events",
    ] {
        let error = read(topic).expect_err(topic);
        assert!(
            matches!(error, TopicError::OtherIdentity { .. }),
            "{topic}: {error}"
        );
    }
    for topic in [
        "devices/dev/messages/events/",
        "devices/dev/modules/mod/inputs/x/",
        "devices/dev/modules/mod/messages/eventsx",
        "$iothub/twin/res/200/?$rid=1",
        "$SYS/broker",
        "a",
    ] {
        let error = read(topic).expect_err(topic);
        assert!(matches!(error, TopicError::Unknown(_)), "{topic}: {error}");
    }
}

#[test]
fn properties_are_bounded_and_text() {
    let many = vec!["a=1"; PROPERTIES_MAX + 1].join("&");
    assert!(matches!(
        Properties::parse(&many),
        Err(PropertiesError::Count { .. })
    ));
    assert!(matches!(
        Properties::parse("a=%FF"),
        Err(PropertiesError::Text(_))
    ));
    assert_eq!(
        Properties::parse("?a&a=2&&"),
        Ok(Properties::default().with("a", "2"))
    );
}

#[test]
fn what_the_hub_says() {
    let properties = Properties::default()
        .with_system("connectionModuleId", "other")
        .with("a b", "c/d");
    assert_eq!(
        input("dev", "mod", "in1", &properties),
        "devices/dev/modules/mod/inputs/in1/%24.cmid=other&a%20b=c%2Fd"
    );
    assert_eq!(
        input("dev", "mod", "in1", &Properties::default()),
        "devices/dev/modules/mod/inputs/in1/"
    );
    assert_eq!(
        twin_answer(204, "r", Some(3)),
        "$iothub/twin/res/204/?$rid=r&$version=3"
    );
    assert_eq!(method("a/b", "r"), "$iothub/methods/POST/a%2Fb/?$rid=r");
}

#[test]
fn filters_of_every_sdk() {
    let of = |filter| Family::of_filter(filter, "dev", "mod");
    assert_eq!(of("devices/dev/modules/mod/inputs/#"), Some(Family::Inputs));
    assert_eq!(of("devices/dev/modules/mod/#"), Some(Family::Inputs));
    assert_eq!(of("$iothub/twin/res/#"), Some(Family::TwinAnswers));
    assert_eq!(
        of("$iothub/twin/PATCH/properties/desired/#"),
        Some(Family::Desired)
    );
    assert_eq!(of("$iothub/methods/POST/#"), Some(Family::Methods));
    for filter in [
        "#",
        "+/#",
        "$iothub/#",
        "devices/#",
        "devices/dev/modules/mod2/inputs/#",
        "$SYS/#",
    ] {
        assert_eq!(of(filter), None, "{filter}");
    }
}

proptest! {
    #[test]
    fn properties_survive_the_wire(
        pairs in prop::collection::btree_map("[^$][^\0]{0,12}", "[^\0]{0,20}", 0..6),
        output in prop::option::of("[a-zA-Z/ &=]{1,10}"),
    ) {
        let mut properties = Properties { application: pairs, ..Properties::default() };
        if let Some(output) = output {
            properties = properties.with_system("outputName", &output);
        }
        let topic = format!("devices/dev/modules/mod/messages/events/{properties}");
        prop_assert_eq!(read(&topic), Ok(FromModule::Message(properties)));
    }

    #[test]
    fn any_topic_is_read_or_refused(topic in r"(devices/dev/modules/mod|\$iothub/(twin|methods)|[/%$?&=a-z]){0,20}") {
        let _ = read(&topic);
        let _ = Family::of_filter(&topic, "dev", "mod");
    }
}

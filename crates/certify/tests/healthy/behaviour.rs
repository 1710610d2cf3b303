//! A module that did everything well, in a container.

use certify::behaviour::{
    Desired, Footprint, ImageSize, Input, Life, Messages, Method, Network, Outage, Reached,
    Renewal, Stop, Workload,
};
use certify::{Behaviour, Expected, Observed, Trial};

/// One trial, without a fault.
pub(crate) fn behaviour() -> Behaviour {
    Behaviour::Tried(vec![Trial {
        place: "plan standard, linux/amd64".into(),
        expected: Expected {
            outputs: vec!["temperature".into()],
            inputs: vec!["control".into()],
            methods: vec!["reset".into()],
            desired: vec!["Interval".into()],
            hosts: vec!["time.contoso.example".into()],
            product: Some("contoso.sensor.standard".into()),
            ..Expected::default()
        },
        observed: Ok(Box::new(observed())),
    }])
}

fn life() -> Life {
    Life {
        reached: Reached::Sending,
        connected_ms: Some(900),
        message_ms: Some(1_900),
        watched_ms: 20_000,
        ..Life::default()
    }
}

fn observed() -> Observed {
    Observed {
        contained: true,
        first: life(),
        workload: Workload {
            trust_bundle: true,
            signatures: 2,
            others: 0,
        },
        client_type: Some("sdk/2.0 (contoso.sensor.standard)".into()),
        messages: Messages {
            count: 20,
            watched_ms: 20_000,
            outputs: vec!["temperature".into()],
            unreadable: Vec::new(),
        },
        twin_read: true,
        desired: Some(Desired {
            heard: true,
            reported: true,
        }),
        methods: Some(vec![
            Method {
                name: "reset".into(),
                unknown: false,
                answer: Ok((200, 12)),
            },
            Method {
                name: "edgemart-unknown".into(),
                unknown: true,
                answer: Ok((404, 9)),
            },
        ]),
        inputs: Some(vec![Input {
            name: "control".into(),
            taken: true,
        }]),
        outage: Some(Outage {
            seconds: 12,
            back_after_ms: Some(800),
            patience_ms: 30_000,
            exit: None,
        }),
        renewal: Some(Renewal {
            token_left_seconds: 60,
            renewed_after_ms: Some(48_000),
            waited_ms: 48_000,
            exit: None,
        }),
        stop: Some(Stop {
            took_ms: 300,
            killed: false,
            said_goodbye: Some(true),
        }),
        second: Some(life()),
        hardened: Some(life()),
        read_only: Some(life()),
        network: Some(Network::default()),
        footprint: Some(Footprint {
            memory_peak_bytes: 30_000_000,
            memory_steady_bytes: 28_000_000,
            memory_bytes_max: 256_000_000,
            cpu_permille: 12,
            samples: 20,
        }),
        image: Some(ImageSize {
            compressed_bytes: Some(400_000),
            unpacked_bytes: 900_000,
        }),
        ..Observed::default()
    }
}

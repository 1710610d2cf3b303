//! Modules that ran, each with one fault.

use certify::behaviour::{Exit, Life, Reached};
use certify::{Behaviour, Expected, Observed, Subject};
use domain::offer::ModuleKind;

use super::Fault;

fn trial(subject: &mut Subject) -> (&mut Expected, &mut Observed) {
    let Behaviour::Tried(trials) = &mut subject.behaviour else {
        panic!("it ran");
    };
    let trial = &mut trials[0];
    (&mut trial.expected, trial.observed.as_mut().unwrap())
}

/// What is left to see when a module stopped on its way.
fn stopped_at(subject: &mut Subject, reached: Reached) -> &mut Observed {
    let (_, observed) = trial(subject);
    observed.first = Life {
        reached,
        watched_ms: 20_000,
        ..Life::default()
    };
    observed.messages = certify::behaviour::Messages::default();
    observed.client_type = None;
    observed.twin_read = false;
    observed.desired = None;
    observed.methods = None;
    observed.inputs = None;
    observed.outage = None;
    observed.renewal = None;
    for life in [
        &mut observed.second,
        &mut observed.hardened,
        &mut observed.read_only,
    ] {
        *life = Some(observed.first.clone());
    }
    observed.stop.as_mut().unwrap().said_goodbye = None;
    observed
}

/// What is left to see of a module that ended.
fn ended(subject: &mut Subject, after_ms: u64, out_of_memory: bool) {
    let observed = stopped_at(subject, Reached::Nothing);
    observed.workload = certify::behaviour::Workload::default();
    observed.first.exit = Some(Exit {
        code: if out_of_memory { 137 } else { 3 },
        after_ms,
        out_of_memory,
        during: String::new(),
    });
    observed.stop = None;
    observed.second = None;
    observed.hardened = None;
    observed.read_only = None;
}

/// On its way to the hub.
pub(super) const STAGES: &[Fault] = &[
    (&["RUN-01"], |s| {
        ended(s, 0, false);
        let (_, observed) = trial(s);
        observed.first.exit = None;
        observed.first.not_started = Some("no such file: /app/sensor".into());
    }),
    (&["RUN-01"], |s| ended(s, 40, false)),
    (&["RUN-02"], |s| ended(s, 14_000, false)),
    (&["RUN-03"], |s| {
        stopped_at(s, Reached::Nothing).workload = certify::behaviour::Workload::default();
    }),
    (&["RUN-03"], |s| {
        stopped_at(s, Reached::Workload).workload.signatures = 0;
    }),
    (&["RUN-03"], |s| trial(s).1.workload.trust_bundle = false),
    (&["RUN-04"], |s| {
        stopped_at(s, Reached::Signature);
    }),
    (&["RUN-04"], |s| {
        stopped_at(s, Reached::TlsRefused).tls_refused = Some("unknown authority".into());
    }),
    (&["RUN-05"], |s| {
        stopped_at(s, Reached::Amqp);
    }),
    (&["RUN-05"], |s| {
        stopped_at(s, Reached::ConnectRefused).connect_refused = Some("the signature".into());
    }),
    (&["RUN-05"], |s| {
        stopped_at(s, Reached::ConnectRefused).first.exit = Some(Exit {
            code: 1,
            after_ms: 3_000,
            ..Exit::default()
        });
    }),
];

/// While it is connected.
pub(super) const WORK: &[Fault] = &[
    (&["RUN-06"], |s| {
        let (_, observed) = trial(s);
        observed.first.reached = Reached::Connected;
        observed.messages = certify::behaviour::Messages::default();
    }),
    (&["RUN-06"], |s| {
        trial(s).1.messages.outputs = vec![String::new()];
    }),
    (&["RUN-07"], |s| {
        trial(s).1.messages.unreadable = vec!["temperature: {21".into()];
    }),
    (&["RUN-08"], |s| {
        let (_, observed) = trial(s);
        observed.twin_read = false;
        observed.desired.as_mut().unwrap().heard = false;
    }),
    (&["RUN-09"], |s| {
        trial(s).1.desired.as_mut().unwrap().reported = false;
    }),
    (&["RUN-09"], |s| {
        trial(s).1.desired.as_mut().unwrap().heard = false;
    }),
    (&["RUN-10"], |s| {
        trial(s).1.methods.as_mut().unwrap()[0].answer = Err("no answer within 10 s".into());
    }),
    (&["RUN-10"], |s| {
        trial(s).1.methods.as_mut().unwrap()[1].answer = Ok((200, 5));
    }),
    (&["RUN-10"], |s| {
        for method in trial(s).1.methods.as_mut().unwrap() {
            method.answer = Err(String::new());
        }
    }),
    (&["RUN-11"], |s| {
        trial(s).1.inputs.as_mut().unwrap()[0].taken = false;
    }),
    (&["RUN-11"], |s| {
        let (expected, observed) = trial(s);
        expected.kind = ModuleKind::Filter;
        observed.messages = certify::behaviour::Messages::default();
        observed.inputs.as_mut().unwrap()[0].taken = false;
    }),
    (&["RUN-16"], |s| {
        trial(s).1.client_type = Some("sdk/2.0".into());
    }),
];

/// Stops, restarts, surroundings.
pub(super) const LIFE: &[Fault] = &[
    (&["RUN-12"], |s| {
        let stop = trial(s).1.stop.as_mut().unwrap();
        stop.killed = true;
        stop.said_goodbye = Some(false);
    }),
    (&["RUN-12"], |s| {
        trial(s).1.stop.as_mut().unwrap().said_goodbye = Some(false);
    }),
    (&["RUN-13"], |s| {
        trial(s).1.second.as_mut().unwrap().exit = Some(Exit {
            code: 1,
            after_ms: 200,
            ..Exit::default()
        });
    }),
    (&["RUN-13"], |s| {
        trial(s).1.second.as_mut().unwrap().reached = Reached::Connected;
    }),
    (&["RUN-14"], |s| {
        trial(s).1.outage.as_mut().unwrap().back_after_ms = None;
    }),
    (&["RUN-14"], |s| {
        trial(s).1.outage.as_mut().unwrap().exit = Some(Exit {
            code: 1,
            after_ms: 30_000,
            ..Exit::default()
        });
    }),
    (&["RUN-15"], |s| {
        trial(s).1.network.as_mut().unwrap().names = vec!["stats.contoso.example".into()];
    }),
    (&["RUN-15"], |s| {
        trial(s).1.network.as_mut().unwrap().packets = 3;
    }),
    (&["RUN-17"], |s| {
        trial(s).1.hardened.as_mut().unwrap().reached = Reached::Nothing;
    }),
    (&["RUN-18"], |s| {
        trial(s).1.read_only.as_mut().unwrap().exit = Some(Exit::default());
    }),
    (&["RUN-19"], |s| {
        let renewal = trial(s).1.renewal.as_mut().unwrap();
        renewal.renewed_after_ms = None;
        renewal.waited_ms = 90_000;
    }),
    (&["RUN-19"], |s| {
        let renewal = trial(s).1.renewal.as_mut().unwrap();
        renewal.renewed_after_ms = None;
        renewal.exit = Some(Exit {
            code: 1,
            after_ms: 80_000,
            ..Exit::default()
        });
    }),
    (&["RUN-20"], |s| {
        s.behaviour = Behaviour::NotRun("no container engine".into());
    }),
    (&["FTP-01"], |s| ended(s, 5_000, true)),
    (&["FTP-01"], |s| ended(s, 500, true)),
    (&["FTP-02"], |s| {
        trial(s).1.footprint.as_mut().unwrap().cpu_permille = 900;
    }),
    (&["FTP-03"], |s| trial(s).1.messages.count = 5_000),
    (&["FTP-04"], |s| {
        trial(s).1.image.as_mut().unwrap().unpacked_bytes = 1_500_000_000;
    }),
];

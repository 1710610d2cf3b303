//! What was observed of a module that ran: the evidence of the rules RUN and FTP. Plain data; whoever ran the module
//! fills it in, and a test writes it down. Nothing here judges.
//! Left out: running modules (crate `edge`) and reading the event log (crate `app`).

use crate::offer::ModuleKind;
use serde::{Deserialize, Serialize};

/// What is known about how the modules of an offer behave.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// Nothing was started, and why.
    NotRun(String),
    /// One trial for each plan and platform.
    Tried(Vec<Trial>),
}

/// One module, on one platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Such as `plan standard, linux/arm64`.
    pub place: String,
    /// What the publisher says about it.
    pub expected: Expected,
    /// What was seen; `Err` says why it was not started.
    pub observed: Result<Box<Observed>, String>,
}

/// What a module is said to do; decides which rules apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// What it does with messages.
    pub kind: ModuleKind,
    /// Outputs it writes; empty when it names none, then any message counts.
    pub outputs: Vec<String>,
    /// Inputs it reads.
    pub inputs: Vec<String>,
    /// Methods it answers.
    pub methods: Vec<String>,
    /// Desired properties it begins with.
    pub desired: Vec<String>,
    /// Hosts it says that it talks to.
    pub hosts: Vec<String>,
    /// `publisher.offer.plan`, which its ProductInfo has to name; `None` when it belongs to no offer.
    pub product: Option<String>,
}

/// How far a module came on its way to the hub, from nothing at all to sending messages.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// It never opened its workload socket.
    #[default]
    Nothing,
    /// It asked the workload API for something, but got no signature.
    Workload,
    /// It has a signature and no connection.
    Signature,
    /// It hung up during the TLS handshake.
    TlsRefused,
    /// It tried AMQP, which the environment does not speak.
    Amqp,
    /// It came as far as CONNECT and was refused.
    ConnectRefused,
    /// It is connected.
    Connected,
    /// It sends messages.
    Sending,
}

/// Everything seen of one module. What is `None` was not reached: an earlier step failed, or nobody asked for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// Did it run in a container? A plain process cannot show what a container may not do.
    pub contained: bool,
    /// Does an emulator run it? Then memory and processor time are not its own.
    pub emulated: bool,
    /// Its first start.
    pub first: Life,
    /// What it asked the workload API.
    pub workload: Workload,
    /// Why its TLS handshakes failed, the last one.
    pub tls_refused: Option<String>,
    /// Why the hub refused it, the last reason.
    pub connect_refused: Option<String>,
    /// `DeviceClientType` of its connection.
    pub client_type: Option<String>,
    /// Its messages, over the whole trial.
    pub messages: Messages,
    /// Was its twin read?
    pub twin_read: bool,
    /// What it did with a change of its desired properties.
    pub desired: Option<Desired>,
    /// How it answered methods, in the order they were called.
    pub methods: Option<Vec<Method>>,
    /// What it did with messages to its inputs.
    pub inputs: Option<Vec<Input>>,
    /// How it lived through an outage of the hub.
    pub outage: Option<Outage>,
    /// What it did about the end of its token; `None` when nobody waited for that.
    pub renewal: Option<Renewal>,
    /// How it stopped.
    pub stop: Option<Stop>,
    /// Its second start, from what the first one left behind.
    pub second: Option<Life>,
    /// Its start on a device that allows no elevated permissions.
    pub hardened: Option<Life>,
    /// Its start with a root that cannot be written.
    pub read_only: Option<Life>,
    /// What it tried to reach besides the hub.
    pub network: Option<Network>,
    /// What it took.
    pub footprint: Option<Footprint>,
    /// Sizes of its image.
    pub image: Option<ImageSize>,
    /// What of its createOptions it was not given.
    pub left_out: Vec<LeftOut>,
    /// Its first start over time, for people to look at: no rule reads it.
    pub timeline: Timeline,
}

/// A part of the createOptions that a module was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// A JSON pointer into them, and what there was instead: `/HostConfig/Devices: left out`.
    pub what: String,
    /// A device, a folder of the host, a capability and the like: without it a module may fail for no fault of its own.
    pub weighs: bool,
}

/// What a module took and sent from moment to moment of its first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// In order of time, at most [`MOMENTS_MAX`].
    pub moments: Vec<Moment>,
    /// Milliseconds from the start to the beginning and the end of the hub's outage.
    pub outage_ms: Option<(u64, u64)>,
}

/// Moments of a timeline that are kept.
pub const MOMENTS_MAX: usize = 120;

/// A stretch of a run, up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// Milliseconds from the start.
    pub at_ms: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Processor time since the moment before as a share of one core, in thousandths.
    pub cpu_permille: u64,
    /// Messages since the moment before.
    pub messages: u64,
}

/// One start of a module, and how far it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// Why the engine could not start it.
    pub not_started: Option<String>,
    /// How far it came.
    pub reached: Reached,
    /// Milliseconds until it was connected.
    pub connected_ms: Option<u64>,
    /// Milliseconds until its first message.
    pub message_ms: Option<u64>,
    /// How it ended before anybody asked it to.
    pub exit: Option<Exit>,
    /// Milliseconds it was watched.
    pub watched_ms: u64,
}

/// An end that nobody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exit {
    /// Exit code; 128 and a signal's number when a signal ended it.
    pub code: i64,
    /// Milliseconds after the start.
    pub after_ms: u64,
    /// The kernel ended it, because it took more memory than it may.
    pub out_of_memory: bool,
    /// What was being done to it, such as `a change of desired properties`; empty when nothing was.
    pub during: String,
}

/// Calls of the workload API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// The trust bundle was given out.
    pub trust_bundle: bool,
    /// Signatures given out.
    pub signatures: u64,
    /// Other calls, well or not.
    pub others: u64,
}

/// What a module sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// All of them.
    pub count: u64,
    /// Milliseconds of the watched time in which they could be sent.
    pub watched_ms: u64,
    /// Outputs they went to; `""` stands for none.
    pub outputs: Vec<String>,
    /// Examples that are neither JSON nor say what they are: output and beginning.
    pub unreadable: Vec<String>,
}

/// What became of a change of desired properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// The module listened for changes.
    pub heard: bool,
    /// It reported something afterwards.
    pub reported: bool,
}

/// A method that was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// It is one the module never heard of.
    pub unknown: bool,
    /// Status and milliseconds, or why there is no answer; `Err("")` when it listens to no methods at all.
    pub answer: Result<(i64, u64), String>,
}

/// A message to an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// The module acknowledged it.
    pub taken: bool,
}

/// An outage of the hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outage {
    /// Seconds it took.
    pub seconds: u64,
    /// Milliseconds until the module was connected again.
    pub back_after_ms: Option<u64>,
    /// Milliseconds that it had for that.
    pub patience_ms: u64,
    /// It ended because of the outage.
    pub exit: Option<Exit>,
}

/// The end of a token, which a module has to foresee.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Renewal {
    /// Seconds that its token was still good for when the wait began.
    pub token_left_seconds: u64,
    /// Milliseconds until it connected with one that lasts longer.
    pub renewed_after_ms: Option<u64>,
    /// Milliseconds that were waited.
    pub waited_ms: u64,
    /// It ended meanwhile.
    pub exit: Option<Exit>,
}

/// An end that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stop {
    /// Milliseconds from SIGTERM to the end.
    pub took_ms: u64,
    /// It had to be killed.
    pub killed: bool,
    /// It said DISCONNECT; `None` when it was not connected.
    pub said_goodbye: Option<bool>,
}

/// What a module tried to reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Names it asked for.
    pub names: Vec<String>,
    /// Packets to addresses outside its network.
    pub packets: u64,
}

/// What a module took, sampled while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Footprint {
    /// Most memory, in bytes.
    pub memory_peak_bytes: u64,
    /// Memory at the end, in bytes.
    pub memory_steady_bytes: u64,
    /// Memory it was given, in bytes.
    pub memory_bytes_max: u64,
    /// Processor time as a share of one core, in thousandths.
    pub cpu_permille: u64,
    /// How many samples that rests on.
    pub samples: u64,
}

/// Sizes of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageSize {
    /// As pulled, in bytes; unknown for an image that was only loaded.
    pub compressed_bytes: Option<u64>,
    /// As unpacked, in bytes.
    pub unpacked_bytes: u64,
}

impl Expected {
    /// How far a later start has to come by itself: as far as the first one, but a module that is fed need not send.
    pub fn again(&self, first: Reached) -> Reached {
        let far = if self.kind == ModuleKind::Source {
            Reached::Sending
        } else {
            Reached::Connected
        };
        first.min(far)
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl Trial {
    /// A trial that did not happen.
    pub fn not_run(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            expected: Expected::default(),
            observed: Err(why.into()),
        }
    }
}

impl Timeline {
    /// A timeline of any length, two moments made one until few enough are left: the most memory, the processor's
    /// share over both, all messages.
    pub fn of(mut moments: Vec<Moment>, outage_ms: Option<(u64, u64)>) -> Self {
        while moments.len() > MOMENTS_MAX {
            let mut from = 0;
            moments = moments
                .chunks(2)
                .map(|pair| joined(pair, &mut from))
                .collect();
        }
        Self { moments, outage_ms }
    }
}

/// One moment for those of a stretch that begins at `from`, which moves to its end.
fn joined(stretch: &[Moment], from: &mut u64) -> Moment {
    let began = *from;
    let mut spent = 0;
    let mut whole = Moment::default();
    for moment in stretch {
        spent += moment.cpu_permille * moment.at_ms.saturating_sub(*from);
        *from = moment.at_ms;
        whole.memory_bytes = whole.memory_bytes.max(moment.memory_bytes);
        whole.messages += moment.messages;
    }
    whole.at_ms = *from;
    whole.cpu_permille = spent / from.saturating_sub(began).max(1);
    whole
}

impl Reached {
    /// Where to look when a module stopped here.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Nothing => "it never called the workload API",
            Self::Workload => "it called the workload API and got no signature",
            Self::Signature => "it got a signature and opened no TLS connection to the gateway",
            Self::TlsRefused => "it hung up during the TLS handshake",
            Self::Amqp => "it tried AMQP, which this environment does not speak",
            Self::ConnectRefused => "the hub refused its CONNECT",
            Self::Connected => "it is connected and sent nothing",
            Self::Sending => "it is connected and sends messages",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at_ms: u64, memory_bytes: u64, cpu_permille: u64) -> Moment {
        Moment {
            at_ms,
            memory_bytes,
            cpu_permille,
            messages: 1,
        }
    }

    #[test]
    fn a_long_timeline_keeps_its_peaks_and_sums() {
        let moments = (1..=1_000).map(|at| moment(at * 1_000, if at == 777 { 9 } else { 1 }, 100));
        let timeline = Timeline::of(moments.collect(), None);
        assert!(timeline.moments.len() <= MOMENTS_MAX);
        let peak = timeline.moments.iter().map(|one| one.memory_bytes).max();
        assert_eq!(peak, Some(9));
        let sent: u64 = timeline.moments.iter().map(|one| one.messages).sum();
        assert_eq!(sent, 1_000);
        assert!(timeline.moments.iter().all(|one| one.cpu_permille == 100));
        assert_eq!(
            timeline.moments.last().map(|one| one.at_ms),
            Some(1_000_000)
        );
    }

    #[test]
    fn a_short_timeline_stays_as_it_is() {
        let moments = vec![moment(1_000, 5, 10), moment(2_000, 6, 20)];
        assert_eq!(Timeline::of(moments.clone(), Some((1, 2))).moments, moments);
    }

    #[test]
    fn what_was_seen_reads_back() {
        let seen = Observed {
            methods: Some(vec![Method {
                name: "ping".into(),
                unknown: false,
                answer: Ok((200, 3)),
            }]),
            outage: Some(Outage {
                seconds: 12,
                ..Outage::default()
            }),
            timeline: Timeline::of(vec![moment(1_000, 5, 10)], Some((1, 2))),
            ..Observed::default()
        };
        let text = serde_json::to_string(&seen).expect("plain data");
        let read: Observed = serde_json::from_str(&text).expect("the same");
        assert_eq!(read, seen);
        let older: Observed = serde_json::from_str("{}").expect("an older one lacks fields");
        assert_eq!(older, Observed::default());
    }
}

//! Settings that can be turned while a module runs: they begin as environment variables say, and follow the desired
//! properties of the same name (`INTERVAL_SECONDS` is `IntervalSeconds`). A property that is removed falls back to the
//! variable; a value that makes no sense is refused, and the old one stays in force.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::json::{self, Value};
use crate::signal::Waker;

/// Longest text of a dial.
const TEXT_BYTES_MAX: usize = 4096;

/// A number that can change.
#[derive(Clone)]
pub struct NumberDial(Arc<AtomicU64>);

impl NumberDial {
    /// One that nobody turns.
    pub fn fixed(value: f64) -> NumberDial {
        NumberDial(Arc::new(AtomicU64::new(value.to_bits())))
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// The number as whole units.
    pub fn whole(&self) -> u64 {
        self.get() as u64
    }

    /// The number as seconds.
    pub fn pause(&self) -> Duration {
        Duration::from_secs_f64(self.get())
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

/// A yes or no that can change.
#[derive(Clone)]
pub struct FlagDial(Arc<AtomicBool>);

impl FlagDial {
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A text that can change.
#[derive(Clone)]
pub struct TextDial(Arc<Mutex<String>>);

impl TextDial {
    pub fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// All dials of a module.
#[derive(Default)]
pub struct Dials {
    entries: Vec<Entry>,
    waker: Option<Waker>,
}

struct Entry {
    name: String,
    dial: Dial,
}

enum Dial {
    Number {
        at: NumberDial,
        least: f64,
        most: f64,
        whole: bool,
        first: f64,
    },
    Flag {
        at: FlagDial,
        first: bool,
    },
    Text {
        at: TextDial,
        first: String,
    },
}

impl Dials {
    pub fn number(
        &mut self,
        variable: &str,
        first: f64,
        (least, most): (f64, f64),
        whole: bool,
    ) -> NumberDial {
        let at = NumberDial::fixed(first);
        let dial = Dial::Number {
            at: at.clone(),
            least,
            most,
            whole,
            first,
        };
        self.add(variable, dial);
        at
    }

    pub fn flag(&mut self, variable: &str, first: bool) -> FlagDial {
        let at = FlagDial(Arc::new(AtomicBool::new(first)));
        self.add(
            variable,
            Dial::Flag {
                at: at.clone(),
                first,
            },
        );
        at
    }

    pub fn text(&mut self, variable: &str, first: String) -> TextDial {
        let at = TextDial(Arc::new(Mutex::new(first.clone())));
        self.add(
            variable,
            Dial::Text {
                at: at.clone(),
                first,
            },
        );
        at
    }

    /// Who is told of a turn: the module's own loop, which may wait for what just became shorter.
    pub fn tell(&mut self, waker: Waker) {
        self.waker = Some(waker);
    }

    fn add(&mut self, variable: &str, dial: Dial) {
        let name = property(variable);
        self.entries.push(Entry { name, dial });
    }

    /// Turns as desired. Gives the properties to report, all as they are in force now, and what was refused.
    pub fn turn(&self, desired: &Value) -> (String, Vec<String>) {
        let mut refused = Vec::new();
        if let Value::Object(members) = desired {
            for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('$')) {
                match self.entries.iter().find(|entry| entry.name == *name) {
                    Some(entry) => refused.extend(
                        entry
                            .dial
                            .turn(value)
                            .err()
                            .map(|why| format!("{name}: {why}")),
                    ),
                    None => refused.push(format!("{name}: this module has no such setting")),
                }
            }
        }
        if let Some(waker) = &self.waker {
            waker.wake();
        }
        let mut members: Vec<String> = self
            .entries
            .iter()
            .map(|entry| format!("{}:{}", json::quoted(&entry.name), entry.dial.shown()))
            .collect();
        // Null removes what an earlier report complained of.
        let complaint = match refused.as_slice() {
            [] => "null".to_owned(),
            some => json::quoted(&some.join("; ")),
        };
        members.push(format!(r#""refused":{complaint}"#));
        (format!("{{{}}}", members.join(",")), refused)
    }
}

impl Dial {
    fn turn(&self, value: &Value) -> Result<(), String> {
        match self {
            Dial::Number {
                at,
                least,
                most,
                whole,
                first,
            } => match value {
                Value::Null => at.set(*first),
                Value::Number(number)
                    if number < least || number > most || (*whole && number.fract() != 0.0) =>
                {
                    let kind = if *whole { "a whole number" } else { "a number" };
                    return Err(format!(
                        "give {kind} from {} to {}",
                        json::number(*least),
                        json::number(*most)
                    ));
                }
                Value::Number(number) => at.set(*number),
                _ => return Err("give a number".to_owned()),
            },
            Dial::Flag { at, first } => match value {
                Value::Null => at.0.store(*first, Ordering::Relaxed),
                Value::Bool(flag) => at.0.store(*flag, Ordering::Relaxed),
                _ => return Err("give true or false".to_owned()),
            },
            Dial::Text { at, first } => {
                let text = match value {
                    Value::Null => first,
                    Value::Text(text) if !text.is_empty() && text.len() <= TEXT_BYTES_MAX => text,
                    _ => return Err(format!("give a text of at most {TEXT_BYTES_MAX} bytes")),
                };
                text.clone_into(&mut at.0.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        Ok(())
    }

    fn shown(&self) -> String {
        match self {
            Dial::Number { at, .. } => json::number(at.get()),
            Dial::Flag { at, .. } => at.get().to_string(),
            Dial::Text { at, .. } => json::quoted(&at.get()),
        }
    }
}

/// `INTERVAL_SECONDS` as a property: `IntervalSeconds`.
fn property(variable: &str) -> String {
    variable
        .split('_')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_owned() + &rest.to_ascii_lowercase()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dials() -> (Dials, NumberDial, FlagDial, TextDial) {
        let mut dials = Dials::default();
        let number = dials.number("FILES_MAX", 4.0, (1.0, 10.0), true);
        let flag = dials.flag("PASS_BELOW", false);
        let text = dials.text("FIELD", "a.b".to_owned());
        (dials, number, flag, text)
    }

    #[test]
    fn desired_properties_turn_dials_and_are_reported() {
        let (dials, number, flag, text) = dials();
        let desired =
            json::parse(r#"{"FilesMax":7,"PassBelow":true,"Field":"x","$version":3}"#).unwrap();
        let (report, refused) = dials.turn(&desired);
        assert_eq!(
            (number.whole(), flag.get(), text.get().as_str()),
            (7, true, "x")
        );
        assert_eq!(
            report,
            r#"{"FilesMax":7,"PassBelow":true,"Field":"x","refused":null}"#
        );
        assert!(refused.is_empty());
        let removed = json::parse(r#"{"FilesMax":null,"PassBelow":null,"Field":null}"#).unwrap();
        dials.turn(&removed);
        assert_eq!(
            (number.whole(), flag.get(), text.get().as_str()),
            (4, false, "a.b")
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_told() {
        let (dials, number, ..) = dials();
        for wrong in [
            r#"{"FilesMax":0}"#,
            r#"{"FilesMax":1.5}"#,
            r#"{"FilesMax":"7"}"#,
            r#"{"PassBelow":1}"#,
            r#"{"Field":""}"#,
            r#"{"filesmax":7}"#,
        ] {
            let (report, refused) = dials.turn(&json::parse(wrong).unwrap());
            assert_eq!(refused.len(), 1, "{wrong}");
            assert!(
                report.starts_with(r#"{"FilesMax":4,"#) && !report.contains("null"),
                "{report}"
            );
        }
        assert_eq!(number.whole(), 4);
    }
}

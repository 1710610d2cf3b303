//! Settings from environment variables: every one has a default, and all wrong ones are reported together.

use std::fmt::Write as _;
use std::time::Duration;

use crate::dial::{Dials, FlagDial, NumberDial, TextDial};
use crate::json;

/// Longest value of a setting; the marketplace itself allows less than 512 characters.
const VALUE_BYTES_MAX: usize = 4096;

/// What the module was asked for, as read so far.
#[derive(Default)]
pub struct Settings {
    seen: Vec<(&'static str, String)>,
    wrong: Vec<String>,
    /// Those that may change while the module runs.
    pub dials: Dials,
}

impl Settings {
    /// A text setting; an empty variable counts as unset.
    pub fn text(&mut self, name: &'static str, default: &str) -> String {
        let value = match std::env::var(name) {
            Ok(value) if value.len() > VALUE_BYTES_MAX => {
                self.wrong.push(format!(
                    "{name} has {} bytes; the limit is {VALUE_BYTES_MAX}",
                    value.len()
                ));
                default.to_owned()
            }
            Ok(value) if !value.trim().is_empty() => value.trim().to_owned(),
            Ok(_) | Err(std::env::VarError::NotPresent) => default.to_owned(),
            Err(std::env::VarError::NotUnicode(_)) => {
                self.wrong.push(format!("{name} is not UTF-8 text"));
                default.to_owned()
            }
        };
        self.seen.push((name, value.clone()));
        value
    }

    /// A number between `least` and `most`, both allowed.
    pub fn number(&mut self, name: &'static str, default: f64, least: f64, most: f64) -> f64 {
        let text = self.text(name, &json::number(default));
        match text.parse::<f64>() {
            Ok(value) if value >= least && value <= most => value,
            Ok(_) | Err(_) => {
                self.wrong.push(format!(
                    "{name} is {text:?}; give a number from {least} to {most}"
                ));
                default
            }
        }
    }

    /// A number that may change while the module runs.
    pub fn number_dial(
        &mut self,
        name: &'static str,
        default: f64,
        least: f64,
        most: f64,
    ) -> NumberDial {
        let first = self.number(name, default, least, most);
        self.dials.number(name, first, (least, most), false)
    }

    /// A pause in seconds, from 50 milliseconds to a day, that may change.
    pub fn seconds_dial(&mut self, name: &'static str, default: f64) -> NumberDial {
        self.number_dial(name, default, 0.05, 86_400.0)
    }

    /// A time in whole seconds.
    pub fn whole_seconds(
        &mut self,
        name: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> Duration {
        Duration::from_secs(self.count(name, default, least, most).into())
    }

    /// A whole number from `least` to `most`.
    pub fn count(&mut self, name: &'static str, default: u32, least: u32, most: u32) -> u32 {
        let value = self.number(name, f64::from(default), f64::from(least), f64::from(most));
        if value.fract() != 0.0 {
            self.wrong
                .push(format!("{name} is {value}; give a whole number"));
        }
        value as u32
    }

    /// A whole number that may change.
    pub fn count_dial(
        &mut self,
        name: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> NumberDial {
        let first = self.count(name, default, least, most);
        let range = (f64::from(least), f64::from(most));
        self.dials.number(name, first.into(), range, true)
    }

    /// A text that may change.
    pub fn text_dial(&mut self, name: &'static str, default: &str) -> TextDial {
        let first = self.text(name, default);
        self.dials.text(name, first)
    }

    /// A yes or no that may change.
    pub fn flag_dial(&mut self, name: &'static str, default: bool) -> FlagDial {
        let first = self.flag(name, default);
        self.dials.flag(name, first)
    }

    /// True for `true`, `1` or `yes`.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let text = self.text(name, if default { "true" } else { "false" });
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => true,
            "false" | "0" | "no" => false,
            _ => {
                self.wrong
                    .push(format!("{name} is {text:?}; give true or false"));
                default
            }
        }
    }

    /// All settings as one JSON object, or every wrong one in one sentence.
    pub fn finish(&self) -> Result<String, String> {
        if !self.wrong.is_empty() {
            return Err(self.wrong.join("; "));
        }
        let mut object = String::from("{");
        for (index, (name, value)) in self.seen.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // A licence key is nobody's business in a log.
            let shown = if name.ends_with("_KEY") && !value.is_empty() {
                "(set)"
            } else {
                value
            };
            let _ = write!(
                object,
                "{comma}{}:{}",
                json::quoted(name),
                json::quoted(shown)
            );
        }
        object.push('}');
        Ok(object)
    }
}

//! Simulated temperature sensor: a machine that warms up, wavers and now and then runs hot.

use std::sync::{Arc, Mutex, PoisonError};

use crate::context::{Context, Sending, Turn};
use crate::hub::Actions;
use crate::json;
use crate::time;

/// One reading in this many is an excursion above the steady temperature.
const EXCURSION_EVERY: u64 = 20;
const EXCURSION_DEGREES: f64 = 12.0;
const AMBIENT_DEGREES: f64 = 21.0;

pub fn run(context: &mut Context) -> Result<(), String> {
    let pause = context.settings.seconds_dial("INTERVAL_SECONDS", 5.0);
    let steady = context
        .settings
        .number_dial("TEMPERATURE", 22.0, -50.0, 500.0);
    let count = u64::from(context.settings.count("MESSAGE_COUNT", 0, 0, 1_000_000_000));
    let seed = context.settings.count("SEED", 1, 0, u32::MAX);
    let output = context.started(Sending::to("readings"))?;
    let reset = context.nudge();
    let latest = Arc::new(Mutex::new("null".to_owned()));
    let (asked, shown) = (reset.clone(), Arc::clone(&latest));
    let actions = Actions::default()
        .method("reset", move |_| {
            asked.now();
            Ok(r#"{"sequence":0}"#.to_owned())
        })
        .method("latest", move |_| {
            Ok(shown.lock().unwrap_or_else(PoisonError::into_inner).clone())
        });
    context.serve(actions)?;
    let mut noise = Noise::new(seed);
    let mut sequence = 0_u64;
    loop {
        if count == 0 || sequence < count {
            sequence += 1;
            let line = reading(sequence, steady.get(), &mut noise);
            output.send(&line);
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = line;
            if sequence == count {
                context.log("info", "MESSAGE_COUNT reached: idle until stopped or reset");
            }
        }
        match context.wait_for(&pause, &reset) {
            Turn::Stop => return Ok(()),
            Turn::Nudged => (sequence, noise) = (0, Noise::new(seed)),
            Turn::Due => {}
        }
    }
}

fn reading(sequence: u64, steady: f64, noise: &mut Noise) -> String {
    let wave = (sequence as f64 / 6.0).sin() * 0.8;
    let excursion = if sequence % EXCURSION_EVERY == 0 {
        EXCURSION_DEGREES
    } else {
        0.0
    };
    let temperature = steady + wave + noise.next() * 0.4 + excursion;
    let pressure = 1.0 + (temperature - AMBIENT_DEGREES) / 20.0 + noise.next() * 0.02;
    format!(
        r#"{{"time":"{}","sequence":{sequence},"machine":{{"temperature":{},"pressure":{}}},"ambient":{{"temperature":{},"humidity":{}}}}}"#,
        time::now(),
        json::number(temperature),
        json::number(pressure),
        json::number(AMBIENT_DEGREES + noise.next() * 0.3),
        json::number(25.0 + noise.next() * 2.0),
    )
}

/// Repeatable noise between -1 and 1 (xorshift): the same seed gives the same readings.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u32) -> Noise {
        Noise(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::{reading, Noise};
    use crate::json;

    #[test]
    fn readings_are_json_near_the_steady_temperature_with_excursions() {
        let mut noise = Noise::new(1);
        for sequence in 1..=100 {
            let value = json::parse(&reading(sequence, 22.0, &mut noise)).unwrap();
            let temperature = value.number_at("machine.temperature").unwrap();
            let hot = sequence % 20 == 0;
            assert_eq!(
                temperature > 30.0,
                hot,
                "reading {sequence} is {temperature}"
            );
            assert!((15.0..40.0).contains(&temperature));
        }
    }

    #[test]
    fn noise_is_bounded_and_repeatable() {
        let (mut one, mut two) = (Noise::new(7), Noise::new(7));
        for _ in 0..10_000 {
            let value = one.next();
            assert!((-1.0..=1.0).contains(&value));
            assert_eq!(value.to_bits(), two.next().to_bits());
        }
    }
}

//! What one types while a module runs: a word, and what belongs to it.

use std::time::Duration;

use bytes::Bytes;
use edge::Environment;
use edge::message::{Message, Source};
use edge::topic::Properties;
use serde_json::{Map, Value};

use super::super::failure::tell;

/// Seconds to wait for a method.
pub(super) const METHOD_SECONDS: u64 = 30;
/// Seconds of an outage, at most.
pub(super) const OUTAGE_SECONDS_MAX: u64 = 600;

const HELP: &str = "\
  input NAME JSON      put a message before an input
  desired JSON         change desired properties
  call METHOD [JSON]   call a method
  twin                 show the twin
  outage SECONDS       let the hub be away
  quit                 stop the module and the environment";

/// What follows an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// The hub is away for so long.
    Outage(Duration),
    Quit,
}

/// An order, read.
#[derive(Debug, PartialEq)]
enum Order {
    Nothing,
    Help,
    Input(String, Value),
    Desired(Map<String, Value>),
    Call(String, Value),
    Twin,
    Outage(Duration),
    Quit,
}

/// Does what was typed, and says how it went.
pub(super) fn obey(line: &str, environment: &Environment, module: &str) -> Then {
    match read(line) {
        Err(problem) => tell(&problem),
        Ok(Order::Nothing) => {}
        Ok(Order::Help) => tell(HELP),
        Ok(Order::Quit) => return Then::Quit,
        Ok(Order::Input(input, value)) => {
            let sent = environment
                .hub()
                .send_input(module, &input, &message(&value));
            if let Err(problem) = sent {
                tell(&problem.to_string());
            }
        }
        Ok(Order::Desired(patch)) => match environment.hub().change_desired(module, &patch) {
            Ok(Ok(_)) => {}
            Ok(Err(problem)) => tell(&problem.to_string()),
            Err(problem) => tell(&problem.to_string()),
        },
        Ok(Order::Twin) => match environment.hub().twin(module) {
            Ok(twin) => tell(&format!("{twin:#}")),
            Err(problem) => tell(&problem.to_string()),
        },
        Ok(Order::Call(method, payload)) => {
            let hub = std::sync::Arc::clone(environment.hub());
            let module = module.to_owned();
            // The answer is an event like any other; the next order need not wait for it.
            tokio::spawn(async move {
                let patience = Duration::from_secs(METHOD_SECONDS);
                if let Err(problem) = hub.call_method(&module, &method, &payload, patience).await {
                    tell(&problem.to_string());
                }
            });
        }
        Ok(Order::Outage(length)) => return Then::Outage(length),
    }
    Then::GoOn
}

/// A message as the console sends it.
pub(super) fn message(value: &Value) -> Message {
    Message {
        source: Source::Module {
            module: "console".into(),
            output: None,
        },
        properties: Properties::default()
            .with_system("contentType", "application/json")
            .with_system("contentEncoding", "utf-8"),
        payload: Bytes::from(value.to_string()),
    }
}

fn read(line: &str) -> Result<Order, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let json = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|problem| format!("{text:?} is no JSON: {problem}"))
    };
    let named = || {
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(format!("{word} of what? Type help."));
        }
        Ok((name.to_owned(), value.trim()))
    };
    Ok(match word {
        "" => Order::Nothing,
        "help" | "?" => Order::Help,
        "quit" | "exit" => Order::Quit,
        "twin" => Order::Twin,
        "input" => {
            let (name, value) = named()?;
            Order::Input(name, json(value)?)
        }
        "call" => {
            let (name, value) = named()?;
            let payload = if value.is_empty() {
                Value::Null
            } else {
                json(value)?
            };
            Order::Call(name, payload)
        }
        "desired" => match json(rest)? {
            Value::Object(patch) => Order::Desired(patch),
            other => return Err(format!("desired properties are a JSON object, not {other}")),
        },
        "outage" => match rest.parse() {
            Ok(seconds) if (1..=OUTAGE_SECONDS_MAX).contains(&seconds) => {
                Order::Outage(Duration::from_secs(seconds))
            }
            _ => return Err(format!("an outage of 1 to {OUTAGE_SECONDS_MAX} seconds")),
        },
        other => return Err(format!("{other:?}? Type help.")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_are_read() {
        assert_eq!(read("  "), Ok(Order::Nothing));
        assert_eq!(
            read("input in1 {\"a\": 1}"),
            Ok(Order::Input("in1".into(), json!({"a": 1})))
        );
        assert_eq!(
            read("call reset"),
            Ok(Order::Call("reset".into(), Value::Null))
        );
        assert_eq!(
            read("call set [1]"),
            Ok(Order::Call("set".into(), json!([1])))
        );
        assert_eq!(
            read("outage 12"),
            Ok(Order::Outage(Duration::from_secs(12)))
        );
        for wrong in [
            "input",
            "input x",
            "desired 5",
            "desired {",
            "outage",
            "outage 0",
            "dance",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

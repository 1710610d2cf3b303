//! What a module does when the hub asks: lines from its input, and its methods.

use std::sync::Arc;

use crate::intake::Handler;
use crate::json::{self, Value};

/// What a method gives back: a JSON text, or why the call makes no sense.
pub type Answer = Result<String, String>;
type Method = Box<dyn Fn(&Value) -> Answer + Send + Sync>;

/// The input and the methods of a module.
#[derive(Default)]
pub struct Actions {
    input: Option<(&'static str, Arc<Handler>)>,
    methods: Vec<(&'static str, Method)>,
}

impl Actions {
    /// Takes lines from an input.
    pub fn input(mut self, name: &'static str, handler: &Arc<Handler>) -> Actions {
        self.input = Some((name, Arc::clone(handler)));
        self
    }

    /// Answers a method.
    pub fn method(
        mut self,
        name: &'static str,
        answer: impl Fn(&Value) -> Answer + Send + Sync + 'static,
    ) -> Actions {
        self.methods.push((name, Box::new(answer)));
        self
    }

    pub fn has_input(&self) -> bool {
        self.input.is_some()
    }

    /// Gives a message to the input; an error says why it is of no use.
    pub fn take(&self, input: &str, payload: &[u8]) -> Result<(), String> {
        let Some((_, handler)) = self.input.as_ref().filter(|(known, _)| *known == input) else {
            return Err(format!(
                "a message to the input {input:?}, which this module has not"
            ));
        };
        let text = std::str::from_utf8(payload)
            .map_err(|_| "a message that is not UTF-8 text".to_owned())?;
        // A message is one line here; JSON may be broken over several.
        let line = text.replace(['\r', '\n'], " ");
        handler(line.trim())
    }

    /// Status and body of a call.
    pub fn call(&self, method: &str, payload: &[u8]) -> (u16, String) {
        let Some((_, answer)) = self.methods.iter().find(|(known, _)| *known == method) else {
            let known: Vec<String> = self
                .methods
                .iter()
                .map(|(name, _)| json::quoted(name))
                .collect();
            return (
                404,
                format!(
                    r#"{{"error":"no such method","methods":[{}]}}"#,
                    known.join(",")
                ),
            );
        };
        let payload = match std::str::from_utf8(payload).map(str::trim) {
            Ok("") => Ok(Value::Null),
            Ok(text) => json::parse(text),
            Err(_) => Err("not UTF-8 text".to_owned()),
        };
        match payload.and_then(|payload| answer(&payload)) {
            Ok(body) => (200, body),
            Err(why) => (400, format!(r#"{{"error":{}}}"#, json::quoted(&why))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn methods_answer_and_unknown_ones_are_not_there() {
        let actions = Actions::default().method("double", |payload| match payload {
            Value::Number(number) => Ok(json::number(number * 2.0)),
            _ => Err("give a number".to_owned()),
        });
        assert_eq!(actions.call("double", b"21"), (200, "42".to_owned()));
        assert_eq!(
            actions.call("double", b""),
            (400, r#"{"error":"give a number"}"#.to_owned())
        );
        assert_eq!(actions.call("double", b"{").0, 400);
        let (status, body) = actions.call("other", b"null");
        assert!(status == 404 && body.contains(r#"["double"]"#), "{body}");
    }

    #[test]
    fn a_message_is_one_line() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&seen);
        let handler: Arc<Handler> = Arc::new(move |line: &str| {
            lines.lock().unwrap().push(line.to_owned());
            Ok(())
        });
        let actions = Actions::default().input("in", &handler);
        actions.take("in", b"{\n  \"a\": 1\n}\n").unwrap();
        assert_eq!(*seen.lock().unwrap(), ["{   \"a\": 1 }"]);
        assert!(actions.take("other", b"x").unwrap_err().contains("other"));
        assert!(actions.take("in", b"\xff").is_err());
    }
}

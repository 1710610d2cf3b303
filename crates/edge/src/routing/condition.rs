//! Conditions, evaluated on one message.

use std::cell::OnceCell;

use domain::route::{Binary, Expr, Literal, Unary};

use super::body::Body;
use super::function;
use super::value::{Value, and, arithmetic, compare, not, or};
use crate::message::Message;

/// A message, as conditions ask about it; its body is parsed only when one asks.
pub(super) struct Facts<'m> {
    message: &'m Message,
    body: OnceCell<Body>,
}

impl<'m> Facts<'m> {
    pub(super) fn new(message: &'m Message) -> Self {
        Self {
            message,
            body: OnceCell::new(),
        }
    }

    /// The value of a condition or of a part of one.
    pub(super) fn evaluate(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Literal(_) => literal(expr),
            Expr::Property(name) => self.property(name).unwrap_or(Value::Undefined),
            // An application property of that very name, dollar sign included, comes first.
            Expr::System(name) if !name.contains(['[', ']']) => {
                self.property(name).unwrap_or_else(|| self.system(name))
            }
            Expr::System(name) | Expr::EscapedSystem(name) => self.system(name),
            Expr::Call {
                name, arguments, ..
            } => self.call(name, arguments),
            Expr::Unary(Unary::Not, operand) => not(&self.evaluate(operand)),
            Expr::Unary(Unary::Negate, operand) => arithmetic(
                Binary::Subtract,
                &Value::Number(0.0),
                &self.evaluate(operand),
            ),
            Expr::Binary(op, left, right) => self.binary(*op, left, right),
        }
    }

    fn binary(&self, op: Binary, left: &Expr, right: &Expr) -> Value {
        let of_body = reads_body(left) || reads_body(right);
        let (left, right) = (self.evaluate(left), self.evaluate(right));
        match op {
            Binary::And => and(&left, &right),
            Binary::Or => or(&left, &right),
            Binary::Coalesce if left == Value::Undefined => right,
            Binary::Coalesce => left,
            Binary::Concat => function::concat(&[left, right]),
            Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual => compare(op, &left, &right, of_body),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
                arithmetic(op, &left, &right)
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Expr]) -> Value {
        let values: Vec<Value> = arguments
            .iter()
            .map(|argument| self.evaluate(argument))
            .collect();
        function::call(name, &values)
    }

    fn property(&self, name: &str) -> Option<Value> {
        let found = self.message.properties.application.get(name);
        found.map(|text| Value::Text(text.clone()))
    }

    /// `$body.path` or a system property.
    fn system(&self, name: &str) -> Value {
        if let Some(path) = body_path(name) {
            return match self.body().member(path) {
                Value::Object => Value::Undefined,
                found => found,
            };
        }
        let found = self
            .message
            .properties
            .system
            .get(name.trim_start_matches('$'));
        found.map_or(Value::Undefined, |text| Value::Text(text.clone()))
    }

    fn body(&self) -> &Body {
        self.body.get_or_init(|| Body::read(self.message))
    }
}

/// What stands after `$body.`, in any case.
pub(super) fn body_path(name: &str) -> Option<&str> {
    let (head, path) = name.split_at_checked("$body.".len())?;
    head.eq_ignore_ascii_case("$body.").then_some(path)
}

/// Whether an operand's type is known only at run time.
fn reads_body(expr: &Expr) -> bool {
    match expr {
        Expr::System(name) | Expr::EscapedSystem(name) => body_path(name).is_some(),
        Expr::Binary(Binary::Coalesce, left, right) => reads_body(left) || reads_body(right),
        _ => false,
    }
}

fn literal(expr: &Expr) -> Value {
    match expr.literal() {
        Some(Literal::Bool(value)) => Value::Bool(value),
        Some(Literal::Number(number)) => Value::number(number),
        Some(Literal::Text(text)) => Value::Text(text),
        Some(Literal::Null) => Value::Null,
        Some(Literal::Undefined) | None => Value::Undefined,
    }
}

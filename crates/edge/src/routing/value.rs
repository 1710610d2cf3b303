//! Values of a condition, and how the hub compares and combines them.
//!
//! `undefined` is what a missing property, a wrong type or a failed function gives; it spreads through arithmetic and
//! comparisons, and AND and OR treat it as "not known".

use std::cmp::Ordering;

use domain::route::Binary;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not there, or not of the type that was needed.
    Undefined,
    /// true or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// null, also a member that a message body lacks.
    Null,
    /// An object or an array of a message body.
    Object,
}

impl Value {
    /// Rank among types, for comparing values of a message body that have not the same type.
    fn rank(&self) -> u8 {
        match self {
            Self::Undefined => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::Null => 4,
            Self::Object => 5,
        }
    }

    /// A number that is one: NaN counts as undefined.
    pub(super) fn number(number: f64) -> Self {
        if number.is_nan() {
            Self::Undefined
        } else {
            Self::Number(number)
        }
    }

    /// For arithmetic, where null counts as nothing.
    fn addend(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Null => Some(0.0),
            _ => None,
        }
    }
}

/// `left op right` for numbers; null counts as 0, anything else is undefined.
pub(super) fn arithmetic(op: Binary, left: &Value, right: &Value) -> Value {
    let (Some(a), Some(b)) = (left.addend(), right.addend()) else {
        return Value::Undefined;
    };
    Value::number(match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Modulo => a % b,
        _ => f64::NAN,
    })
}

/// `left op right` for comparisons. `of_body` says that one side is read from the message body: there, types differ
/// at run time and are ordered; elsewhere, values of two types do not compare.
pub(super) fn compare(op: Binary, left: &Value, right: &Value, of_body: bool) -> Value {
    let Some(order) = order(left, right, of_body) else {
        return Value::Undefined;
    };
    Value::Bool(match op {
        Binary::Equal => order == Ordering::Equal,
        Binary::NotEqual => order != Ordering::Equal,
        Binary::Less => order == Ordering::Less,
        Binary::LessEqual => order != Ordering::Greater,
        Binary::Greater => order == Ordering::Greater,
        Binary::GreaterEqual => order != Ordering::Less,
        _ => return Value::Undefined,
    })
}

fn order(left: &Value, right: &Value, of_body: bool) -> Option<Ordering> {
    match (left, right) {
        (Value::Undefined, _) | (_, Value::Undefined) | (Value::Object, _) | (_, Value::Object) => {
            None
        }
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(ordinal(a, b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ if of_body => Some(left.rank().cmp(&right.rank())),
        _ => None,
    }
}

/// By UTF-16 units, as the hub compares strings.
fn ordinal(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Three-valued AND: false wins over undefined.
pub(super) fn and(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
        (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
        _ => Value::Undefined,
    }
}

/// Three-valued OR: true wins over undefined, null gives the other side.
pub(super) fn or(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Bool(true), _) | (_, Value::Bool(true)) => Value::Bool(true),
        (Value::Bool(false), Value::Bool(false) | Value::Null)
        | (Value::Null, Value::Bool(false)) => Value::Bool(false),
        _ => Value::Undefined,
    }
}

/// NOT; null is taken for false.
pub(super) fn not(operand: &Value) -> Value {
    match operand {
        Value::Bool(value) => Value::Bool(!value),
        Value::Null => Value::Bool(true),
        _ => Value::Undefined,
    }
}

//! The functions of the condition language, names in any case (edge-runtime fact sheet §1.8). A wrong type gives
//! undefined. Lengths and positions count UTF-16 units, as the hub's strings do.

use super::value::Value;

/// Calls a function; one that does not exist gives undefined.
pub(super) fn call(name: &str, arguments: &[Value]) -> Value {
    let name = name.to_ascii_lowercase();
    match arguments {
        _ if name == "concat" => concat(arguments),
        [one] => of_one(&name, one),
        [Value::Number(base), Value::Number(exponent)] if name == "power" => {
            Value::number(base.powf(*exponent))
        }
        [Value::Text(text), Value::Text(part)] => of_two_texts(&name, text, part),
        [Value::Text(text), Value::Number(start)] if name == "substring" => {
            substring(text, *start, None)
        }
        [
            Value::Text(text),
            Value::Number(start),
            Value::Number(length),
        ] if name == "substring" => substring(text, *start, Some(*length)),
        _ => Value::Undefined,
    }
}

/// All strings in a row.
pub(super) fn concat(parts: &[Value]) -> Value {
    let texts = parts.iter().map(|part| match part {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    match texts.collect::<Option<Vec<&str>>>() {
        Some(texts) if !texts.is_empty() => Value::Text(texts.concat()),
        _ => Value::Undefined,
    }
}

fn of_one(name: &str, argument: &Value) -> Value {
    match (name, argument) {
        ("is_defined", value) => Value::Bool(*value != Value::Undefined),
        ("is_null", value) => Value::Bool(*value == Value::Null),
        ("is_bool", value) => Value::Bool(matches!(value, Value::Bool(_))),
        ("is_number", value) => Value::Bool(matches!(value, Value::Number(_))),
        ("is_string", value) => Value::Bool(matches!(value, Value::Text(_))),
        ("as_number", Value::Text(text)) => as_number(text),
        ("as_number", Value::Number(number)) => Value::Number(*number),
        ("length", Value::Text(text)) => count(text.encode_utf16().count()),
        ("lower", Value::Text(text)) => Value::Text(text.to_lowercase()),
        ("upper", Value::Text(text)) => Value::Text(text.to_uppercase()),
        (_, Value::Number(number)) => of_number(name, *number),
        _ => Value::Undefined,
    }
}

fn of_number(name: &str, number: f64) -> Value {
    Value::number(match name {
        "abs" => number.abs(),
        "ceiling" => number.ceil(),
        "exp" => number.exp(),
        "floor" => number.floor(),
        "sign" if number == 0.0 => 0.0,
        "sign" => number.signum(),
        "sqrt" => number.sqrt(),
        "square" => number * number,
        _ => f64::NAN,
    })
}

fn of_two_texts(name: &str, text: &str, part: &str) -> Value {
    match name {
        "starts_with" => Value::Bool(text.starts_with(part)),
        "ends_with" => Value::Bool(text.ends_with(part)),
        "contains" => Value::Bool(text.contains(part)),
        "index_of" => text.find(part).map_or(Value::Number(-1.0), |at| {
            count(text[..at].encode_utf16().count())
        }),
        _ => Value::Undefined,
    }
}

/// Blanks around and a thousands comma are forgiven, as on the device.
fn as_number(text: &str) -> Value {
    let plain: String = text.trim().chars().filter(|c| *c != ',').collect();
    let digits = plain.bytes().any(|b| b.is_ascii_digit());
    match plain.parse::<f64>() {
        Ok(number) if digits => Value::number(number),
        _ => Value::Undefined,
    }
}

fn substring(text: &str, start: f64, length: Option<f64>) -> Value {
    let units: Vec<u16> = text.encode_utf16().collect();
    let in_range = |number: f64, max: usize| {
        let whole = number.trunc();
        (number >= 0.0 && whole <= max_number(max)).then_some(whole as usize)
    };
    let Some(start) = in_range(start, units.len()) else {
        return Value::Undefined;
    };
    let rest = &units[start..];
    let taken = match length {
        None => Some(rest.len()),
        // With a length, the start must lie inside the text.
        Some(_) if rest.is_empty() => None,
        Some(length) => in_range(length, rest.len()),
    };
    taken.map_or(Value::Undefined, |taken| {
        Value::Text(String::from_utf16_lossy(&rest[..taken]))
    })
}

fn count(number: usize) -> Value {
    Value::Number(max_number(number))
}

/// Texts are far shorter than where a float stops counting by one.
fn max_number(number: usize) -> f64 {
    number as f64
}

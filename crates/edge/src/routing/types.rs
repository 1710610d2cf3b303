//! Types of a condition as the hub's compiler gives them. It refuses the whole set of routes for one condition whose
//! types do not fit, where this crate could have gone on with undefined; so a set that a device refuses is refused here.
//!
//! What is read from a body has a type only once a message is there, and stands beside any other type until then.
//! Left out: names and numbers of arguments ([`domain::route::Route::semantic`]).

use domain::route::{Binary, Expr, Literal, Unary};

use super::condition::body_path;

/// A type that is known before any message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Bool,
    Null,
    Undefined,
    /// Read from the body.
    Body,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
            Self::Undefined => "undefined",
            Self::Body => "a value of the body",
        }
    }

    /// Whether a value of this type can stand where `wanted` is needed. Undefined fits nothing but itself.
    fn fits(self, wanted: Self) -> bool {
        self == wanted
            || (self == Self::Body && wanted != Self::Undefined)
            || (wanted == Self::Body && self != Self::Undefined)
    }

    /// As an operand of AND, OR and NOT.
    fn is_logical(self) -> bool {
        matches!(self, Self::Bool | Self::Null)
    }
}

/// The type of a condition or of a part of one.
///
/// # Errors
/// What does not fit, with the part of the condition that holds it.
pub(super) fn of(expr: &Expr) -> Result<Type, String> {
    match expr {
        Expr::Literal(_) => Ok(literal(expr)),
        Expr::Property(_) => Ok(Type::Text),
        Expr::System(name) | Expr::EscapedSystem(name) => system(name),
        Expr::Call {
            name, arguments, ..
        } => call(expr, name, arguments),
        Expr::Unary(op, operand) => unary(expr, *op, of(operand)?),
        Expr::Binary(op, left, right) => binary(expr, *op, of(left)?, of(right)?),
    }
}

fn literal(expr: &Expr) -> Type {
    match expr.literal() {
        Some(Literal::Bool(_)) => Type::Bool,
        Some(Literal::Number(_)) => Type::Number,
        Some(Literal::Text(_)) => Type::Text,
        Some(Literal::Null) => Type::Null,
        Some(Literal::Undefined) | None => Type::Undefined,
    }
}

/// `$body.path`, whose path the hub reads before any message, or a system property, which is text.
fn system(name: &str) -> Result<Type, String> {
    if let Some(path) = body_path(name) {
        return if path.split('.').all(is_step) {
            Ok(Type::Body)
        } else {
            Err(format!(
                "`{name}` is no path into a body; it is $body.name.name[0].name"
            ))
        };
    }
    Ok(if name.contains(['[', ']']) {
        Type::Undefined
    } else {
        Type::Text
    })
}

/// `name` or `name[0]`.
fn is_step(step: &str) -> bool {
    let (name, index) = match step.split_once('[') {
        Some((name, index)) => (name, Some(index)),
        None => (step, None),
    };
    let closed = index.is_none_or(|index| {
        let digits = index.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && index[digits..].starts_with(']')
    });
    !name.is_empty() && closed
}

fn unary(expr: &Expr, op: Unary, operand: Type) -> Result<Type, String> {
    let (fits, wanted, gives) = match op {
        Unary::Not => (
            operand.is_logical() || operand == Type::Body,
            "true, false or null",
            Type::Bool,
        ),
        Unary::Negate => (operand.fits(Type::Number), "a number", operand),
    };
    if fits {
        return Ok(gives);
    }
    Err(format!(
        "in `{expr}` the operand is {}; it has to be {wanted}",
        operand.name()
    ))
}

fn binary(expr: &Expr, op: Binary, left: Type, right: Type) -> Result<Type, String> {
    let both = |wanted: Type| left.fits(wanted) && right.fits(wanted);
    let mixed = if left == Type::Body { left } else { right };
    let (fits, wanted, gives) = match op {
        Binary::And | Binary::Or => {
            let nulls = (left == Type::Null, right == Type::Null);
            let null = nulls == (true, true) || (op == Binary::And && nulls != (false, false));
            let gives = if null { Type::Null } else { Type::Bool };
            (logical(left, right), "true or false", gives)
        }
        Binary::Multiply | Binary::Divide | Binary::Modulo | Binary::Add | Binary::Subtract => {
            (both(Type::Number), "numbers; as_number() makes one", mixed)
        }
        Binary::Concat => (both(Type::Text), "text", Type::Text),
        Binary::Coalesce => (right.fits(left), "of one type", mixed),
        Binary::Less
        | Binary::LessEqual
        | Binary::Greater
        | Binary::GreaterEqual
        | Binary::Equal
        | Binary::NotEqual => (
            right.fits(left),
            "of one type; a property is text, and as_number() makes a number of it",
            Type::Bool,
        ),
    };
    if fits {
        return Ok(gives);
    }
    Err(format!(
        "in `{expr}` the operands of {} are {} and {}; both have to be {wanted}",
        op.symbol(),
        left.name(),
        right.name()
    ))
}

/// As the hub's compiler has it: a value of the body may stand on the left of anything, but on the right only of
/// another one.
fn logical(left: Type, right: Type) -> bool {
    let plain = |side: Type| side.is_logical() || side == Type::Undefined;
    left == Type::Body || (plain(left) && plain(right))
}

fn call(expr: &Expr, name: &str, arguments: &[Expr]) -> Result<Type, String> {
    let name = name.to_ascii_lowercase();
    let mut types = Vec::with_capacity(arguments.len());
    for argument in arguments {
        types.push(of(argument)?);
    }
    let (wanted, gives): (&[Type], Type) = match name.as_str() {
        "abs" | "exp" | "square" | "ceiling" | "floor" | "sign" | "sqrt" => {
            (&[Type::Number], Type::Number)
        }
        "power" => (&[Type::Number, Type::Number], Type::Number),
        "as_number" if types == [Type::Number] => return Ok(Type::Number),
        "as_number" | "length" => (&[Type::Text], Type::Number),
        "concat" => (&[], Type::Text),
        "lower" | "upper" => (&[Type::Text], Type::Text),
        "substring" => (&[Type::Text, Type::Number, Type::Number], Type::Text),
        "index_of" => (&[Type::Text, Type::Text], Type::Number),
        "starts_with" | "ends_with" | "contains" => (&[Type::Text, Type::Text], Type::Bool),
        // is_defined and its like take anything.
        _ => return Ok(Type::Bool),
    };
    // `concat` takes text as often as it likes.
    let all = wanted.iter().copied().chain(std::iter::repeat(Type::Text));
    for (number, (found, wanted)) in types.into_iter().zip(all).enumerate() {
        if !found.fits(wanted) {
            return Err(format!(
                "in `{expr}` argument {} is {}; it has to be {}",
                number + 1,
                found.name(),
                wanted.name()
            ));
        }
    }
    Ok(gives)
}

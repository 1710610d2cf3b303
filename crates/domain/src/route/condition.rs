//! The `WHERE` part of a route: its tree, and how it is written.
//!
//! Left out: evaluation, which crate `edge` does. Types are only known on the device, so only names and numbers of
//! arguments are checked ([`super::semantic`]).

use std::fmt;

/// A condition, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A number, `true`, `false`, `null`, `undefined` or a quoted string, as written.
    Literal(String),
    /// An application property.
    Property(String),
    /// `$systemProperty` or `$body.path`, with its dollar sign.
    System(String),
    /// `{$systemProperty}`: never an application property of that name.
    EscapedSystem(String),
    /// A call of a built-in function; `position` is the byte offset of its name.
    Call {
        /// Name as written; functions are case-insensitive.
        name: String,
        /// Arguments.
        arguments: Vec<Expr>,
        /// Byte offset of the name, for messages.
        position: usize,
    },
    /// `-x` or `NOT x`.
    Unary(Unary, Box<Expr>),
    /// `x op y`.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// Prefix operators. Both bind tighter than any binary one: `NOT a = b` is `(NOT a) = b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Negate,
    /// `NOT`
    Not,
}

/// Binary operators, all left-associative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `||`
    Concat,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `AND`
    And,
    /// `OR`
    Or,
    /// `??`
    Coalesce,
}

impl Binary {
    /// How tightly the operator binds; higher binds tighter.
    pub fn strength(self) -> u8 {
        match self {
            Self::Multiply | Self::Divide | Self::Modulo => 7,
            Self::Add | Self::Subtract | Self::Concat => 6,
            Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual => 5,
            Self::Equal | Self::NotEqual => 4,
            Self::And => 3,
            Self::Or => 2,
            Self::Coalesce => 1,
        }
    }

    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Concat => "||",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::And => "AND",
            Self::Or => "OR",
            Self::Coalesce => "??",
        }
    }
}

/// What a literal stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// An integer, a hexadecimal integer or a real; edgeHub counts in doubles.
    Number(f64),
    /// A string, quotes and escapes undone.
    Text(String),
    /// `null`
    Null,
    /// `undefined`, or a number that no double holds.
    Undefined,
}

impl Expr {
    /// What a literal stands for; `None` for any other expression.
    pub fn literal(&self) -> Option<Literal> {
        let Self::Literal(text) = self else {
            return None;
        };
        Some(match text.as_str() {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            "null" => Literal::Null,
            "undefined" => Literal::Undefined,
            quoted if quoted.starts_with(['"', '\'']) => Literal::Text(super::unquoted(quoted)),
            number => parsed_number(number).map_or(Literal::Undefined, Literal::Number),
        })
    }

    /// How tightly the outermost operator binds; atoms bind tightest.
    fn strength(&self) -> u8 {
        match self {
            Self::Binary(op, _, _) => op.strength(),
            Self::Unary(..) => 8,
            _ => 9,
        }
    }

    /// Visits this expression and every part of it.
    pub(super) fn each(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Self::Call { arguments, .. } => {
                for argument in arguments {
                    argument.each(visit);
                }
            }
            Self::Unary(_, operand) => operand.each(visit),
            Self::Binary(_, left, right) => {
                left.each(visit);
                right.each(visit);
            }
            Self::Literal(_) | Self::Property(_) | Self::System(_) | Self::EscapedSystem(_) => {}
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, part: &Expr, least: u8| {
            if part.strength() < least {
                write!(f, "({part})")
            } else {
                write!(f, "{part}")
            }
        };
        match self {
            Self::Literal(text) | Self::Property(text) | Self::System(text) => f.write_str(text),
            Self::EscapedSystem(text) => write!(f, "{{{text}}}"),
            Self::Call {
                name, arguments, ..
            } => {
                write!(f, "{name}(")?;
                for (index, argument) in arguments.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{argument}")?;
                }
                f.write_str(")")
            }
            Self::Unary(op, operand) => {
                f.write_str(match op {
                    // The blank keeps `- 5` from being read as the number -5.
                    Unary::Negate => "- ",
                    Unary::Not => "NOT ",
                })?;
                side(f, operand, 8)
            }
            Self::Binary(op, left, right) => {
                side(f, left, op.strength())?;
                write!(f, " {} ", op.symbol())?;
                side(f, right, op.strength() + 1)
            }
        }
    }
}

/// A number as edgeHub's lexer takes it; a bare exponent such as `e5` is a token but no number.
fn parsed_number(text: &str) -> Option<f64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok().map(|whole| whole as f64),
        None => text.parse().ok(),
    }
}

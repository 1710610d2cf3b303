//! From tokens to a route: `[SELECT *] FROM source [WHERE condition] INTO sink`, or nothing at all.
//!
//! As in edgeHub, text after the sink is not read; unlike edgeHub, what its grammar accepts only to complain about
//! it later (an open string, a missing bracket) is refused here at once.

use std::ops::Range;

use super::condition::{Binary, Expr, Unary};
use super::token::{Kind, Token, cut};
use super::{EXPRESSION_DEPTH_MAX, OPERATORS_MAX, ROUTE_BYTES_MAX, RouteError};

/// A parsed route, by its spans in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// Segments of the source path; each is a name or `*`.
    pub(super) source: Vec<Range<usize>>,
    pub(super) condition: Option<Expr>,
    pub(super) sink: Target,
    /// Where unread text begins, if there is any.
    pub(super) unread: Option<usize>,
}

/// What stands after `INTO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    System(Range<usize>),
    /// Function name, and its quoted argument with the quotes.
    Call(Range<usize>, Range<usize>),
}

/// Parses; `None` is the empty route, which the grammar allows.
pub(super) fn parse(text: &str) -> Result<Option<Parts>, RouteError> {
    if text.len() > ROUTE_BYTES_MAX {
        return Err(RouteError {
            position: ROUTE_BYTES_MAX,
            expected: format!("the end of the route: a route has at most {ROUTE_BYTES_MAX} bytes"),
            found: format!("{} bytes", text.len()),
        });
    }
    let mut parser = Parser {
        text,
        tokens: cut(text),
        at: 0,
        depth: 0,
        operators: 0,
    };
    if parser.peek() == Kind::End {
        return Ok(None);
    }
    if parser.accept(Kind::Select) {
        parser.expect(Kind::Star, "`*` after SELECT")?;
    } else if parser.peek() != Kind::From {
        return Err(parser.error("FROM or SELECT *"));
    }
    parser.expect(Kind::From, "FROM")?;
    let source = parser.source()?;
    let condition = if parser.accept(Kind::Where) {
        Some(parser.expression(0)?)
    } else {
        None
    };
    let wanted = if condition.is_some() {
        "an operator such as =, AND, OR, or INTO"
    } else {
        "`/`, WHERE or INTO"
    };
    parser.expect(Kind::Into, wanted)?;
    let sink = parser.sink()?;
    let unread = (parser.peek() != Kind::End).then(|| parser.token().span.start);
    Ok(Some(Parts {
        source,
        condition,
        sink,
        unread,
    }))
}

struct Parser<'t> {
    text: &'t str,
    /// Never empty: the last token is [`Kind::End`] and is never passed.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    operators: usize,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn peek(&self) -> Kind {
        self.token().kind
    }

    fn advance(&mut self) -> Range<usize> {
        let span = self.token().span.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        span
    }

    fn accept(&mut self, kind: Kind) -> bool {
        let hit = self.peek() == kind;
        if hit {
            self.advance();
        }
        hit
    }

    fn expect(&mut self, kind: Kind, expected: &str) -> Result<Range<usize>, RouteError> {
        if self.peek() == kind {
            Ok(self.advance())
        } else {
            Err(self.error(expected))
        }
    }

    fn error(&self, expected: &str) -> RouteError {
        let token = self.token();
        let text = &self.text[token.span.clone()];
        let found = match token.kind {
            Kind::End => "the end of the route".to_owned(),
            Kind::OpenText => format!("a string without its closing quote, {text}"),
            _ => format!("`{text}`"),
        };
        RouteError {
            position: token.span.start,
            expected: expected.to_owned(),
            found,
        }
    }

    fn source(&mut self) -> Result<Vec<Range<usize>>, RouteError> {
        let mut segments = Vec::new();
        self.expect(Kind::Slash, "a source path such as /messages/*")?;
        loop {
            if !matches!(self.peek(), Kind::Name | Kind::Star) {
                return Err(self.error(
                    "a path segment: `*`, or a name that is no number, no keyword of the route language \
                     and holds none of ( ) < > @ , ; : \\ \" / [ ] ? = { }",
                ));
            }
            segments.push(self.advance());
            if !self.accept(Kind::Slash) {
                return Ok(segments);
            }
        }
    }

    fn sink(&mut self) -> Result<Target, RouteError> {
        const SINK: &str =
            "$upstream or BrokeredEndpoint(\"/modules/<module>/inputs/<input>\") after INTO";
        if self.peek() == Kind::System {
            return Ok(Target::System(self.advance()));
        }
        let function = self.expect(Kind::Name, SINK)?;
        self.expect(
            Kind::OpenParen,
            "`(` and a quoted endpoint path, or $upstream",
        )?;
        let endpoint = self.expect(Kind::Text, "a quoted endpoint path")?;
        self.expect(Kind::CloseParen, "`)`")?;
        Ok(Target::Call(function, endpoint))
    }

    /// Precedence climbing: reads operators that bind tighter than `floor`.
    fn expression(&mut self, floor: u8) -> Result<Expr, RouteError> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(self.error(&format!(
                "an expression nested at most {EXPRESSION_DEPTH_MAX} deep"
            )));
        }
        let mut left = self.operand()?;
        while let Some(op) = binary(self.peek())
            && op.strength() > floor
        {
            self.operators += 1;
            if self.operators > OPERATORS_MAX {
                return Err(
                    self.error(&format!("a condition of at most {OPERATORS_MAX} operators"))
                );
            }
            self.advance();
            let right = self.expression(op.strength())?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, RouteError> {
        const OPERAND: &str =
            "a value: a property, $systemProperty, $body.path, a literal, a function call or `(`";
        let text = self.text;
        match self.peek() {
            Kind::Literal | Kind::Text => Ok(Expr::Literal(text[self.advance()].to_owned())),
            Kind::System => Ok(Expr::System(text[self.advance()].to_owned())),
            Kind::OpenBrace => {
                self.advance();
                let name = self.expect(Kind::System, "$systemProperty inside the braces")?;
                self.expect(Kind::CloseBrace, "`}`")?;
                Ok(Expr::EscapedSystem(text[name].to_owned()))
            }
            Kind::Name => {
                let name = self.advance();
                if self.peek() == Kind::OpenParen {
                    self.call(name)
                } else {
                    Ok(Expr::Property(text[name].to_owned()))
                }
            }
            // Both bind tighter than every binary operator.
            Kind::Minus => self.unary(Unary::Negate),
            Kind::Not => self.unary(Unary::Not),
            Kind::OpenParen => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect(Kind::CloseParen, "an operator or `)`")?;
                Ok(inner)
            }
            Kind::Equal => Err(self.error("a value; equality is written with one `=`")),
            _ => Err(self.error(OPERAND)),
        }
    }

    fn unary(&mut self, op: Unary) -> Result<Expr, RouteError> {
        self.advance();
        let operand = self.expression(u8::MAX)?;
        Ok(Expr::Unary(op, Box::new(operand)))
    }

    fn call(&mut self, name: Range<usize>) -> Result<Expr, RouteError> {
        self.advance();
        let mut arguments = Vec::new();
        if !self.accept(Kind::CloseParen) {
            loop {
                arguments.push(self.expression(0)?);
                if !self.accept(Kind::Comma) {
                    break;
                }
            }
            self.expect(Kind::CloseParen, "an operator, `,` or `)`")?;
        }
        Ok(Expr::Call {
            position: name.start,
            name: self.text[name].to_owned(),
            arguments,
        })
    }
}

fn binary(kind: Kind) -> Option<Binary> {
    Some(match kind {
        Kind::Star => Binary::Multiply,
        Kind::Slash => Binary::Divide,
        Kind::Percent => Binary::Modulo,
        Kind::Plus => Binary::Add,
        Kind::Minus => Binary::Subtract,
        Kind::Concat => Binary::Concat,
        Kind::Less => Binary::Less,
        Kind::LessEqual => Binary::LessEqual,
        Kind::Greater => Binary::Greater,
        Kind::GreaterEqual => Binary::GreaterEqual,
        Kind::Equal => Binary::Equal,
        Kind::NotEqual => Binary::NotEqual,
        Kind::And => Binary::And,
        Kind::Or => Binary::Or,
        Kind::Coalesce => Binary::Coalesce,
        _ => return None,
    })
}

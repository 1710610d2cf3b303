//! Routes: what parses, what each part says, and what renaming leaves alone.

use super::*;
use crate::violation::Level;
use proptest::prelude::*;

fn parsed(text: &str) -> Route {
    Route::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn refused(text: &str) -> RouteError {
    Route::parse(text).expect_err(text)
}

fn kinds(text: &str) -> Vec<SemanticKind> {
    parsed(text).semantic().iter().map(|s| s.kind).collect()
}

#[test]
fn parts_of_a_route() {
    let route = parsed(
        "from /Messages/Modules/Sensor/outputs/temp* WHERE level > 3 into brokeredendpoint('/modules/Filter/inputs/in/')",
    );
    assert_eq!(route.source_module().as_deref(), Some("Sensor"));
    assert_eq!(route.source_output().as_deref(), Some("temp"));
    assert_eq!(
        route.sink(),
        Sink::Input {
            module: "Filter".into(),
            input: "in".into()
        }
    );
    assert!(route.semantic().is_empty());
    let all = parsed("FROM /messages/modules/* INTO $upstream");
    assert_eq!(all.source_module(), None);
    assert_eq!(all.sink(), Sink::Upstream);
    assert_eq!(parsed("FROM /* INTO $UPSTREAM").sink(), Sink::Upstream);
}

#[test]
fn errors_say_where_and_what() {
    let problem = refused("FORM /messages/* INTO $upstream");
    assert_eq!((problem.position, problem.found.as_str()), (0, "`FORM`"));
    let double = refused("FROM /messages/* WHERE a == 1 INTO $upstream");
    assert_eq!(double.position, 26);
    assert!(double.expected.contains("one `=`"), "{double}");
    let placeholder = refused("FROM /messages/modules/<FROM_MODULE_NAME>/outputs/* INTO $upstream");
    assert_eq!(placeholder.found, "`<`");
    assert_eq!(problem.caret("FORM x"), "FORM x\n^");
    assert!(
        refused("FROM /messages INTO upstream")
            .found
            .contains("end")
    );
}

#[test]
fn names_that_are_keywords_or_numbers_cannot_be_said() {
    for module in [
        "from", "INTO", "and", "Not", "null", "123", "e5", "a:b", "a[0]",
    ] {
        refused(&format!("FROM /messages/modules/{module} INTO $upstream"));
        assert!(!is_segment(module), "{module}");
    }
    for module in ["Sensor", "a.b", "a+b", "x-1", "5a", "nulls"] {
        parsed(&format!("FROM /messages/modules/{module} INTO $upstream"));
        assert!(is_segment(module), "{module}");
    }
}

#[test]
fn what_the_grammar_lets_pass_is_told_apart() {
    assert_eq!(kinds(""), [SemanticKind::Blank]);
    assert_eq!(
        kinds("FROM /messages INTO $iothub"),
        [SemanticKind::UnknownEndpoint]
    );
    assert_eq!(
        kinds("FROM /messages INTO Other('/a/b/c/d')"),
        [SemanticKind::UnknownSinkFunction]
    );
    for path in ["/modules/b", "/modules//inputs/x", "", "/a/b/c/d/e"] {
        let route = format!("FROM /messages INTO BrokeredEndpoint(\"{path}\")");
        assert_eq!(kinds(&route), [SemanticKind::EndpointSegments], "{route}");
    }
    assert_eq!(
        kinds("FROM /messages/*/outputs/x INTO $upstream"),
        [SemanticKind::InnerWildcard]
    );
    assert_eq!(
        kinds("FROM /telemetry INTO $upstream"),
        [SemanticKind::UnknownSource]
    );
    assert_eq!(
        kinds("FROM /messages WHERE reverse(a) INTO $upstream"),
        [SemanticKind::UnknownFunction]
    );
    assert_eq!(
        kinds("FROM /twinChangeNotifications WHERE twin_change_includes(a) INTO $upstream"),
        [SemanticKind::UnknownFunction],
        "for the cloud alone"
    );
    for condition in ["NOT IS_DEFINED()", "concat('a') = 'a'"] {
        let route = format!("FROM /messages WHERE {condition} INTO $upstream");
        assert_eq!(kinds(&route), [SemanticKind::ArgumentCount], "{route}");
    }
    let junk = parsed("FROM /messages/* INTO $upstream WHERE a = 1");
    assert_eq!(junk.semantic()[0].level, Level::Warning);
    assert_eq!(junk.semantic()[0].kind, SemanticKind::TrailingText);
}

#[test]
fn operators_bind_as_published() {
    let text = |source: &str| {
        let route = parsed(&format!("FROM /messages WHERE {source} INTO $upstream"));
        fully_bracketed(route.condition().expect("a condition"))
    };
    assert_eq!(text("a or b and c"), "(a OR (b AND c))");
    assert_eq!(text("not a = b"), "((NOT a) = b)");
    assert_eq!(text("a - b - c * d"), "((a - b) - (c * d))");
    assert_eq!(text("a ?? b or c"), "(a ?? (b OR c))");
    assert_eq!(text("a < b = c > d"), "((a < b) = (c > d))");
    assert_eq!(text("- a % b || c"), "(((- a) % b) || c)");
    assert_eq!(
        text("length($body.x[0]) >= {$connectionModuleId}"),
        "(length($body.x[0]) >= {$connectionModuleId})"
    );
}

fn fully_bracketed(expr: &Expr) -> String {
    match expr {
        Expr::Unary(Unary::Not, operand) => format!("(NOT {})", fully_bracketed(operand)),
        Expr::Unary(Unary::Negate, operand) => format!("(- {})", fully_bracketed(operand)),
        Expr::Binary(op, left, right) => format!(
            "({} {} {})",
            fully_bracketed(left),
            op.symbol(),
            fully_bracketed(right)
        ),
        other => other.to_string(),
    }
}

#[test]
fn renaming_touches_only_the_name() {
    let text = "FROM /messages/modules/filter/outputs/*  where x = 'Filter'\tINTO BrokeredEndpoint( \"/modules/Filter/inputs/Filter\" )";
    assert_eq!(
        parsed(text).rename_module("Filter", "MyFilter"),
        "FROM /messages/modules/MyFilter/outputs/*  where x = 'Filter'\tINTO BrokeredEndpoint( \"/modules/MyFilter/inputs/Filter\" )"
    );
    let other = "FROM /messages/modules/FilterTwo/* INTO $upstream";
    assert_eq!(parsed(other).rename_module("Filter", "X"), other);
    let bare = "FROM /messages/modules/Filter* INTO BrokeredEndpoint('modules/A/inputs/i')";
    assert_eq!(
        parsed(bare).rename_module("Filter", "X"),
        "FROM /messages/modules/X* INTO BrokeredEndpoint('modules/A/inputs/i')"
    );
    assert_eq!(
        parsed("FROM /messages INTO BrokeredEndpoint(\"/m/\\u0041/i/x\")").rename_module("A", "B"),
        "FROM /messages INTO BrokeredEndpoint(\"/m/B/i/x\")"
    );
}

#[test]
fn length_and_depth_are_bounded() {
    let long = format!("FROM /{} INTO $upstream", "a".repeat(ROUTE_BYTES_MAX));
    assert!(refused(&long).expected.contains("4096"));
    let deep = format!(
        "FROM /messages WHERE {}a{} INTO $upstream",
        "(".repeat(200),
        ")".repeat(200)
    );
    assert!(refused(&deep).expected.contains("64"));
    let nots = format!(
        "FROM /messages WHERE {}a INTO $upstream",
        "NOT ".repeat(500)
    );
    assert!(refused(&nots).expected.contains("64"));
}

/// What walks a condition calls itself once for each operator, a chain of equals included.
#[test]
fn a_long_chain_is_bounded_and_its_longest_fits_a_small_stack() {
    let chain = |links: usize| {
        format!(
            "FROM /messages WHERE a{} INTO $upstream",
            " = a".repeat(links)
        )
    };
    let nested = "concat(".repeat(EXPRESSION_DEPTH_MAX - 2);
    let both = format!(
        "FROM /messages WHERE {nested}a{}{} INTO $upstream",
        " = a".repeat(OPERATORS_MAX),
        ")".repeat(EXPRESSION_DEPTH_MAX - 2),
    );
    let texts = vec![chain(OPERATORS_MAX), both];
    let walked = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || {
            for text in texts {
                let route = parsed(&text);
                assert_eq!(route.clone(), route);
                assert!(parsed(&route.to_string()).condition().is_some());
                let _ = route.semantic();
            }
        });
    walked.expect("a thread").join().expect("stack enough");
    for long in [chain(OPERATORS_MAX + 1), chain(900)] {
        assert!(refused(&long).expected.contains("200"), "{long}");
    }
}

#[test]
fn literals_stand_for_values() {
    let cases = [
        ("true", Literal::Bool(true)),
        ("null", Literal::Null),
        ("undefined", Literal::Undefined),
        ("-5", Literal::Number(-5.0)),
        ("0xfF", Literal::Number(255.0)),
        (".5", Literal::Number(0.5)),
        ("e5", Literal::Undefined),
        (r#"'a\'b\\'"#, Literal::Text(r"a'b\".into())),
        (r#""\u00fc""#, Literal::Text("ü".into())),
    ];
    for (text, value) in cases {
        let route = parsed(&format!("FROM /messages WHERE {text} INTO $upstream"));
        assert_eq!(
            route.condition().and_then(Expr::literal),
            Some(value),
            "{text}"
        );
    }
}

fn expression() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "1",
            "-2",
            "1.5e3",
            "'x y'",
            "\"q\"",
            "true",
            "undefined"
        ])
        .prop_map(|text| Expr::Literal(text.into())),
        "[a-d][a-z]{0,3}x".prop_map(Expr::Property),
        Just(Expr::System("$body.a[1]".into())),
        Just(Expr::EscapedSystem("{$x}".trim_matches(['{', '}']).into())),
    ];
    let binary = prop::sample::select(vec![
        Binary::Multiply,
        Binary::Divide,
        Binary::Modulo,
        Binary::Add,
        Binary::Subtract,
        Binary::Concat,
        Binary::Less,
        Binary::LessEqual,
        Binary::Greater,
        Binary::GreaterEqual,
        Binary::Equal,
        Binary::NotEqual,
        Binary::And,
        Binary::Or,
        Binary::Coalesce,
    ]);
    leaf.prop_recursive(5, 24, 3, move |inner| {
        prop_oneof![
            (prop::bool::ANY, inner.clone()).prop_map(|(not, operand)| Expr::Unary(
                if not { Unary::Not } else { Unary::Negate },
                Box::new(operand)
            )),
            (binary.clone(), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| Expr::Binary(op, Box::new(left), Box::new(right))),
            prop::collection::vec(inner, 0..3).prop_map(|arguments| Expr::Call {
                name: "concat".into(),
                arguments,
                position: 0
            }),
        ]
    })
}

/// Positions of calls differ between the tree made and the tree parsed.
fn without_positions(expr: &Expr) -> Expr {
    match expr {
        Expr::Call {
            name, arguments, ..
        } => Expr::Call {
            name: name.clone(),
            arguments: arguments.iter().map(without_positions).collect(),
            position: 0,
        },
        Expr::Unary(op, operand) => Expr::Unary(*op, Box::new(without_positions(operand))),
        Expr::Binary(op, left, right) => Expr::Binary(
            *op,
            Box::new(without_positions(left)),
            Box::new(without_positions(right)),
        ),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in r#"(?s)(FROM |SELECT \* |INTO |WHERE |[/*$"'(){}\[\]\\a-z0-9 .=<>!|?+-]|.){0,40}"#) {
        match Route::parse(&text) {
            Ok(route) => {
                let _ = route.semantic();
                prop_assert_eq!(route.rename_module("a", "a").len(), text.len());
            }
            Err(problem) => prop_assert!(text.is_char_boundary(problem.position)),
        }
    }

    #[test]
    fn a_printed_condition_is_read_back(expr in expression()) {
        let text = format!("FROM /messages WHERE {expr} INTO $upstream");
        let route = parsed(&text);
        prop_assert_eq!(without_positions(route.condition().expect("there")), expr);
        prop_assert_eq!(route.to_string(), text);
        prop_assert_eq!(route.unread(), None);
    }

    #[test]
    fn printing_is_stable(source in "(/[a-z*]{1,3}q?){1,4}", module in "[A-Za-z][a-z0-9_-]{0,8}z") {
        let text = format!("select  *  from {source} into BrokeredEndpoint('/modules/{module}/inputs/i')");
        if let Ok(route) = Route::parse(&text) {
            let printed = route.to_string();
            prop_assert_eq!(parsed(&printed).to_string(), printed.clone());
            prop_assert_eq!(parsed(&printed).sink(), route.sink());
        }
    }
}

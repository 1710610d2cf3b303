//! Any text as a route: never a panic; what parses prints as a route that says the same; renaming a module to its own
//! name changes nothing.
#![no_main]

use domain::route::{ROUTE_BYTES_MAX, Route, Sink};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let route = match Route::parse(text) {
        Ok(route) => route,
        Err(error) => {
            assert!(error.position <= text.len());
            let _ = error.caret(text);
            return;
        }
    };
    assert_eq!(route.text(), text);
    let _ = route.semantic();
    let printed = route.to_string();
    // Spaces and parentheses of its own may carry what is printed past the limit of what is read.
    if printed.len() > ROUTE_BYTES_MAX {
        return;
    }
    let again = Route::parse(&printed).unwrap_or_else(|error| panic!("{text:?} → {printed:?}: {error}"));
    // Compared as text: the tree also holds positions, which move.
    let condition = |route: &Route| route.condition().map(ToString::to_string);
    assert_eq!(condition(&again), condition(&route), "{text:?} → {printed:?}");
    assert_eq!(again.sink_kind(), route.sink_kind(), "{text:?} → {printed:?}");
    if let Some(module) = route.source_module() {
        let renamed = route.rename_module(&module, &module);
        assert!(Route::parse(&renamed).is_ok(), "{text:?} → {renamed:?}");
    }
    if let Sink::Input { module, .. } = route.sink() {
        let renamed = route.rename_module(&module, "Other");
        let read = Route::parse(&renamed).unwrap_or_else(|error| panic!("{text:?} → {renamed:?}: {error}"));
        assert!(matches!(read.sink(), Sink::Input { module, .. } if module == "Other"), "{text:?} → {renamed:?}");
    }
});

/// What a printed route keeps of its sink: positions move.
trait SinkKind {
    fn sink_kind(&self) -> (u8, String);
}

impl SinkKind for Route {
    fn sink_kind(&self) -> (u8, String) {
        match self.sink() {
            Sink::Input { module, input } => (1, format!("{module}/{input}")),
            Sink::Refused { .. } => (2, String::new()),
            other => (3, format!("{other:?}")),
        }
    }
}

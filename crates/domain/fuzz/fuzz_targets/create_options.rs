//! Any text as createOptions: what is read and printed reads back equal, the pieces for the twin join again, and
//! nothing that looks at ports and privileges panics.
#![no_main]

use domain::create_options::{CreateOptions, chunks, lint};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &str| {
    for piece_bytes in [1, 7, chunks::PIECE_BYTES_MAX] {
        let Ok(pieces) = chunks::split(text, piece_bytes) else {
            continue;
        };
        assert!(pieces.iter().all(|(key, piece)| chunks::is_piece(key) && piece.len() <= piece_bytes.max(4)));
        let settings: Map<String, Value> =
            pieces.into_iter().map(|(key, piece)| (key, Value::String(piece))).collect();
        assert_eq!(chunks::join(&settings), Ok(Some(text.to_owned())));
    }
    let options = match CreateOptions::parse(text) {
        Ok(options) => options,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let printed = options.to_text();
    if printed.len() <= domain::create_options::CREATE_OPTIONS_BYTES_MAX {
        assert_eq!(CreateOptions::parse(&printed).as_ref(), Ok(&options), "{printed}");
    }
    let (ports, problems) = options.host_ports();
    assert!(ports.iter().all(|port| port.collides(port)));
    let _ = (problems, options.privileges(), lint(&options));
});

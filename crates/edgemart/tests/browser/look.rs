//! Looking at a page: what is drawn wrong (`look.js`), what axe-core finds, what the browser's console says.
//! axe-core comes from `scripts/axe.sh`; it runs from the test, so the pages' own policy stays as it is.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::window::{DESK, PHONE, Size, Window};

const SIZES: [(&str, Size); 2] = [("desk", DESK), ("phone", PHONE)];
const THEMES: [(&str, bool); 2] = [("light", false), ("dark", true)];
/// HTML, CSS and script of a page, compressed.
const WEIGHT_BYTES_MAX: u64 = 60_000;
/// How much of a page may move after it was drawn: what the Web Vitals call good (cumulative layout shift).
const SHIFT_MAX: f64 = 0.1;
/// Bounded, so that a page of ten thousand pixels stays a picture.
const SHOT_HEIGHT_MAX: u64 = 6_000;

const LOOK: &str = concat!(
    "return (async function () {",
    include_str!("look.js"),
    "}).apply(null, arguments)"
);

/// Tags of the rules of axe-core that count.
const AXE: &str = "return axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
}).then(found => found.violations.flatMap(rule => rule.nodes.map(node =>
    `axe ${rule.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`)))";

fn axe_source() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/axe/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; scripts/axe.sh fetches it", path.display()))
}

/// Eyes for a set of pages; keeps what is wrong, page by page.
pub struct Eyes {
    axe: String,
    /// Where pictures go, when somebody wants them.
    shots: Option<PathBuf>,
    pub wrong: Vec<String>,
}

impl Eyes {
    /// Pictures go to the folder that `EDGEMART_LOOK` names, if it does.
    pub fn new() -> Self {
        let shots = std::env::var_os("EDGEMART_LOOK").map(PathBuf::from);
        if let Some(folder) = &shots {
            std::fs::create_dir_all(folder).unwrap();
        }
        Self {
            axe: axe_source(),
            shots,
            wrong: Vec::new(),
        }
    }

    /// Looks at the page that a window has open, in both sizes and themes. `expected` stands in a console message that
    /// this page is meant to cause, such as its own status 404.
    pub async fn look(&mut self, window: &Window, name: &str, expected: &str) {
        for entry in window.driver().browser_log().await.unwrap() {
            let meant = !expected.is_empty() && entry.message.contains(expected);
            if !meant {
                self.wrong
                    .push(format!("{name}: console: {}", entry.message));
            }
        }
        window.script(&self.axe, Vec::new()).await;
        for (size_name, size) in SIZES {
            window.size(size).await;
            for (theme_name, dark) in THEMES {
                window.dark(dark).await;
                let place = format!("{name} {size_name} {theme_name}");
                let axe = window.script(AXE, Vec::new()).await;
                self.keep(&place, axe.as_array().unwrap());
                if !dark {
                    let seen = window.script(LOOK, vec![json!(size.0)]).await;
                    self.keep(&place, seen["wrong"].as_array().unwrap());
                    self.weigh(&place, &seen);
                }
                self.shoot(window, &place, size).await;
            }
        }
        window.size(DESK).await;
        window.dark(false).await;
    }

    fn keep(&mut self, place: &str, found: &[Value]) {
        let said = found.iter().map(|one| one.as_str().unwrap_or_default());
        self.wrong.extend(said.map(|one| format!("{place}: {one}")));
    }

    fn weigh(&mut self, place: &str, seen: &Value) {
        let shift = seen["shift"].as_f64().unwrap();
        if shift > SHIFT_MAX {
            let said = format!("{place}: moves by {shift} after it was drawn; at most {SHIFT_MAX}");
            self.wrong.push(said);
        }
        let weight = seen["weight"].as_u64().unwrap();
        if weight > WEIGHT_BYTES_MAX {
            self.wrong.push(format!(
                "{place}: {weight} bytes of HTML, CSS and script; at most {WEIGHT_BYTES_MAX}"
            ));
        }
    }

    async fn shoot(&self, window: &Window, place: &str, (width, _): Size) {
        let Some(folder) = &self.shots else { return };
        let height = window
            .script(
                "scrollTo(0, 0); return document.documentElement.scrollHeight",
                Vec::new(),
            )
            .await
            .as_u64()
            .unwrap()
            .min(SHOT_HEIGHT_MAX);
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let picture = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let told = window.devtools("Page.captureScreenshot", picture).await;
        let bytes = base64::prelude::BASE64_STANDARD
            .decode(told["data"].as_str().unwrap())
            .unwrap();
        let file: String = place
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        std::fs::write(folder.join(format!("{file}.png")), bytes).unwrap();
    }
}

/// The first shown element of a selector is pressed, and the page that follows is waited for.
pub async fn press_through(window: &Window, selector: &str) {
    let unfold = "document.querySelectorAll('details.fold').forEach(fold => { fold.open = true })";
    window.script(unfold, Vec::new()).await;
    let before = window.driver().find(By::Tag("html")).await.unwrap();
    window.press_on(selector).await;
    before.wait_until().stale().await.unwrap();
}

//! A browser window in a person's hands: go, press, fill in, read. Each call waits until the page can do it.

use serde_json::{Value, json};
use testkit::browser::{Browser, Script, open};
use thirtyfour::prelude::*;
use thirtyfour::stringmatch::StringMatch;

use crate::demo::demo;

/// Width and height of a window in CSS pixels.
pub type Size = (u32, u32);
pub const DESK: Size = (1366, 768);
pub const PHONE: Size = (390, 844);

pub struct Window {
    browser: Browser,
    /// The marketplace it looks at.
    url: String,
}

impl Window {
    /// Somebody who has not signed in.
    pub async fn visitor(script: Script) -> Self {
        Self::elsewhere(&demo().url, script).await
    }

    /// The same in another marketplace than the demo.
    pub async fn elsewhere(url: &str, script: Script) -> Self {
        let window = Self {
            browser: open(script).await,
            url: url.to_owned(),
        };
        window.size(DESK).await;
        window.go("/about").await;
        window
    }

    /// A page that is no marketplace.
    pub async fn at_address(address: &str, script: Script) -> Self {
        let window = Self {
            browser: open(script).await,
            url: address.to_owned(),
        };
        window.size(DESK).await;
        window.go("").await;
        window
    }

    /// Somebody who signed in before.
    pub async fn of(email: &str, script: Script) -> Self {
        let window = Self::visitor(script).await;
        let mut cookie = Cookie::new("edgemart", demo().session(email).await);
        cookie.set_path("/");
        window.driver().add_cookie(cookie).await.unwrap();
        window
    }

    pub fn driver(&self) -> &WebDriver {
        &self.browser.driver
    }

    /// Opens an address of the marketplace.
    pub async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.url);
        self.driver()
            .goto(&url)
            .await
            .unwrap_or_else(|e| panic!("{url}: {e}"));
    }

    /// Path and query of the page.
    pub async fn at(&self) -> String {
        let url = self.driver().current_url().await.unwrap();
        url.as_str().replace(&self.url, "")
    }

    pub async fn size(&self, (width, height): Size) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    pub async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// A command of the browser's developer tools.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.driver()
            .cdp()
            .send_raw(command, parameters)
            .await
            .unwrap_or_else(|e| panic!("{command}: {e}"))
    }

    /// What a script of the test finds on the page.
    pub async fn script(&self, source: &str, arguments: Vec<Value>) -> Value {
        let answer = self.driver().execute(source, arguments).await;
        answer
            .unwrap_or_else(|e| panic!("{source}: {e}"))
            .json()
            .clone()
    }

    /// The first shown element of a selector.
    pub async fn find(&self, selector: &str) -> WebElement {
        let query = self
            .driver()
            .query(By::Css(selector))
            .ignore_errors(true)
            .and_displayed();
        self.told(query.first().await, selector).await
    }

    pub async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    /// How many elements a selector has right now.
    pub async fn count(&self, selector: &str) -> usize {
        self.driver()
            .find_all(By::Css(selector))
            .await
            .unwrap()
            .len()
    }

    /// Whether anything of a selector is shown right now.
    pub async fn shown(&self, selector: &str) -> bool {
        for element in self.driver().find_all(By::Css(selector)).await.unwrap() {
            if element.is_displayed().await.unwrap() {
                return true;
            }
        }
        false
    }

    /// Whether the page has something right now.
    pub async fn now(&self, path: &str) -> bool {
        let found = self.driver().find_all(By::XPath(path)).await;
        !found.unwrap().is_empty()
    }

    /// The first shown link, button or opener with these words (or with more behind them, for those who hear the page).
    pub async fn control(&self, words: &str) -> WebElement {
        let kinds = "self::a or self::button or self::summary or self::label";
        let named =
            format!("normalize-space(.)='{words}' or starts-with(normalize-space(.), '{words} ')");
        let path = format!("//*[{kinds}][not(contains(@class, 'sr-only'))][{named}]");
        let query = self
            .driver()
            .query(By::XPath(path))
            .ignore_errors(true)
            .and_displayed();
        self.told(query.first().await, words).await
    }

    /// Presses it.
    pub async fn press(&self, words: &str) {
        let control = self.control(words).await;
        control.scroll_into_view().await.unwrap();
        control.click().await.unwrap();
    }

    /// Presses the first shown element of a selector.
    pub async fn press_on(&self, selector: &str) {
        let element = self.find(selector).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Types into a field of a form, over what was there.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.find(&format!("[name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Waits until the page shows these words.
    pub async fn shows(&self, words: &str) {
        self.shows_in("body", words).await;
    }

    /// Waits until a part of the page shows these words.
    pub async fn shows_in(&self, selector: &str, words: &str) {
        let query = self
            .driver()
            .query(By::Css(selector))
            // A part of the page that is exchanged while it is read is read again.
            .ignore_errors(true)
            .with_text(StringMatch::from(words).partial());
        self.told(query.first().await, words).await;
    }

    pub async fn shows_not(&self, words: &str) {
        let text = self.text("main").await;
        assert!(!text.contains(words), "{words:?} stands in:\n{text}");
    }

    /// What was looked for, or a failure that shows where the browser is.
    async fn told<T>(&self, found: WebDriverResult<T>, what: &str) -> T {
        match found {
            Ok(found) => found,
            Err(error) => {
                let body = self.driver().find(By::Tag("body")).await;
                let text = match body {
                    Ok(body) => body.text().await.unwrap_or_default(),
                    Err(e) => e.to_string(),
                };
                panic!("no {what:?} at {}: {error}\n{text}", self.at().await)
            }
        }
    }
}

//! What every template may call: words, addresses of static files, and ways of writing values.
//!
//! Askama turns a bare call `{{ t("search.placeholder") }}` into a method call on the page struct,
//! so these functions are methods of a trait that every template has. A module that derives
//! `Template` brings it into scope with `use crate::view::View as _;`, nothing else is needed:
//!
//! ```text
//! use askama::Template;
//! use crate::layout::Layout;
//! use crate::view::View as _;
//!
//! #[derive(Template)]
//! #[template(path = "modules/search.html")]
//! struct SearchPage { layout: Layout, … }
//! ```
//!
//! Left out: values that need a clock or a request; handlers put those into the page struct.

use std::borrow::Cow;
use std::fmt::Display;

use crate::{format, messages, static_files};

/// The calls that templates share. Each one is the function of the same name in
/// [`crate::messages`], [`crate::static_files`] or [`crate::format`].
pub trait View: askama::Template {
    /// See [`messages::t`].
    fn t(&self, key: &'static str) -> &'static str {
        messages::t(key)
    }

    /// See [`messages::t1`].
    fn t1(&self, key: &'static str, first: impl Display) -> String {
        messages::t1(key, first)
    }

    /// See [`messages::t2`].
    fn t2(&self, key: &'static str, first: impl Display, second: impl Display) -> String {
        messages::t2(key, first, second)
    }

    /// See [`messages::t3`].
    fn t3(
        &self,
        key: &'static str,
        first: impl Display,
        second: impl Display,
        third: impl Display,
    ) -> String {
        messages::t3(key, first, second, third)
    }

    /// See [`messages::tn`].
    fn tn(&self, key: &'static str, number: impl Display) -> String {
        messages::tn(key, number)
    }

    /// See [`messages::word`].
    fn word<'a>(&self, key: &'static str, value: &'a str) -> Cow<'a, str> {
        messages::word(key, value)
    }

    /// See [`static_files::asset`].
    fn asset(&self, name: &'static str) -> &'static str {
        static_files::asset(name)
    }

    /// See [`format::short_digest`].
    fn short_digest(&self, digest: &str) -> String {
        format::short_digest(digest)
    }

    /// See [`format::marked`].
    fn marked<'a>(&self, text: &'a str) -> Vec<(bool, &'a str)> {
        format::marked(text)
    }

    /// See [`format::bytes`].
    fn bytes(&self, number: &u64) -> String {
        format::bytes(*number)
    }
}

impl<T: askama::Template> View for T {}

//! Columns that hold a typed value as text: reading says exactly which row is wrong, writing says it before the row
//! is made.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// One row that is being read or written, for error messages.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'static str,
    pub(crate) key: &'a str,
}

impl Row<'_> {
    /// A column whose text parses into `T`.
    pub(crate) fn read<T>(self, column: &'static str, text: &str) -> Result<T, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse()
            .map_err(|error: T::Err| self.wrong(column, &error))
    }

    /// A column that holds JSON.
    pub(crate) fn read_json<T: DeserializeOwned>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|error| self.wrong(column, &error))
    }

    /// The JSON text for a column.
    pub(crate) fn json<T: Serialize>(
        self,
        column: &'static str,
        value: &T,
    ) -> Result<String, Error> {
        serde_json::to_string(value).map_err(|error| self.wrong(column, &error))
    }

    /// An optional column.
    pub(crate) fn optional<T>(
        self,
        text: Option<&str>,
        read: impl FnOnce(Self, &str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        text.map(|text| read(self, text)).transpose()
    }

    pub(crate) fn wrong(self, column: &'static str, what: &impl Display) -> Error {
        Error::Inconsistent {
            table: self.table,
            row: self.key.to_owned(),
            column,
            what: what.to_string(),
        }
    }
}

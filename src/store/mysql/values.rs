//! Values: giving them to a statement, and reading them from its rows.

use std::io::Write;

use chrono::NaiveDateTime;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{Arguments, Row};
use uuid::Uuid;

use super::fault::fault;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::columns::{Bind, Cells};

/// The values of a statement's parameters.
#[derive(Default)]
pub struct Values(pub MySqlArguments);

impl Values {
    fn add<'v>(&mut self, value: impl sqlx::Encode<'v, sqlx::MySql> + sqlx::Type<sqlx::MySql>) {
        self.0.add(value).expect("numbers, texts, bytes and dates can always be encoded");
    }

    /// Parts of `length` bytes each, in one value. No text, in which the server would count characters from its beginning
    /// to find a part.
    pub fn parts<T>(&mut self, length: usize, of: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
        let mut value = Vec::with_capacity(length * of.len());
        of.iter().for_each(|part| put(&mut value, part));
        self.add(value);
    }
}

impl Bind for Values {
    fn reserve(&mut self, values: usize) {
        const USUAL_BYTES: usize = 12;
        self.0.reserve(values, values * USUAL_BYTES);
    }
    fn int(&mut self, value: Option<i64>) {
        self.add(value);
    }
    fn text(&mut self, value: Option<&str>) {
        self.add(value);
    }
    fn uuid(&mut self, value: Option<Uuid>) {
        self.add(value.as_ref().map(|id| &id.as_bytes()[..]));
    }
    fn time(&mut self, value: Option<Timestamp>) {
        self.add(value.map(date));
    }
    fn bytes(&mut self, value: &[u8]) {
        self.add(value);
    }
}

/// DATETIME begins with the year 0 and ends with 9999; nothing of ours happens outside of that.
fn date(time: Timestamp) -> NaiveDateTime {
    const FIRST: i64 = -62_135_596_800_000;
    const LAST: i64 = 253_402_300_799_999;
    let millis = time.as_millis().clamp(FIRST, LAST);
    chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default().naive_utc()
}

/// Writes times as SQL has them, to the millisecond. Those that follow each other are mostly of the same second, which
/// is what takes time.
#[derive(Default)]
pub struct TimeText {
    second: Option<i64>,
    text: String,
}

impl TimeText {
    pub const LENGTH: usize = "2027-01-15 08:00:00.000".len();

    pub fn put(&mut self, to: &mut Vec<u8>, time: Timestamp) {
        let date = date(time).and_utc();
        if self.second != Some(date.timestamp()) {
            self.second = Some(date.timestamp());
            self.text = date.format("%Y-%m-%d %H:%M:%S").to_string();
        }
        // Writing to a `Vec` cannot fail.
        let _ = write!(to, "{}.{:03}", self.text, date.timestamp_subsec_millis());
    }
}

impl Cells for MySqlRow {
    fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
    fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let id = self.opt_bytes(column)?.map(Uuid::from_slice).transpose();
        id.map_err(|error| StoreError::Broken(error.into()))
    }
    fn opt_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let date: Option<NaiveDateTime> = self.try_get_unchecked(column).map_err(fault)?;
        Ok(date.map(|date| Timestamp::from_millis(date.and_utc().timestamp_millis())))
    }
    fn opt_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        self.try_get_unchecked(column).map_err(fault)
    }
}

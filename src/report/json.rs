//! Core values ↔ JSON, for recordings. Core types derive no serde; here each is listed once, by its field names, and
//! a field that is added to a stage's type does not compile until it is recorded too.
//!
//! A recording is untrusted: every value is checked as it is read, and a refusal says where it stands. Times are
//! whole nanoseconds, words of any bytes are escaped as `escape.rs` says.

use super::escape::{unword, word};
use crate::observe::histogram::Histogram;
use crate::observe::kind::{BlockedKind, ByKind};
use crate::observe::{Counter, Output};
use crate::units::Bytes;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest time in a recording: ten years. Sums of as many as a recording can hold stay far from overflowing.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Largest count in a recording; sums of as many as a recording can hold stay below 2⁶⁴.
const MOST: u64 = 1 << 50;
/// Longest text that becomes a name known at compile time otherwise.
const LONGEST_NAME: usize = 256;

/// A value that a recording can hold.
pub trait Json: Sized {
    /// As JSON.
    fn to_json(&self) -> Value;

    /// From JSON.
    ///
    /// # Errors
    /// `PATH: why`, where PATH leads from this value to what is wrong with it.
    fn from_json(value: &Value) -> Result<Self, String>;
}

/// Lists a struct's fields.
macro_rules! fields {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl Json for $type {
            fn to_json(&self) -> Value {
                let Self { $($field),* } = self;
                Value::Object([$((stringify!($field).to_owned(), $field.to_json())),*].into_iter().collect())
            }
            fn from_json(value: &Value) -> Result<Self, String> {
                Ok(Self { $($field: $crate::report::json::field(value, stringify!($field))?),* })
            }
        }
    };
}

/// Lists an enum's variants: `Name`, `Name(inner)` or `Name { field, … }`, each written as `{"Name": {…}}`.
macro_rules! variants {
    ($type:ty { $($name:ident $(($inner:ident))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl Json for $type {
            fn to_json(&self) -> Value {
                let (name, fields): (&str, Vec<(String, Value)>) = match self {
                    $(Self::$name $(($inner))? $({ $($field),* })? => (stringify!($name), vec![
                        $((stringify!($inner).to_owned(), $inner.to_json()))?
                        $($((stringify!($field).to_owned(), $field.to_json())),*)?
                    ]),)*
                };
                Value::Object([(name.to_owned(), Value::Object(fields.into_iter().collect()))].into_iter().collect())
            }
            fn from_json(value: &Value) -> Result<Self, String> {
                let (name, fields) = $crate::report::json::only_field(value)?;
                let _ = fields; // Where no variant has any.
                let read = || match name {
                    $(stringify!($name) => Ok(Self::$name
                        $(($crate::report::json::field(fields, stringify!($inner))?))?
                        $({ $($field: $crate::report::json::field(fields, stringify!($field))?),* })?
                    ),)*
                    _ => Err(": is not a name that is known here".to_owned()),
                };
                read().map_err(|why: String| format!(".{name}{why}"))
            }
        }
    };
}

pub(super) use {fields, variants};

/// The field `name` of an object.
pub(super) fn field<T: Json>(value: &Value, name: &str) -> Result<T, String> {
    let Value::Object(fields) = value else { return Err(must_be("an object", value)) };
    let Some(value) = fields.get(name) else { return Err(format!(".{name}: is missing")) };
    T::from_json(value).map_err(|why| format!(".{name}{why}"))
}

/// The one field of an object that has only one.
pub(super) fn only_field(value: &Value) -> Result<(&str, &Value), String> {
    match value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next()) {
        Some((name, value)) => Ok((name, value)),
        None => Err(must_be("an object with one field", value)),
    }
}

fn must_be(what: &str, value: &Value) -> String {
    let mut shown = value.to_string();
    if let Some((cut, _)) = shown.char_indices().nth(40) {
        shown.truncate(cut);
        shown.push('…');
    }
    format!(": must be {what}, not {shown}")
}

macro_rules! whole_numbers {
    ($($type:ty: $lowest:expr, $highest:expr;)*) => {$(
        impl Json for $type {
            fn to_json(&self) -> Value {
                json!(self)
            }
            fn from_json(value: &Value) -> Result<Self, String> {
                let number = value.as_i64().and_then(|number| Self::try_from(number).ok());
                number
                    .filter(|number| ($lowest..=$highest).contains(number))
                    .ok_or_else(|| must_be(&format!("a whole number from {} to {}", $lowest, $highest), value))
            }
        }
    )*};
}

whole_numbers! {
    u8: 0, u8::MAX;
    i32: i32::MIN, i32::MAX;
    u32: 0, u32::MAX;
    u64: 0, MOST;
    usize: 0, u32::MAX as usize;
}

impl Json for bool {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| must_be("true or false", value))
    }
}

impl Json for f64 {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let number = value.as_f64().filter(|number| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| must_be("a number that is not negative", value))
    }
}

impl Json for Duration {
    fn to_json(&self) -> Value {
        json!(u64::try_from(self.as_nanos()).unwrap_or(u64::MAX))
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let time = value.as_u64().map(Self::from_nanos).filter(|time| *time <= LONGEST);
        time.ok_or_else(|| must_be("a time in whole nanoseconds, of at most ten years", value))
    }
}

impl Json for Bytes {
    fn to_json(&self) -> Value {
        json!(self.0)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_u64().map(Self).ok_or_else(|| must_be("a whole number of bytes", value))
    }
}

impl Json for String {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| must_be("a text", value))
    }
}

/// Names that the live path knows at compile time. Read from a file they are leaked, each different one once and at
/// most `LONGEST_NAME` long: the process lives for one report.
impl Json for &'static str {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let name = value.as_str().filter(|name| name.len() <= LONGEST_NAME);
        let name = name.ok_or_else(|| must_be(&format!("a text of at most {LONGEST_NAME} bytes"), value))?;
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.get(name).copied().unwrap_or_else(|| {
            let name: &'static str = Box::leak(name.into());
            names.insert(name);
            name
        }))
    }
}

impl Json for OsString {
    fn to_json(&self) -> Value {
        json!(word(self))
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        value.as_str().map(unword).ok_or_else(|| must_be("a text", value))
    }
}

impl Json for PathBuf {
    fn to_json(&self) -> Value {
        json!(word(self.as_os_str()))
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        OsString::from_json(value).map(Self::from)
    }
}

impl<T: Json> Json for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Json::to_json)
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_json(value).map(Some) }
    }
}

impl<T: Json> Json for Vec<T> {
    fn to_json(&self) -> Value {
        self.iter().map(Json::to_json).collect()
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let values = value.as_array().ok_or_else(|| must_be("a list", value))?;
        let read = |(at, value)| T::from_json(value).map_err(|why| format!("[{at}]{why}"));
        values.iter().enumerate().map(read).collect()
    }
}

impl<A: Json, B: Json> Json for (A, B) {
    fn to_json(&self) -> Value {
        json!([self.0.to_json(), self.1.to_json()])
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let Some([a, b]) = value.as_array().map(Vec::as_slice) else { return Err(must_be("a list of two", value)) };
        Ok((A::from_json(a)?, B::from_json(b)?))
    }
}

impl<A: Json, B: Json, C: Json> Json for (A, B, C) {
    fn to_json(&self) -> Value {
        json!([self.0.to_json(), self.1.to_json(), self.2.to_json()])
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let Some([a, b, c]) = value.as_array().map(Vec::as_slice) else {
            return Err(must_be("a list of three", value));
        };
        Ok((A::from_json(a)?, B::from_json(b)?, C::from_json(c)?))
    }
}

impl<T: Json + Default> Json for ByKind<T> {
    fn to_json(&self) -> Value {
        Value::Object(self.iter().map(|(kind, value)| (kind.name().to_owned(), value.to_json())).collect::<Map<_, _>>())
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let mut by_kind = Self::default();
        for kind in BlockedKind::ALL {
            by_kind[kind] = field(value, kind.name())?;
        }
        Ok(by_kind)
    }
}

impl Json for Histogram {
    fn to_json(&self) -> Value {
        let (parts, sum) = self.parts();
        json!({ "parts": parts.to_json(), "sum": sum.to_json() })
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let parts: Vec<(usize, u64)> = field(value, "parts")?;
        // Buckets are listed once each, so a longer list is not one of ours, and could overflow the total.
        if parts.len() > 1024 {
            return Err(".parts: has more buckets than a histogram".to_owned());
        }
        Ok(Self::from_parts(&parts, field(value, "sum")?))
    }
}

/// By hand, because the value of a clock is larger than any count.
impl Json for Counter {
    fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value })
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        Ok(Self { name: field(value, "name")?, value: field::<Bytes>(value, "value")?.0 })
    }
}

impl Json for Output {
    fn to_json(&self) -> Value {
        let Self { stdout, stderr } = self;
        let text = |bytes: &[u8]| word(std::ffi::OsStr::from_bytes(bytes));
        json!({ "stdout": text(stdout), "stderr": text(stderr) })
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let bytes = |name| field::<OsString>(value, name).map(OsStringExt::into_vec);
        Ok(Self { stdout: bytes("stdout")?, stderr: bytes("stderr")? })
    }
}

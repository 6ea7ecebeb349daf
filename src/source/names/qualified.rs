//! A dotted name as imports say it: `concurrent.futures.ThreadPoolExecutor`.

use std::fmt;
use std::ops::Deref;

/// A dotted name that begins with a module.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QualifiedName(Box<str>);

impl QualifiedName {
    /// From its text.
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name's attribute.
    pub fn join(&self, attribute: &str) -> Self {
        Self(format!("{}.{attribute}", self.0).into())
    }

    /// Its last part.
    pub fn last(&self) -> &str {
        self.0.rsplit_once('.').map_or(&self.0, |(_, last)| last)
    }

    /// All but its last part; empty when it has one part only.
    pub fn owner(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(owner, _)| owner)
    }
}

impl Deref for QualifiedName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for QualifiedName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for QualifiedName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Reading a TOML text field by field: each refusal names the file, the line, the field, and the nearest valid name.

use crate::reading::line_of;
use crate::rules::error::quoted;
use crate::rules::nearest::hint;
use std::ops::Range;
use toml_edit::{Array, Document, Item, TableLike, Value};

/// Where something stands in the text, in bytes.
pub(super) type Span = Option<Range<usize>>;

/// A text with its name, for sentences.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// The file's name, escaped.
    pub path: &'a str,
    pub text: &'a str,
}

impl<'a> Text<'a> {
    /// The whole text as TOML. `remedy` is what to do about one that is broken.
    pub fn parse(self, remedy: &str) -> Result<Document<&'a str>, String> {
        if let Some(line) = crate::reading::conflict(self.text) {
            return Err(format!("{}:{line}: a merge left its conflict marks here; {remedy}", self.path));
        }
        Document::parse(self.text).map_err(|why| {
            let what = why.message().lines().collect::<Vec<_>>().join(", ");
            self.refuse(&why.span(), format!("this is not TOML: {what}; {remedy}"))
        })
    }

    pub fn refuse(self, span: &Span, problem: impl std::fmt::Display) -> String {
        let line = line_of(self.text.as_bytes(), span.as_ref().map_or(0, |span| span.start));
        format!("{}:{line}: {problem}", self.path)
    }

    /// Refuses any field that is not one of `fields`.
    pub fn known(self, table: &dyn TableLike, fields: &[&str], of: &str) -> Result<(), String> {
        match table.iter().find(|(name, _)| !fields.contains(name)) {
            None => Ok(()),
            Some((name, item)) => {
                let span = table.key(name).and_then(toml_edit::Key::span).or(item.span());
                Err(self.refuse(&span, format!("{of} has no field {}{}", quoted(name), hint(name, fields))))
            }
        }
    }

    pub fn missing(self, field: &str, of: &str, at: &Span) -> String {
        self.refuse(at, format!("{of} has no `{field}`, which it must have"))
    }

    fn wrong(self, item: &Item, field: &str, wanted: &str) -> String {
        self.refuse(&item.span(), format!("`{field}` must be {wanted}"))
    }

    /// A text; `None` when there is none.
    pub fn word<'t>(self, table: &'t dyn TableLike, field: &str) -> Result<Option<&'t str>, String> {
        let Some(item) = table.get(field) else { return Ok(None) };
        item.as_str().map(Some).ok_or_else(|| self.wrong(item, field, "a text in quotes"))
    }

    /// Whether it is so.
    pub fn flag(self, table: &dyn TableLike, field: &str) -> Result<Option<bool>, String> {
        let Some(item) = table.get(field) else { return Ok(None) };
        item.as_bool().map(Some).ok_or_else(|| self.wrong(item, field, "true or false"))
    }

    /// A whole number of at least `least`.
    pub fn count(self, table: &dyn TableLike, field: &str, least: u64) -> Result<Option<u64>, String> {
        let Some(item) = table.get(field) else { return Ok(None) };
        let count = item.as_integer().and_then(|number| u64::try_from(number).ok()).filter(|count| *count >= least);
        count.map(Some).ok_or_else(|| self.wrong(item, field, &format!("a whole number of at least {least}")))
    }

    /// A finite number of at least 0.
    pub fn number(self, table: &dyn TableLike, field: &str) -> Result<Option<f64>, String> {
        let Some(item) = table.get(field) else { return Ok(None) };
        let number = item.as_float().or(item.as_integer().map(|number| number as f64));
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number.map(Some).ok_or_else(|| self.wrong(item, field, "a number that is finite and not negative"))
    }

    /// A table that must be there.
    pub fn table<'t>(
        self,
        table: &'t dyn TableLike,
        field: &str,
        of: &str,
        at: &Span,
    ) -> Result<&'t dyn TableLike, String> {
        let item = table.get(field).ok_or_else(|| self.missing(field, of, at))?;
        item.as_table_like().ok_or_else(|| self.wrong(item, field, "a table"))
    }

    fn array<'t>(self, table: &'t dyn TableLike, field: &str) -> Result<Option<&'t Array>, String> {
        let Some(item) = table.get(field) else { return Ok(None) };
        item.as_array().map(Some).ok_or_else(|| self.wrong(item, field, "an array"))
    }

    /// Texts, each with its place; none when there is no such field.
    pub fn words<'t>(self, table: &'t dyn TableLike, field: &str) -> Result<Vec<(&'t str, Span)>, String> {
        let text = |value: &'t Value| match value.as_str() {
            Some(text) => Ok((text, value.span())),
            None => Err(self.refuse(&value.span(), format!("`{field}` must hold texts in quotes"))),
        };
        self.array(table, field)?.into_iter().flatten().map(text).collect()
    }

    /// Tables in an array, written as `{…}` or as `[[…]]`, each with its place; none when there is no such field.
    pub fn rows<'t>(self, table: &'t dyn TableLike, field: &str) -> Result<Vec<(&'t dyn TableLike, Span)>, String> {
        let Some(item) = table.get(field) else { return Ok(Vec::new()) };
        if let Some(tables) = item.as_array_of_tables() {
            return Ok(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect());
        }
        let row = |value: &'t Value| match value.as_inline_table() {
            Some(table) => Ok((table as &dyn TableLike, value.span())),
            None => {
                Err(self.refuse(&value.span(), format!("`{field}` must hold tables such as {{ key = \"value\" }}")))
            }
        };
        self.array(table, field)?.into_iter().flatten().map(row).collect()
    }

    /// One of `names`, by its name.
    pub fn one_of<T>(
        self,
        word: &str,
        span: &Span,
        field: &str,
        names: &[&str],
        from: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        from(word)
            .ok_or_else(|| self.refuse(span, format!("`{field}` cannot be {}{}", quoted(word), hint(word, names))))
    }
}

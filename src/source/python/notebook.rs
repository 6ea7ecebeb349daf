//! A Jupyter notebook's code cells as one text, with the way back from a place in it to the cell.
//!
//! Cells keep their own lines: a place is the cell's number, counted over all cells from 1, and the line in it. Cells
//! in another language (`%%bash`) are left out.

use serde_json::Value;

/// The joined text, and where each cell is in it.
pub struct Notebook {
    /// Text of the code cells, each ended by a line end.
    pub text: String,
    /// In order.
    pub cells: Vec<Cell>,
}

/// One code cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Its place among all cells, from 1.
    pub number: usize,
    /// Offset of its first byte in the joined text.
    pub start: usize,
    /// Offset past its last byte, before the line end that separates it from the next.
    pub end: usize,
    /// Lines of the joined text before it.
    pub lines_before: usize,
}

/// Magics at the head of a cell whose body is Python still.
const PYTHON_MAGICS: [&str; 6] = ["%%time", "%%timeit", "%%capture", "%%prun", "%%python", "%%python3"];

/// Reads a notebook.
///
/// # Errors
/// A clause that says why it is none, or none in Python.
pub fn read(text: &str) -> Result<Notebook, String> {
    let book: Value = serde_json::from_str(text).map_err(|why| format!("it is no notebook: {why}"))?;
    let language = ["/metadata/language_info/name", "/metadata/kernelspec/language"];
    if let Some(name) = language.iter().find_map(|key| book.pointer(key)).and_then(Value::as_str)
        && !name.to_ascii_lowercase().contains("python")
    {
        return Err(format!("it is a notebook in {name}"));
    }
    // Version 3 of the format keeps its cells in a worksheet.
    let cells = book.get("cells").or_else(|| book.pointer("/worksheets/0/cells")).and_then(Value::as_array);
    let cells = cells.ok_or("it is no notebook: it has no cells")?;
    let mut joined = Notebook { text: String::new(), cells: Vec::new() };
    let mut lines_before = 0;
    for (index, cell) in cells.iter().enumerate() {
        if cell.get("cell_type").and_then(Value::as_str) != Some("code") {
            continue;
        }
        let Some(source) = cell.get("source").or_else(|| cell.get("input")).and_then(lines) else { continue };
        let Some(source) = python(source) else { continue };
        let start = joined.text.len();
        joined.text.push_str(source.strip_suffix('\n').unwrap_or(&source));
        let end = joined.text.len();
        joined.text.push('\n');
        joined.cells.push(Cell { number: index + 1, start, end, lines_before });
        lines_before += joined.text[start..].matches('\n').count();
    }
    Ok(joined)
}

/// A string, or the strings of a list one after another.
fn lines(source: &Value) -> Option<String> {
    match source {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// The cell's text with a magic at its head made blank; `None` when the magic says that the rest is no Python.
fn python(source: String) -> Option<String> {
    let head = source.trim_start();
    if !head.starts_with("%%") {
        return Some(source);
    }
    let magic = head.split_whitespace().next()?;
    let at = source.len() - head.len();
    let rest = head.find('\n').map_or("", |end| &head[end..]);
    PYTHON_MAGICS.contains(&magic).then(|| source[..at].to_owned() + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cells_are_joined_and_other_languages_left_out() -> Result<(), String> {
        let book = read(
            r##"{"cells": [
                {"cell_type": "markdown", "source": ["# Title"]},
                {"cell_type": "code", "source": ["import time\n", "x = 1"]},
                {"cell_type": "code", "source": "%%bash\necho 1\n"},
                {"cell_type": "code", "source": "%%time\ny = 2\n"}
            ], "metadata": {"language_info": {"name": "python"}}}"##,
        )?;
        assert_eq!(book.text, "import time\nx = 1\n\ny = 2\n");
        let places: Vec<_> = book.cells.iter().map(|cell| (cell.number, cell.lines_before)).collect();
        assert_eq!(places, [(2, 0), (4, 2)]);
        Ok(())
    }

    #[test]
    fn what_is_no_notebook_in_python_is_refused() {
        for (text, clause) in [
            ("x = 1", "no notebook"),
            ("{}", "no cells"),
            (r#"{"cells": [], "metadata": {"language_info": {"name": "julia"}}}"#, "in julia"),
        ] {
            assert!(read(text).is_err_and(|why| why.contains(clause)), "{text}");
        }
    }
}

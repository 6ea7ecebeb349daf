//! From the bytes of a source file to its text, as CPython's tokenizer would decode them: a byte order mark, else the
//! encoding that one of the first two lines declares (PEP 263), else UTF-8. What is no Python text is refused with a
//! clause that says what it is.

use encoding_rs::{Encoding, UTF_8};
use std::borrow::Cow;

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of `bytes`.
///
/// # Errors
/// A clause that says why they are no Python text.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    if let Some(what) = foreign(bytes) {
        return Err(format!("it is {what}, not Python text"));
    }
    if bytes.contains(&0) {
        return Err("it holds null bytes, which no Python text may".to_owned());
    }
    let marked = bytes.strip_prefix(MARK);
    let bytes = marked.unwrap_or(bytes);
    let declared = if marked.is_some() { None } else { declared(bytes) };
    let Some(name) = declared.filter(|name| encoding(name) != Some(UTF_8)) else {
        return match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(why) => Err(format!("it is not UTF-8 and declares no other encoding: {why}")),
        };
    };
    if let (true, Ok(text)) = (bytes.is_ascii(), std::str::from_utf8(bytes)) {
        return Ok(Cow::Borrowed(text));
    }
    let encoding = encoding(name).ok_or_else(|| format!("it declares the encoding {name}, which is not known here"))?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| format!("it declares the encoding {name} and is not in it"))
}

/// The bytes of `text` in the encoding of `like`, with its byte order mark where it has one.
///
/// # Errors
/// A clause, when the encoding has no way to write a character of it, or cannot be written at all.
pub fn encode(text: &str, like: &[u8]) -> Result<Vec<u8>, String> {
    if like.starts_with(MARK) {
        return Ok([MARK, text.as_bytes()].concat());
    }
    let Some(name) = declared(like).filter(|name| !text.is_ascii() && encoding(name) != Some(UTF_8)) else {
        return Ok(text.as_bytes().to_vec());
    };
    let encoding = encoding(name).ok_or_else(|| format!("it declares the encoding {name}, which is not known here"))?;
    // Of UTF-16, the encoder is UTF-8's.
    if encoding.output_encoding() != encoding {
        return Err(format!("it declares the encoding {name}, which cannot be written here"));
    }
    match encoding.encode(text) {
        (bytes, _, false) => Ok(bytes.into_owned()),
        _ => Err(format!("it declares the encoding {name}, which lacks a character of the new text")),
    }
}

/// What a file is that only bears the name of a Python file.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 7] = [
        (b"\x7FELF", "an ELF binary"),
        (b"MZ\x90\0", "a Windows binary"),
        (b"\xCF\xFA\xED\xFE", "a macOS binary"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"\xFF\xFE", "UTF-16"),
        (b"\xFE\xFF", "UTF-16"),
    ];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, what)| *what)
}

/// The encoding that a comment in line 1, or in line 2 below a comment or blank line, declares (PEP 263).
fn declared(bytes: &[u8]) -> Option<&str> {
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let comment = line.strip_prefix(b"#")?;
        let at = comment.windows(7).position(|seven| matches!(seven, b"coding:" | b"coding="));
        if let Some(at) = at {
            let name = comment[at + 7..].trim_ascii_start();
            let end = name.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_.".contains(b));
            return std::str::from_utf8(&name[..end.unwrap_or(name.len())]).ok().filter(|name| !name.is_empty());
        }
    }
    None
}

/// The encoding that Python knows by this name. Python's names are those of the WHATWG's registry but for hyphens,
/// underlines and a few of its own.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let name = match name.as_str() {
        "utf-8-sig" | "u8" => "utf-8",
        "latin" | "latin-1" | "iso-latin-1" | "l1" => "latin1",
        "latin-2" => "latin2",
        "latin-9" => "iso-8859-15",
        "euc-jis-2004" | "eucjp" | "ujis" => "euc-jp",
        "cp932" | "mskanji" => "shift_jis",
        "cp936" => "gbk",
        "cp949" => "euc-kr",
        "cp950" | "big5hkscs" => "big5",
        _ => &name,
    };
    Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(name.replace('-', "").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_encoding_is_decoded() {
        for (bytes, text) in [
            (&b"# -*- coding: latin-1 -*-\nx = '\xE9'\n"[..], "x = 'é'"),
            (b"#!/usr/bin/python\n# vim: set fileencoding=iso_8859_15 :\nx = '\xA4'\n", "x = '€'"),
            (b"\n# coding: cp1251\nx = '\xC6'\n", "x = 'Ж'"),
            (b"# coding: euc_jp\nx = '\xA4\xA2'\n", "x = 'あ'"),
            (b"# coding: UTF8\nx = '\xC3\xA9'\n", "x = 'é'"),
            (b"\xEF\xBB\xBF# coding: latin-1\nx = '\xC3\xA9'\n", "x = 'é'"),
            (b"x = 1\n# coding: latin-1\ny = '\xC3\xA9'\n", "y = 'é'"),
            (b"# coding: rot13\nk = 1\n", "k = 1"),
        ] {
            let decoded = decode(bytes).expect(text);
            assert!(decoded.contains(text), "{decoded}");
            assert!(!decoded.starts_with('\u{feff}'));
        }
    }

    #[test]
    fn what_is_no_python_text_is_refused_with_what_it_is() {
        for (bytes, clause) in [
            (&b"\x7FELF\x02\x01"[..], "an ELF binary"),
            (b"x = 1\0\n", "null bytes"),
            (b"\xFF\xFEx\0", "UTF-16"),
            (b"x = '\xFF'", "not UTF-8"),
            (b"# coding: latin-1\n\0", "null bytes"),
            (b"# coding: klingon\nx = '\xFF'", "klingon"),
            (b"# coding: shift_jis\nx = '\x81'", "is not in it"),
        ] {
            let refusal = decode(bytes).expect_err(clause);
            assert!(refusal.contains(clause), "{refusal}");
        }
    }
}

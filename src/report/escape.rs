//! Untrusted strings made fit to print and to store: argv, worker names, paths, reasons that quote them.
//!
//! One notation for all of them: `\xNN` is a byte, `\u{N}` a character. [`word`] is lossless and meant for words of a
//! command line, which may hold any bytes; [`unword`] reverses it. [`text`] is for sentences about to be shown and
//! leaves what is already escaped alone. Quoting for a wire format is left to that format's library; for the two that
//! have none here, [`workflow_data`], [`workflow_property`] and [`xml`] do it, and nobody else.
//!
//! What is printed may also be read by GitHub's runner, which obeys a line of a job's log that begins with `::` after
//! any white space, and one with `##[` anywhere in it (`ActionCommand` of actions/runner). Neither leaves here.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Whether a character acts on a terminal, or on the order or visibility of the text around it, instead of standing
/// for itself: control codes, line separators, bidirectional overrides and isolates, zero-width and tag characters.
/// The bidirectional ones are those of Unicode Standard Annex 9, the trick is CVE-2021-42574.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// What makes a line of a log a command, wherever in the line it is.
const COMMAND: &str = "##[";

/// What makes it one at the line's beginning.
const LEADING: &str = "::";

/// Where the text begins with a command but for white space; what is put together may put that first in a line.
fn leading_command(text: &str) -> Option<usize> {
    let rest = text.trim_start();
    rest.starts_with(LEADING).then_some(text.len() - rest.len())
}

/// A sentence with nothing in it that acts on a terminal or on who reads a log. Applying it twice changes nothing more.
pub fn text(text: &str) -> Cow<'_, str> {
    let leading = leading_command(text);
    if leading.is_none() && !text.contains(acts) && !text.contains(COMMAND) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    text.char_indices().for_each(|(at, c)| push_from(&mut out, &text[at..], c, leading == Some(at)));
    Cow::Owned(out)
}

/// Several lines, each as [`text`]: for code to paste, whose line ends are its own.
pub fn block(lines: &str) -> String {
    lines.lines().map(text).collect::<Vec<_>>().join("\n")
}

/// One word of a command line, or a path, without loss: valid UTF-8 stays as it is, bytes that are not become `\xNN`,
/// and a backslash that would read as an escape becomes `\x5c`.
pub fn word(word: &OsStr) -> String {
    let mut out = String::with_capacity(word.len());
    for chunk in word.as_bytes().utf8_chunks() {
        let valid = chunk.valid();
        let leading = leading_command(valid).filter(|_| out.is_empty());
        for (at, c) in valid.char_indices() {
            if c == '\\' && escape_at(&valid[at..]).is_some() {
                push_byte(&mut out, b'\\');
            } else {
                push_from(&mut out, &valid[at..], c, leading == Some(at));
            }
        }
        chunk.invalid().iter().for_each(|byte| push_byte(&mut out, *byte));
    }
    out
}

/// The reverse of [`word`]. Total: what is no escape stands for itself.
pub fn unword(escaped: &str) -> OsString {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(c) = rest.chars().next() {
        match escape_at(rest) {
            Some((Escape::Byte(byte), length)) => {
                bytes.push(byte);
                rest = &rest[length..];
            }
            Some((Escape::Char(c), length)) => {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[length..];
            }
            None => {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    OsString::from_vec(bytes)
}

/// A command line as a person would type it: words quoted where a shell would need it, each escaped.
pub fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%^".contains(c);
    let quoted = words.into_iter().map(|word| {
        let word = text(word);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''")).into()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// What follows the second `::` of a workflow command of GitHub's runner: one line, and no escape of the runner's that
/// the text did not mean. (`@actions/core` encodes line ends too; [`text`] has left none.)
pub fn workflow_data(sentence: &str) -> String {
    text(sentence).replace('%', "%25")
}

/// What follows a `=` of a workflow command, up to the next comma or the second `::`.
pub fn workflow_property(value: &str) -> String {
    workflow_data(value).replace(':', "%3A").replace(',', "%2C")
}

/// A JSON document over several lines, the last one ended. No line begins with `::`, since none ends within a string.
pub fn json(document: &serde_json::Value) -> String {
    // Only a string can hold it, and there any character may be told by its number.
    format!("{document:#}\n").replace(COMMAND, "#\\u0023[")
}

/// Text between tags, or an attribute in either quotes, of an XML 1.0 document. [`text`] has left nothing that such a
/// document may not hold but two characters, which are shown as it shows the others.
pub fn xml(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + 8);
    for c in text(sentence).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => push_point(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

enum Escape {
    Byte(u8),
    Char(char),
}

/// The escape that `text` begins with, and its length.
fn escape_at(text: &str) -> Option<(Escape, usize)> {
    if let Some(hex) = text.strip_prefix(r"\x").and_then(|rest| rest.get(..2)) {
        let digits = hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        return digits.then(|| u8::from_str_radix(hex, 16).ok().map(|byte| (Escape::Byte(byte), 4))).flatten();
    }
    let (hex, _) = text.strip_prefix(r"\u{")?.split_once('}')?;
    if !(1..=6).contains(&hex.len()) || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
    Some((Escape::Char(c), hex.len() + 4))
}

/// Pushes `c`, which `rest` begins with; spelled out where a command begins with it.
fn push_from(out: &mut String, rest: &str, c: char, leads: bool) {
    if leads || rest.starts_with(COMMAND) {
        push_byte(out, c as u8);
    } else if !acts(c) {
        out.push(c);
    } else if c.is_ascii() {
        push_byte(out, c as u8);
    } else {
        push_point(out, c);
    }
}

fn push_point(out: &mut String, c: char) {
    let _ = write!(out, "\\u{{{:x}}}", c as u32);
}

fn push_byte(out: &mut String, byte: u8) {
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terminal_codes_and_reordering_are_shown_and_never_sent() {
        for (hostile, shown) in [
            ("plain – naïve 漢字 🙂", "plain – naïve 漢字 🙂"),
            ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
            ("one\r\ntwo\tthree", r"one\x0d\x0atwo\x09three"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("access \u{202e}resu\u{2066}", r"access \u{202e}resu\u{2066}"),
            ("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}"),
            ("::set-env name=x::y", r"\x3a:set-env name=x::y"),
            (" \u{3000}::error::", " \u{3000}\\x3a:error::"),
            ("a::b ###[stop-commands]x", r"a::b #\x23#[stop-commands]x"),
        ] {
            assert_eq!(text(hostile), shown);
            assert_eq!(text(&text(hostile)), shown, "escaping twice must change nothing more");
        }
    }

    #[test]
    fn a_block_keeps_its_line_ends_only() {
        assert_eq!(block("a\n\tb\x1b\n"), "a\n\\x09b\\x1b");
    }

    #[test]
    fn words_of_any_bytes_survive_the_round_trip() {
        for (bytes, shown) in [
            (&b"plain"[..], "plain"),
            (b"\xff\xfe", r"\xff\xfe"),
            (b"caf\xc3\xa9\xc3", r"café\xc3"),
            (br"C:\new", r"C:\new"),
            (br"\xff is text here", r"\x5cxff is text here"),
            (br"\u{41}", r"\x5cu{41}"),
            (b"two\nlines", r"two\x0alines"),
            (b"::error::x", r"\x3a:error::x"),
            (b"\xff::##[debug]", r"\xff::\x23#[debug]"),
        ] {
            let original = OsString::from_vec(bytes.to_vec());
            assert_eq!(word(&original), shown);
            assert_eq!(unword(shown), original);
        }
    }

    #[test]
    fn a_command_is_quoted_where_a_shell_would_need_it() {
        assert_eq!(command(["sh", "-c", "sleep 2; echo 'x'", ""]), r"sh -c 'sleep 2; echo '\''x'\''' ''");
    }

    /// Each with what it becomes behind `::`, behind `=`, and in XML.
    const HOSTILE: [(&str, &str, &str, &str); 10] = [
        ("plain – 漢字", "plain – 漢字", "plain – 漢字", "plain – 漢字"),
        ("a\n::error::b", r"a\x0a::error::b", r"a\x0a%3A%3Aerror%3A%3Ab", r"a\x0a::error::b"),
        (
            "\r::stop-commands::x",
            r"\x0d\x3a:stop-commands::x",
            r"\x0d\x3a%3Astop-commands%3A%3Ax",
            r"\x0d\x3a:stop-commands::x",
        ),
        ("100%, %0A%25", "100%25, %250A%2525", "100%25%2C %250A%2525", "100%, %0A%25"),
        ("a,file=b:c", "a,file=b:c", "a%2Cfile=b%3Ac", "a,file=b:c"),
        ("\x1b[31m\0\u{85}", r"\x1b[31m\x00\u{85}", r"\x1b[31m\x00\u{85}", r"\x1b[31m\x00\u{85}"),
        ("]]></failure><!--", "]]></failure><!--", "]]></failure><!--", "]]&gt;&lt;/failure&gt;&lt;!--"),
        ("\u{202e}\u{2028}", r"\u{202e}\u{2028}", r"\u{202e}\u{2028}", r"\u{202e}\u{2028}"),
        ("'\" &amp;", "'\" &amp;", "'\" &amp;", "&apos;&quot; &amp;amp;"),
        (
            "\u{fffe}\u{ffff}\u{fffd}",
            "\u{fffe}\u{ffff}\u{fffd}",
            "\u{fffe}\u{ffff}\u{fffd}",
            "\\u{fffe}\\u{ffff}\u{fffd}",
        ),
    ];

    #[test]
    fn a_workflow_command_and_an_xml_document_end_where_they_should() {
        for (hostile, data, property, document) in HOSTILE {
            assert_eq!(workflow_data(hostile), data);
            assert_eq!(workflow_property(hostile), property);
            assert_eq!(xml(hostile), document);
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_a_workflow_command_or_an_attribute(text: String) {
            prop_assert!(!workflow_data(&text).contains(['\r', '\n']));
            prop_assert!(!workflow_property(&text).contains(['\r', '\n', ':', ',']));
            prop_assert!(leading_command(&super::text(&text)).is_none());
            let ends = |c: char| matches!(c, '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}') || acts(c);
            prop_assert!(!xml(&text).contains(ends));
        }

        #[test]
        fn any_bytes_survive_and_nothing_acts(bytes: Vec<u8>) {
            let original = OsString::from_vec(bytes);
            let escaped = word(&original);
            prop_assert!(!escaped.contains(acts));
            prop_assert_eq!(unword(&escaped), original);
        }

        #[test]
        fn nothing_is_a_command_of_a_log(text in r"[ #:\[\]a\\]{0,12}") {
            for shown in [super::text(&text).into_owned(), word(&OsString::from(&text))] {
                prop_assert!(leading_command(&shown).is_none() && !shown.contains(COMMAND), "{shown}");
            }
            let once = super::text(&text).into_owned();
            let twice = super::text(&once).into_owned();
            prop_assert_eq!(twice, once);
            let document = serde_json::Value::from(text);
            prop_assert!(!json(&document).contains(COMMAND));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&document)).ok(), Some(document));
        }

        #[test]
        fn text_that_looks_escaped_survives_too(escaped in r"(\\|x|u|\{|\}|4|1|f){0,12}") {
            let original = OsString::from(&escaped);
            prop_assert_eq!(unword(&word(&original)), original);
        }
    }
}

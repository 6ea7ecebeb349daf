//! `env(1)` in front of a command: which command it would run, for the simple forms.
//!
//! Anything that changes more than the environment (`--chdir`), or needs its values (`-S` with `$` or `\`), is left
//! alone: then what runs is known only once it ran, and [`super::Target::refine`] takes it in.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What `env` with these arguments would run, and the `PATH` it would look on; `None` when it runs nothing, or not
/// simply.
pub(super) fn command(args: &[OsString], path: Option<&OsStr>) -> Option<(Vec<OsString>, Option<OsString>)> {
    let mut words: VecDeque<OsString> = args.iter().cloned().collect();
    let mut path = path.map(OsStr::to_owned);
    while let Some(word) = words.pop_front() {
        match word.as_bytes() {
            b"--" => break,
            b"-" | b"-i" | b"--ignore-environment" => path = None,
            b"-v" | b"--debug" => {}
            b"-u" | b"--unset" => {
                let name = words.pop_front()?;
                path = path.filter(|_| name != "PATH");
            }
            [b'-', b'v', b'S', rest @ ..] | [b'-', b'S', rest @ ..] if !rest.is_empty() => splice(rest, &mut words)?,
            b"-S" | b"--split-string" => {
                let string = words.pop_front()?;
                splice(string.as_bytes(), &mut words)?;
            }
            option if option.starts_with(b"--split-string=") => splice(&option[15..], &mut words)?,
            option if option.starts_with(b"-") => return None,
            _ => {
                words.push_front(word);
                break;
            }
        }
    }
    while let Some(assignment) = words.front().filter(|word| word.as_bytes().contains(&b'=')) {
        if let Some(folders) = assignment.as_bytes().strip_prefix(b"PATH=") {
            path = Some(OsStr::from_bytes(folders).to_owned());
        }
        words.pop_front();
    }
    (!words.is_empty()).then(|| (words.into(), path))
}

/// Puts the words of a `-S` string in front of the rest.
fn splice(string: &[u8], words: &mut VecDeque<OsString>) -> Option<()> {
    let split = split(string)?;
    for word in split.into_iter().rev() {
        words.push_front(word);
    }
    Some(())
}

/// Words between blanks, quotes taken off; `None` with an escape, a variable, or an open quote.
fn split(string: &[u8]) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    for &byte in string {
        match (quote, byte) {
            (_, b'\\' | b'$') => return None,
            (Some(open), _) if byte == open => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (None, b' ' | b'\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote.is_none().then(|| words.into_iter().map(OsString::from_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], expect: Option<(&[&str], Option<&str>)>) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let expect = expect.map(|(words, path)| (words.iter().map(OsString::from).collect(), path.map(OsString::from)));
        assert_eq!(command(&args, Some(OsStr::new("/given"))), expect, "{args:?}");
    }

    #[test]
    fn the_command_begins_after_options_and_assignments() {
        let given = Some("/given");
        check(&["python3", "a.py"], Some((&["python3", "a.py"], given)));
        check(&["A=1", "B=", "python3", "C=3"], Some((&["python3", "C=3"], given)));
        check(&["-u", "HOME", "--", "A=1", "x"], Some((&["x"], given)));
        check(&["-S python3 -u", "a.py"], Some((&["python3", "-u", "a.py"], given)));
        check(&["-vSpython3 '-c' \"two words\""], Some((&["python3", "-c", "two words"], given)));
        check(&["--split-string=-i A=1 x", "y"], Some((&["x", "y"], None)));
        check(&["-S", "A=1 x", "y"], Some((&["x", "y"], given)));
    }

    #[test]
    fn the_path_is_the_one_that_env_sets() {
        check(&["PATH=/other", "x"], Some((&["x"], Some("/other"))));
        check(&["-i", "x"], Some((&["x"], None)));
        check(&["-u", "PATH", "x"], Some((&["x"], None)));
    }

    #[test]
    fn what_is_not_simple_is_left_alone() {
        for args in [&[][..], &["A=1"], &["-C", "/", "x"], &["-S$X y"], &["-S'open"], &["--what"], &["-u"], &["-S"]] {
            check(args, None);
        }
    }
}

//! The `signs` as what a text search looks for, made once each for names, for data, and for compilers' marks.

use super::component::Component;
use super::go::MAGIC;
use super::signs::{SIGNS, Sign};
use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

/// What a pattern stands for.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Sign(Component, Sign),
    OpensLibraries,
    HasCrates,
    GoInfo,
}

/// Patterns to look for at once, with what each means.
pub(super) struct Patterns {
    pub automaton: Option<AhoCorasick>,
    pub meanings: Vec<Meaning>,
}

impl Patterns {
    fn of(signs: impl Fn(Sign) -> Option<Vec<u8>>, others: &[(&[u8], Meaning)]) -> Self {
        let all = SIGNS.iter().flat_map(|(component, signs)| signs.iter().map(move |sign| (*component, *sign)));
        let (mut texts, mut meanings): (Vec<_>, Vec<_>) =
            all.filter_map(|(component, sign)| Some((signs(sign)?, Meaning::Sign(component, sign)))).unzip();
        for (text, meaning) in others {
            texts.push(text.to_vec());
            meanings.push(*meaning);
        }
        // Building fails beyond sizes that a table in our own source does not reach.
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts).ok();
        Self { automaton, meanings }
    }
}

/// For texts of names.
pub(super) static NAMES: LazyLock<Patterns> = LazyLock::new(|| {
    let of_name = |sign| match sign {
        Sign::Symbol(text) | Sign::SymbolStart(text) | Sign::SymbolPart(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    Patterns::of(of_name, &[(b"dlopen", Meaning::OpensLibraries)])
});

/// For loaded data.
pub(super) static TEXTS: LazyLock<Patterns> = LazyLock::new(|| {
    let of_text = |sign| match sign {
        Sign::Text(text) | Sign::Path(text) => Some(text.as_bytes().to_vec()),
        Sign::Word(text) => Some([b"\0", text.as_bytes(), b"\0"].concat()),
        Sign::Crate(name) => Some(format!("{name}-").into_bytes()),
        _ => None,
    };
    let crates = [&b"/registry/src/"[..], b"/cargo/registry/"].map(|path| (path, Meaning::HasCrates));
    Patterns::of(of_text, &[crates[0], crates[1], (MAGIC, Meaning::GoInfo)])
});

/// For what compilers leave.
pub(super) static COMPILERS: LazyLock<Patterns> = LazyLock::new(|| {
    let of_compiler = |sign| if let Sign::Compiler(mark) = sign { Some(mark.as_bytes().to_vec()) } else { None };
    Patterns::of(of_compiler, &[])
});

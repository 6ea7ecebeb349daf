//! How deep source nests, told from its tokens, before anything recurses over it.
//!
//! The parser grows its stack as it needs, on the heap; those who walk or drop its tree do not. So text that could make
//! the parser's own memory a danger is looked at before it is parsed ([`refuse_text`]), and each tree is measured by
//! the tokens that it was made of before anyone walks it ([`depth`]).

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Deepest tree that is walked. CPython itself takes 200 brackets and 100 levels of indentation (its tokenizer's
/// `MAXLEVEL` and `MAXINDENT`), and chains of operators until its compiler's recursion ends, at some thousand.
pub const DEEPEST: usize = 1_000;

/// Text that could nest no deeper than this is parsed without a look at its tokens first.
const HARMLESS: usize = 16 << 10;

/// Whether text nests so deep that it must not even be parsed: how deep.
pub fn refuse_text(text: &str) -> Option<usize> {
    if could_nest(text) <= HARMLESS {
        return None;
    }
    let mut nesting = Nesting::default();
    let mut tokens = lexer::lex(text, Mode::Module);
    loop {
        match tokens.next_token() {
            TokenKind::EndOfFile => break,
            kind => nesting.token(kind),
        }
        // What is deeper than this is refused however deep it is, and counting on would take memory.
        if nesting.deepest > HARMLESS {
            break;
        }
    }
    (nesting.deepest > HARMLESS).then_some(nesting.deepest)
}

/// An upper bound that is counted fast: levels are opened by brackets, operators, and the words `not`, `await`, `else`
/// and `lambda` (which brings a colon).
fn could_nest(text: &str) -> usize {
    /// Bytes that are counted in one, as each counts once at most: so the compiler counts many at once.
    const AT_ONCE: usize = 240;
    if text.len() <= HARMLESS {
        return text.len();
    }
    let bytes = text.as_bytes();
    let sign = |byte: u8| matches!(byte, b'(' | b'[' | b'{' | b'!'..=b'/' | b':'..=b'@' | b'^' | b'|' | b'~');
    let ends = |last: u8, next: u8| ((last == b't') | (last == b'e')) & !is_alphanumeric(next);
    let count = |(here, next): (&[u8], &[u8])| {
        let pairs = here.iter().zip(next);
        usize::from(pairs.map(|(byte, next)| u8::from(sign(*byte)) + u8::from(ends(*byte, *next))).sum::<u8>())
    };
    // The last byte has none after it, and may be one of either.
    let (here, next) = (&bytes[..bytes.len() - 1], &bytes[1..]);
    here.chunks(AT_ONCE).zip(next.chunks(AT_ONCE)).map(count).sum::<usize>() + 2
}

/// As the standard library's, without its branches.
fn is_alphanumeric(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10) | ((byte | 0x20).wrapping_sub(b'a') < 26)
}

/// Depth of the tree that the parser makes of tokens of these kinds: an upper bound, exact to a small factor.
pub fn depth(kinds: impl Iterator<Item = TokenKind>) -> usize {
    let mut nesting = Nesting::default();
    kinds.for_each(|kind| nesting.token(kind));
    nesting.deepest
}

/// Levels open at a token. Each bracket and each lambda opens one with counters of its own.
#[derive(Default)]
struct Nesting {
    indented: usize,
    outer: Vec<Level>,
    here: Level,
    /// Sum over `outer`.
    below: usize,
    deepest: usize,
}

#[derive(Default, Clone, Copy)]
struct Level {
    /// Operators, dots, calls and subscripts in the operand chain so far.
    links: usize,
    /// Conditional expressions nested to the right.
    turns: usize,
    /// Opened by a lambda rather than a bracket, and whether its colon was met.
    lambda: Option<bool>,
}

impl Nesting {
    fn token(&mut self, kind: TokenKind) {
        use TokenKind as T;
        match kind {
            T::Name | T::String | T::Int | T::FStringMiddle | T::TStringMiddle | T::NonLogicalNewline => {}
            T::Comment | T::Float | T::Complex | T::Ellipsis => {}
            T::Lpar | T::Lsqb | T::Lbrace | T::FStringStart | T::TStringStart => {
                self.here.links += 1;
                self.open(None);
            }
            T::Lambda => self.open(Some(false)),
            T::Rpar | T::Rsqb | T::Rbrace | T::FStringEnd | T::TStringEnd => {
                while self.here.lambda.is_some() {
                    self.close();
                }
                self.close();
            }
            T::Colon if self.here.lambda == Some(false) => self.here.lambda = Some(true),
            T::Comma | T::Colon | T::Equal | T::For => {
                while self.here.lambda == Some(true) {
                    self.close();
                }
                (self.here.links, self.here.turns) = (0, 0);
            }
            T::Newline | T::Semi => {
                self.outer.clear();
                (self.here, self.below) = (Level::default(), 0);
            }
            T::Indent => self.indented += 1,
            T::Dedent => self.indented = self.indented.saturating_sub(1),
            T::Else => {
                self.here.turns += 1;
                self.here.links = 0;
            }
            T::And | T::Or | T::If | T::In | T::Is | T::EqEqual | T::NotEqual | T::Less | T::LessEqual => {
                self.here.links = 0;
            }
            T::Greater | T::GreaterEqual => self.here.links = 0,
            _ => self.here.links += 1,
        }
        let now = self.indented + self.below + self.here.links + self.here.turns;
        self.deepest = self.deepest.max(now);
    }

    fn open(&mut self, lambda: Option<bool>) {
        self.below += self.here.links + self.here.turns + 1;
        self.outer.push(self.here);
        self.here = Level { lambda, ..Level::default() };
    }

    fn close(&mut self) {
        match self.outer.pop() {
            Some(outer) => {
                self.here = outer;
                self.below -= outer.links + outer.turns + 1;
            }
            None => self.here = Level::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> usize {
        let mut tokens = lexer::lex(text, Mode::Module);
        depth(std::iter::from_fn(|| Some(tokens.next_token()).filter(|kind| *kind != TokenKind::EndOfFile)))
    }

    #[test]
    fn what_is_side_by_side_does_not_nest() {
        for text in [
            "x = [1, 2, 3]\n".repeat(3000),
            format!("x = [{}]\n", "(a + b, f(c)), ".repeat(3000)),
            format!("x = {{{}}}\n", "'k': a.b.c, ".repeat(3000)),
            format!("x = {}\n", "a.b == c or ".repeat(3000) + "d"),
            format!("x = [{}]\n", "lambda a, b: a + b, ".repeat(3000)),
            "if a:\n  if b:\n    f(x)\n".repeat(3000),
        ] {
            assert!(of(&text) < 12, "{} in {}…", of(&text), &text[..30]);
        }
    }

    #[test]
    fn what_nests_is_counted() {
        for text in [
            "(".repeat(2000),
            "[".repeat(2000) + &"]".repeat(2000),
            "-".repeat(2000) + "x",
            "not ".repeat(2000) + "x",
            "await ".repeat(2000) + "x",
            "a+".repeat(2000) + "a",
            "a".to_owned() + &".b()".repeat(1000),
            "lambda a, b: ".repeat(2000) + "x",
            "a or lambda: ".repeat(2000) + "x",
            "a if b or c else ".repeat(2000) + "d",
            "f'{".repeat(2000),
        ] {
            assert!(of(&text) >= 2000, "{} in {}…", of(&text), &text[..20]);
        }
    }
}

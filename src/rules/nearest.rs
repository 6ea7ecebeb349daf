//! The valid name nearest to a misspelt one, for error sentences.

/// Longer words are not names of ours; comparing them would only cost time.
const LONGEST: usize = 64;

/// How many valid names are listed when none is near.
const LISTED: usize = 8;

/// The end of a sentence about a word that is none of `names`: the nearest of them, or all when they are few.
pub fn hint(word: &str, names: &[&str]) -> String {
    if let Some(name) = nearest(word, names) {
        return format!("; did you mean `{name}`?");
    }
    if names.len() <= LISTED {
        let listed: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        return format!("; it must be one of {}", listed.join(", "));
    }
    String::new()
}

/// The nearest of `names` that could have been meant: at most a third of the word wrong, or two letters.
fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let letters = word.chars().count();
    if letters == 0 || letters > LONGEST {
        return None;
    }
    let (name, wrong) =
        names.iter().map(|name| (*name, distance(&word.to_lowercase(), name))).min_by_key(|(_, wrong)| *wrong)?;
    let allowed = (letters / 3).max(2);
    (wrong <= allowed && wrong < letters).then_some(name)
}

/// Letters to add, drop, change, or swap with their neighbour to make one word of the other
/// (Damerau's distance in its restricted form).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let change = above[j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["wait_share", "cpu_share", "runtime"];
        for (word, expect) in
            [("wait_shrae", Some("wait_share")), ("Runtime", Some("runtime")), ("banana", None), ("", None)]
        {
            assert_eq!(nearest(word, &names), expect, "{word}");
        }
        assert_eq!(nearest(&"w".repeat(100_000), &names), None);
    }

    #[test]
    fn few_names_are_listed_when_none_is_near() {
        assert_eq!(hint("banana", &["one", "cpus"]), "; it must be one of `one`, `cpus`");
    }
}

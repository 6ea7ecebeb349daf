//! A name for a result that outlives edits elsewhere in its file, so that a service knows it again: of what stays of it,
//! never of a line's number.

use std::collections::HashMap;

/// The names given in one document.
#[derive(Debug, Default)]
pub struct Fingerprints(HashMap<u128, u32>);

impl Fingerprints {
    /// The name of what has those parts, and of how many like it were named before. No two in a document are the same.
    pub fn of(&mut self, parts: &[&str]) -> String {
        let key = hash(parts);
        let before = self.0.entry(key).or_insert(0);
        *before += 1;
        let like = if *before == 1 { key } else { hash(&[&format!("{key:032x}"), &before.to_string()]) };
        format!("{like:032x}")
    }
}

fn hash(parts: &[&str]) -> u128 {
    // No part holds a zero byte: it divides them.
    fnv1a(parts.iter().flat_map(|part| part.bytes().chain([0])))
}

/// FNV-1a with 128 bits (draft-eastlake-fnv), which is the same wherever and whenever it is worked out. Nobody gains
/// by making two findings look alike but who can edit the source anyway.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a("a".bytes()), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn no_two_are_the_same_and_each_is_always_the_same() {
        let three = || {
            let mut prints = Fingerprints::default();
            [&["a", "bc"][..], &["ab", "c"], &["a", "bc"]].map(|parts| prints.of(parts))
        };
        let [one, other, again] = three();
        assert!(one != other && one != again && other != again);
        assert_eq!(three(), [one, other, again]);
    }
}

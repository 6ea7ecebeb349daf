//! What the processes of a tree take together, counting what `fork` copies share once.
//!
//! Proportional sets that were read at different times do not add up: each fork makes the others' smaller without
//! their doing anything. But anonymous pages are shared by nobody else than copies made by `fork`, so of such a family
//! the eldest is counted whole, and the others with what is their own. Who runs another program has left the family.

use crate::units::Bytes;
use std::time::Duration;

/// What one process has, as well as is known without walking its pages now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Anonymous memory, whoever shares it.
    pub anonymous: Bytes,
    /// Its share of files and shared memory.
    pub mapped: Bytes,
    /// Anonymous memory that no other process has.
    pub own: Bytes,
    /// As `mapped`, when its files are counted in the process that it is a copy of.
    pub mapped_of_copy: Bytes,
}

/// Where a process belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Kin {
    /// Where its stack begins: the kernel puts that at a random place at each `exec`, and `fork` keeps it. 0 when it
    /// may not be seen, which is nobody's kin.
    pub family: u64,
    /// When it was started.
    pub start: Duration,
    /// Its id.
    pub pid: i32,
}

/// What all of them take together.
pub fn together(holdings: impl Iterator<Item = (Kin, Holding)>) -> Bytes {
    let mut sorted: Vec<(Kin, Holding)> = holdings.collect();
    sorted.sort_unstable_by_key(|(kin, _)| *kin);
    let families = sorted.chunk_by(|(one, _), (other, _)| one.family == other.family && one.family != 0);
    families.map(of_family).sum()
}

fn of_family(family: &[(Kin, Holding)]) -> Bytes {
    let Some(((_, eldest), copies)) = family.split_first() else { return Bytes::default() };
    let anonymous = eldest.anonymous + copies.iter().map(|(_, copy)| copy.own).sum();
    let mapped = eldest.mapped + copies.iter().map(|(_, copy)| copy.mapped_of_copy).sum();
    // The eldest may have given up what its copies go on sharing.
    let largest = family.iter().map(|(_, member)| member.anonymous).max().unwrap_or_default();
    anonymous.max(largest) + mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each member: family, anonymous, own; in order of birth.
    fn check(members: &[(u64, u64, u64)], expect: u64) {
        let member = |(order, &(family, anonymous, own)): (usize, &(u64, u64, u64))| {
            let order = i32::try_from(order).expect("few");
            let kin = Kin { family, start: Duration::from_secs(u64::from(order.unsigned_abs())), pid: 100 - order };
            let own = Bytes(own);
            (kin, Holding { anonymous: Bytes(anonymous), mapped: Bytes(1), own, mapped_of_copy: Bytes(0) })
        };
        assert_eq!(together(members.iter().enumerate().map(member)), Bytes(expect), "{members:?}");
    }

    #[test]
    fn what_copies_share_is_counted_once() {
        check(&[], 0);
        check(&[(7, 200, 200)], 201);
        check(&[(7, 200, 0), (7, 200, 2), (7, 200, 3)], 206);
        // The parent's pages were walked before it forked.
        check(&[(7, 200, 200), (7, 200, 2)], 203);
    }

    #[test]
    fn other_programs_and_hidden_ones_are_counted_whole() {
        check(&[(7, 200, 0), (8, 200, 2), (7, 200, 3)], 405);
        check(&[(0, 200, 0), (0, 200, 2)], 402);
    }

    #[test]
    fn what_the_eldest_gave_up_is_still_there() {
        check(&[(7, 10, 10), (7, 200, 1), (7, 200, 1)], 201);
    }
}

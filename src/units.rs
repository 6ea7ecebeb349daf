//! The units that results carry, so that a byte never passes for a second: [`Bytes`] and [`Share`].
//!
//! Times are [`std::time::Duration`] everywhere; how a number of things is said is here too ([`counted`]).
//! Parsing and rounding for a wire format belong to `report`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// An amount of memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// From the kibibytes that `/proc` counts in; saturates instead of wrapping.
    pub const fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1024))
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Bytes {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Bytes {
    /// In the largest binary unit that leaves a number of at least one: `512 B`, `1.5 MiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

/// A number of things in words: `1 loop`, `3 loops`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let several = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{several}")
}

/// A part of a whole, from 0 to 1. Cannot hold a NaN, so "missing" must be said as `Option<Share>`:
/// missing evidence never compares as healthy.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const ZERO: Self = Self(0.0);
    /// All of it.
    pub const ONE: Self = Self(1.0);

    /// Clamps into 0 to 1; `None` when the value is not finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(value.clamp(0.0, 1.0)))
    }

    /// The part that `part` is of `whole`; `None` when there is no whole to be a part of.
    pub fn of(part: Duration, whole: Duration) -> Option<Self> {
        if whole.is_zero() {
            return None;
        }
        Self::new(part.as_secs_f64() / whole.as_secs_f64())
    }

    /// The number from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    /// As whole per cent: `37 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

/// A time as a person reads it, to three significant digits: `740 ns`, `12.4 ms`, `3.50 s`, `130 s`.
pub fn human(time: Duration) -> String {
    let s = time.as_secs_f64();
    let (value, unit) = if s >= 1.0 {
        (s, "s")
    } else if s >= 1e-3 {
        (s * 1e3, "ms")
    } else if s >= 1e-6 {
        (s * 1e6, "µs")
    } else {
        (s * 1e9, "ns")
    };
    let digits = if value >= 100.0 || unit == "ns" {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_largest_fitting_unit() {
        for (bytes, shown) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (8 << 30, "8.0 GiB")] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }

    #[test]
    fn a_share_of_nothing_is_unknown() {
        assert_eq!(Share::of(Duration::from_secs(1), Duration::ZERO), None);
        assert_eq!(Share::new(f64::NAN), None);
        assert_eq!(Share::new(7.0), Some(Share::ONE));
    }

    #[test]
    fn times_are_shown_to_three_digits() {
        for (ns, shown) in
            [(740, "740 ns"), (12_400_000, "12.4 ms"), (3_500_000_000, "3.50 s"), (130_000_000_000, "130 s")]
        {
            assert_eq!(human(Duration::from_nanos(ns)), shown);
        }
    }
}

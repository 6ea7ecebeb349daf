//! [`Comparison`]: one typed condition of a rule on one fact. An unknown fact makes it unknown, never false or true.

use super::facts::Value;
use super::vocabulary::{Fact, Kind};
use std::fmt;

/// One fact compared with what the rule file says. Built by `parse`, which lets through only what fits the fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The fact that is asked for.
    pub fact: &'static Fact,
    /// How it is compared.
    pub op: Op,
    /// With what: one value, or for [`Op::In`] one or more.
    pub values: Vec<Value>,
}

/// How a fact is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Is,
    /// `!=`
    IsNot,
    /// `in`: one of several words.
    In,
}

impl Op {
    /// Every operator.
    pub const ALL: [Self; 7] = [Self::Less, Self::AtMost, Self::More, Self::AtLeast, Self::Is, Self::IsNot, Self::In];

    /// As rule files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Is => "==",
            Self::IsNot => "!=",
            Self::In => "in",
        }
    }

    /// Whether facts of that kind can be compared so.
    pub const fn applies_to(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Is | Self::IsNot, _) => true,
            (Self::In, kind) => matches!(kind, Kind::Label(_)),
            (_, Kind::Label(_) | Kind::Flag) => false,
            (_, _) => true,
        }
    }
}

impl Comparison {
    /// Whether it holds for that value; `None` when the value is unknown.
    pub fn holds(&self, value: Option<Value>) -> Option<bool> {
        let value = value?;
        let &against = self.values.first()?;
        Some(match self.op {
            Op::Less => ordered(value, against)?.is_lt(),
            Op::AtMost => ordered(value, against)?.is_le(),
            Op::More => ordered(value, against)?.is_gt(),
            Op::AtLeast => ordered(value, against)?.is_ge(),
            Op::Is => value == against,
            Op::IsNot => value != against,
            Op::In => self.values.contains(&value),
        })
    }

    /// The number at which it turns over; `None` for words, flags and versions.
    pub fn flips_at(&self) -> Option<f64> {
        match self.values.first()? {
            Value::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// Operator and value: `>= 0.60`, `in native, other`.
    pub fn threshold(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|value| value.shown(self.fact.kind)).collect();
        format!("{} {}", self.op.name(), values.join(", "))
    }
}

impl fmt::Display for Comparison {
    /// In full, with nothing rounded: what the hash of the rule set is taken of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.fact.name, self.op.name(), self.values)
    }
}

/// How two values of the same kind are ordered; `None` where there is no order.
fn ordered(left: Value, right: Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(&right),
        (Value::Version(..), Value::Version(..)) => {
            let parts = |value| if let Value::Version(major, minor) = value { (major, minor) } else { (0, 0) };
            Some(parts(left).cmp(&parts(right)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::fact;
    use super::*;

    fn check(name: &str, value: impl Into<Value>, op: Op, against: impl Into<Value>, expect: bool) {
        let fact = fact(name).expect("a fact of the vocabulary");
        let comparison = Comparison { fact, op, values: vec![against.into()] };
        assert_eq!(comparison.holds(Some(value.into())), Some(expect), "{comparison}");
        assert_eq!(comparison.holds(None), None, "{comparison} of an unknown fact");
    }

    #[test]
    fn each_operator_means_what_it_looks_like() {
        check("wait_share", 0.5, Op::Less, 0.5, false);
        check("wait_share", 0.5, Op::AtMost, 0.5, true);
        check("wait_share", 0.5, Op::More, 0.5, false);
        check("wait_share", 0.5, Op::AtLeast, 0.5, true);
        check("tasks", 3.0, Op::Is, 3.0, true);
        check("tasks", 3.0, Op::IsNot, 3.0, false);
        check("runtime", "native", Op::In, "native", true);
        check("picklable", false, Op::Is, true, false);
    }

    #[test]
    fn version_3_9_comes_before_3_14() {
        check("python_version", (3, 9), Op::Less, (3, 14), true);
        check("python_version", (3, 14), Op::AtLeast, (3, 14), true);
    }
}

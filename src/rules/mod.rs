//! Facts → [`Decision`]: the decision tree, kept as data in `rules/*.toml`, walked once per replicate. Pure but for
//! `load`, which reads rule files at the edge.
//!
//! A rule admits models and names a worker policy; which of the admitted ones is fastest is the trials' to say and
//! `recommendation`'s to combine. `vocabulary` is what rules may ask about, `facts` and `measure` what is known of it,
//! `condition` one comparison, `parse` and `load` turn files into [`Rules`], `walk` walks them; `shape` is what a file may
//! hold, for its JSON Schema.

mod condition;
pub(crate) mod error;
pub mod facts;
mod load;
pub(crate) mod measure;
pub mod nearest;
mod parse;
pub(crate) mod projection;
pub mod shape;
pub mod vocabulary;
mod walk;

#[cfg(test)]
mod refusals;

use crate::classify::Class;
use crate::trial::model::Model;
use crate::units::Share;
pub use condition::{Comparison, Op};
pub use error::Error;
pub use facts::Facts;

/// Where the walk ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The rule's id.
    pub rule: String,
    /// Models it admits, in the rule's order of preference.
    pub admit: Vec<Model>,
    /// How the number of workers is bounded.
    pub workers: WorkersRule,
    /// Why, as the rule file says it, with the measured values filled in.
    pub reason: String,
    /// The way to the rule, in order: what the class rests on, then for each rule that was passed the comparison that
    /// did not hold (or, when none was false, could not be made), then every comparison of the rule that decided.
    pub path: Vec<Step>,
    /// Share of the replicates whose walk ended at the same rule; [`Decision::UNREPLICATED`] without replicates.
    pub confidence: Share,
    /// Rules that could not be decided, with the first fact that was unknown: the decision is provisional when not
    /// empty. A rule that would have admitted the same models under the same bound is not among them, because
    /// whichever way its fact fell, the answer is the same.
    pub undecided: Vec<(String, String)>,
    /// Advice of the rule that is not a model (vectorise, shared memory, batch), as sentences.
    pub advice: Vec<String>,
}

impl Decision {
    /// Confidence in a walk whose spread is unknown: one walk alone says nothing of how nearly it went another way.
    pub const UNREPLICATED: f64 = 0.5;
}

/// How a rule bounds the number of workers; within it the trials choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkersRule {
    /// One.
    One,
    /// At most the CPUs usable for computing.
    Cpus,
    /// As many as the trials found worth it, past the CPUs.
    Waits,
}

impl WorkersRule {
    /// Every bound.
    pub const ALL: [Self; 3] = [Self::One, Self::Cpus, Self::Waits];

    /// The word in rule files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Cpus => "cpus",
            Self::Waits => "waits",
        }
    }
}

/// One comparison on the path.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rule it belongs to; [`Step::CLASS`] for what the class rests on.
    pub rule: String,
    /// The fact that was asked for.
    pub fact: String,
    /// What it was, as shown; `None` when unknown.
    pub value: Option<String>,
    /// What it was compared with, with its operator: `>= 0.60`.
    pub threshold: String,
    /// Whether the comparison held; `None` when the fact is unknown.
    pub held: Option<bool>,
    /// The value at which the comparison turns over and the rule with it, for numbers; `None` where the rule would
    /// stay as it is, because more than this one comparison does not hold.
    pub flips_at: Option<f64>,
}

impl Step {
    /// Stands for a rule where the step is one of `classify`'s, which chose the rule file.
    pub const CLASS: &str = "class";
}

/// One rule: under which conditions which models are sensible.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique in the whole set.
    pub id: String,
    /// All must hold. Empty only in the last rule of a class.
    pub when: Vec<Comparison>,
    /// Models it admits, in order of preference.
    pub admit: Vec<Model>,
    /// How the number of workers is bounded.
    pub workers: WorkersRule,
    /// Why; `{fact}` stands for the value that was measured.
    pub reason: String,
    /// Where the rule comes from.
    pub source: String,
    /// Advice that is not a model, as sentences.
    pub advice: Vec<String>,
    /// A case it is meant for.
    pub example: Option<String>,
}

impl Rule {
    /// Whether both lead to the same choice: the same models, of which sequential is always one, and the same bound.
    fn leads_where(&self, other: &Self) -> bool {
        let admits = |rule: &Self, model| model == Model::Sequential || rule.admit.contains(&model);
        self.workers == other.workers && Model::ALL.into_iter().all(|model| admits(self, model) == admits(other, model))
    }
}

/// The rules of one class. Total by its type: when no rule holds, there is one that always does.
#[derive(Debug, Clone, PartialEq)]
struct Tree {
    class: Class,
    rules: Vec<Rule>,
    otherwise: Rule,
}

impl Tree {
    fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain([&self.otherwise])
    }
}

/// The whole set of rules: one tree for each class.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// One for each class, in the order of [`Class::ALL`].
    trees: Vec<Tree>,
}

impl Rules {
    /// Every rule with its class, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = (Class, &Rule)> {
        self.trees.iter().flat_map(|tree| tree.iter().map(|rule| (tree.class, rule)))
    }

    /// A number that changes when a decision could: it covers order, ids, conditions, admitted models and bounds, and
    /// neither wording nor layout. 64-bit FNV-1a (Fowler, Noll, Vo), because it is stable everywhere and needs no key.
    pub fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for (class, rule) in self.iter() {
            let admit: Vec<_> = rule.admit.iter().map(|model| model.name()).collect();
            let when: Vec<_> = rule.when.iter().map(Comparison::to_string).collect();
            let words = [class.name(), &rule.id, &when.join(" and "), &admit.join(" "), rule.workers.name()].join("\0");
            for byte in words.bytes().chain([b'\n']) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        hash
    }

    /// The same rules where that model cannot be had: none admits it, so none leads elsewhere because of it.
    #[must_use]
    pub fn without(&self, model: Model) -> Self {
        let mut rules = self.clone();
        for tree in &mut rules.trees {
            for rule in tree.rules.iter_mut().chain([&mut tree.otherwise]) {
                rule.admit.retain(|admitted| *admitted != model);
                if rule.admit.is_empty() {
                    rule.admit.push(Model::Sequential);
                }
            }
        }
        rules
    }

    fn tree(&self, class: &str) -> &Tree {
        let class = Class::ALL.into_iter().find(|known| known.name() == class).unwrap_or(Class::Inconclusive);
        &self.trees[class as usize]
    }
}

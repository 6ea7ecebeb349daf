//! What a team wants of the gate: what fails, and from where on.

/// What a target's verdict may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Policy {
    /// A changed answer fails.
    #[default]
    Fail,
    /// It is told and fails nothing.
    Warn,
    /// The target is not looked at.
    Off,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Warn, Self::Off];

    /// The word in configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// From where on a difference counts. The defaults are DESIGN §6 and issue 6; each can be configured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// What changing must gain for a changed answer to fail: 0.10 is ten per cent.
    pub gain: f64,
    /// What may be lost by keeping the old answer for the two to be equivalent.
    pub equivalent: f64,
    /// How many times more or fewer workers are still the same answer.
    pub workers: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { gain: 0.10, equivalent: 0.05, workers: 1.5 }
    }
}

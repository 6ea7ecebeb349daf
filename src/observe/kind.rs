//! What a worker was blocked on, and a table with one cell per kind.
//!
//! How a kind is recognised from a system call and its descriptor is `blocked.rs`'s.

use std::ops::{Index, IndexMut};
use std::time::Duration;

/// What a worker was blocked on, from kernel evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockedKind {
    /// A file, a block device.
    Disk,
    /// A socket.
    Network,
    /// A sleep, or a wait for a point in time.
    Timer,
    /// A futex, a file lock.
    Lock,
    /// CPython's global interpreter lock.
    Gil,
    /// A pipe, a FIFO, a terminal, an eventfd.
    Pipe,
    /// The end of a child process.
    Child,
    /// A page of memory that has to be read from a file or from swap first.
    PageFault,
    /// Nothing to do: a server that waits for its next client.
    Idle,
    /// Anything else, or not readable.
    Other,
}

impl BlockedKind {
    /// Every kind, in the order reports list them.
    pub const ALL: [Self; 10] = [
        Self::Disk,
        Self::Network,
        Self::Timer,
        Self::Lock,
        Self::Gil,
        Self::Pipe,
        Self::Child,
        Self::PageFault,
        Self::Idle,
        Self::Other,
    ];

    /// The word used in reports and rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Timer => "timer",
            Self::Lock => "lock",
            Self::Gil => "gil",
            Self::Pipe => "pipe",
            Self::Child => "child",
            Self::PageFault => "page-fault",
            Self::Idle => "idle",
            Self::Other => "other",
        }
    }
}

/// One value per blocked kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ByKind<T>([T; BlockedKind::ALL.len()]);

impl<T> ByKind<T> {
    /// Every kind with its value.
    pub fn iter(&self) -> impl Iterator<Item = (BlockedKind, &T)> {
        BlockedKind::ALL.into_iter().zip(&self.0)
    }

    /// The same table with each value put through `f`.
    pub fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> ByKind<U> {
        ByKind(std::array::from_fn(|i| f(&self.0[i])))
    }
}

impl ByKind<Duration> {
    /// Time that waited for a disk, whether a call asked for it or a page of memory.
    pub fn disk(&self) -> Duration {
        self[BlockedKind::Disk] + self[BlockedKind::PageFault]
    }
}

impl<T> Index<BlockedKind> for ByKind<T> {
    type Output = T;
    fn index(&self, kind: BlockedKind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<BlockedKind> for ByKind<T> {
    fn index_mut(&mut self, kind: BlockedKind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

//! (baseline, current) → verdict. Comes with its own issue; empty today.

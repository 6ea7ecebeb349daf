//! Files built from bytes.

//! Static analysis of Python source and binaries: facts and findings. Comes with its own issue; empty today.

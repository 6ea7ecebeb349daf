//! The command without the rights by which root reads everything.

use std::process::Command;

/// `concadvise`, to be run as one who may read only what its permissions say.
pub fn concadvise_without_rights() -> Command {
    let concadvise = env!("CARGO_BIN_EXE_concadvise");
    if nix::unistd::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", concadvise]);
        command
    } else {
        Command::new(concadvise)
    }
}

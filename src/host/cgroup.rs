//! Which cgroup folders bind this process: its own and every ancestor that can be seen, for one controller.
//!
//! A controller belongs to one hierarchy, v1 or v2 (cgroups(7)); `/proc/self/cgroup` says which and where in it we
//! are, `/proc/self/mountinfo` where it is mounted and which part of it. Both write paths relative to the reader's
//! cgroup namespace, with `/..` for what lies above. What the files in the folders say is `cpus`'s and `memory`'s.

use super::mounts::Mount;
use super::tree::Tree;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Which of the two interfaces a hierarchy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// The folders that bind this process, for one controller.
#[derive(Debug, PartialEq)]
pub(super) struct Chain {
    pub version: Version,
    /// From its own cgroup up to the highest that is mounted.
    pub folders: Vec<PathBuf>,
    /// Why a limit may exist that these folders do not show.
    pub doubt: Option<String>,
}

/// Where this process is in every hierarchy.
#[derive(Debug)]
pub(super) struct Cgroups<'a> {
    tree: Tree<'a>,
    memberships: Vec<Membership>,
    mounts: &'a [Mount],
}

/// One line of `/proc/self/cgroup`.
#[derive(Debug)]
struct Membership {
    /// Empty for v2.
    controllers: Vec<String>,
    path: PathBuf,
}

impl<'a> Cgroups<'a> {
    /// # Errors
    /// When `/proc/self/cgroup` cannot be read; a kernel without cgroups has none.
    pub(super) fn read(tree: Tree<'a>, mounts: &'a [Mount]) -> io::Result<Self> {
        let bytes = tree.bytes("/proc/self/cgroup")?;
        let memberships = bytes.split(|byte| *byte == b'\n').filter_map(Membership::parse).collect();
        Ok(Self { tree, memberships, mounts })
    }

    /// The folders that bind us for `controller`; `None` when it is in no hierarchy and so limits nothing.
    pub(super) fn chain(&self, controller: &str) -> Option<Chain> {
        let v1 = self.memberships.iter().find(|line| line.controllers.iter().any(|name| name == controller));
        let v2 = || self.memberships.iter().find(|line| line.controllers.is_empty());
        let (version, path) = match v1 {
            Some(line) => (Version::V1, &line.path),
            None => (Version::V2, &v2()?.path),
        };

        let mut chain = Chain { version, folders: Vec::new(), doubt: None };
        let mut own_seen = false;
        let mut mounted = false;
        for mount in self.mounts.iter().filter(|mount| carries(mount, version, controller)) {
            mounted = true;
            let Some(below) = position(&mount.root, path) else { continue };
            let own = below.known.then(|| mount.point.join(&below.path));
            own_seen |= own.as_ref().is_some_and(|own| self.tree.has_folder(own));
            let lowest = own.unwrap_or_else(|| mount.point.clone());
            for folder in lowest.ancestors().take_while(|folder| folder.starts_with(&mount.point)) {
                if self.tree.has_folder(folder) && !chain.folders.iter().any(|known| known == folder) {
                    chain.folders.push(folder.to_path_buf());
                }
            }
        }
        if !mounted {
            chain.doubt = Some(format!("no cgroup file system with the {controller} controller is mounted"));
        } else if !own_seen {
            chain.doubt = Some(format!("the cgroup {path:?} of this process is not below the mounted part"));
        }
        Some(chain)
    }
}

impl Membership {
    /// `ID:CONTROLLERS:PATH`; v2 is `0::PATH`, a named v1 hierarchy `ID:name=NAME:PATH`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let _id = fields.next()?;
        let controllers = String::from_utf8_lossy(fields.next()?).into_owned();
        let path = PathBuf::from(OsString::from_vec(fields.next()?.to_vec()));
        let controllers = controllers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        path.has_root().then_some(Self { controllers, path })
    }
}

fn carries(mount: &Mount, version: Version, controller: &str) -> bool {
    match version {
        Version::V1 => mount.kind == "cgroup" && mount.options.iter().any(|option| option == controller),
        Version::V2 => mount.kind == "cgroup2",
    }
}

/// Where a cgroup lies below the mounted part of its hierarchy.
#[derive(Debug, PartialEq)]
struct Below {
    /// Whether the way down is told. Without it the mount is an ancestor all the same, and its limits bind.
    known: bool,
    /// The way down.
    path: PathBuf,
}

/// Where `path` lies below `mounted`, both relative to a cgroup namespace; `None` when it does not, or cannot be told.
///
/// Each is a number of steps up and then names down. Equal steps up: plain prefixes. A mount from further up, with no
/// names, is an ancestor through folders whose names the namespace hides. Everything else is another branch.
fn position(mounted: &Path, path: &Path) -> Option<Below> {
    let (mount_up, mount_down) = up_and_down(mounted);
    let (path_up, path_down) = up_and_down(path);
    if mount_up == path_up {
        return path_down.strip_prefix(&mount_down).ok().map(|rest| Below { known: true, path: rest.to_path_buf() });
    }
    (mount_up > path_up && mount_down.as_os_str().is_empty()).then(|| Below { known: false, path: PathBuf::new() })
}

fn up_and_down(path: &Path) -> (usize, PathBuf) {
    let steps = || path.components().filter(|step| *step != Component::RootDir);
    let up = steps().take_while(|step| *step == Component::ParentDir).count();
    // A cgroup cannot be named "..", so what follows the first name holds only names.
    (up, steps().skip(up).filter(|step| matches!(step, Component::Normal(_))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_placed_below_the_mounted_part_of_its_hierarchy() {
        let known = |path: &str| Some(Below { known: true, path: PathBuf::from(path) });
        let hidden = Some(Below { known: false, path: PathBuf::new() });
        for (mounted, path, expect) in [
            ("/", "/", known("")),
            ("/", "/user.slice/a.scope", known("user.slice/a.scope")),
            ("/docker/ID", "/docker/ID", known("")),
            ("/docker/ID", "/docker/ID/inner", known("inner")),
            ("/docker/ID", "/docker/IDX", None),
            ("/docker/ID", "/", None),
            ("/..", "/../sibling", known("sibling")),
            ("/", "/../sibling", None),
            ("/../..", "/", hidden),
            ("/../../other", "/", None),
        ] {
            assert_eq!(position(Path::new(mounted), Path::new(path)), expect, "{path} below {mounted}");
        }
    }

    #[test]
    fn a_membership_line_may_hold_colons_in_its_path() {
        let line = Membership::parse(b"4:cpu,cpuacct:/cri-containerd:abc").expect("three fields");
        assert_eq!(line.controllers, ["cpu", "cpuacct"]);
        assert_eq!(line.path, Path::new("/cri-containerd:abc"));
        for broken in [&b""[..], b"0", b"0:", b"0::", b"0::relative"] {
            assert!(Membership::parse(broken).is_none(), "{broken:?}");
        }
    }
}

//! Which versions does a new repository build with?
//!
//! Those this workspace was tested with, so that what can be built here can be built there without a network. The template
//! holds the lock as Cargo writes it for a new repository, so that `--locked` holds from the first build on; the test `init`
//! makes it of our `Cargo.lock`.

/// The lock of a repository that takes Permitlab from a path.
const LOCK: &str = include_str!("template/lock.toml");

/// What begins a package.
const PACKAGE: &str = "[[package]]\n";

/// The lock of a new repository. Where it takes Permitlab from git, its packages and ours are left to Cargo, which knows
/// the commit.
pub(super) fn lock(is_from_path: bool) -> String {
    if is_from_path {
        return LOCK.to_owned();
    }
    let mut parts = LOCK.split(PACKAGE);
    let head = parts.next().unwrap_or_default().to_owned();
    let is_published = |package: &&str| package.contains("\nsource = ");
    parts.filter(is_published).fold(head, |text, package| text + PACKAGE + package)
}

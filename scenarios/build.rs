//! Lists the scenario files the tests are compiled with, and rebuilds the tests when a scenario or a world comes or goes.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    list(Path::new("cases"), &mut files)?;
    files.sort();
    if Path::new("fixtures").is_dir() {
        list(Path::new("fixtures"), &mut Vec::new())?;
    }
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR for build scripts"))?;
    fs::write(Path::new(&folder).join("cases.txt"), files.join("\n"))
}

fn list(folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known)) {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

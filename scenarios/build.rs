//! Lists the scenario files the tests are compiled with, and rebuilds the tests when one comes or goes.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=cases");
    let mut files = Vec::new();
    list(Path::new("cases"), &mut files);
    files.sort();
    let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&folder).join("cases.txt"), files.join("\n")).expect("OUT_DIR can be written");
}

fn list(folder: &Path, files: &mut Vec<String>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known)) {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}

//! Does the engine stay away from files, the environment, the clock, the network, processes and randomness?

use super::Finding;
use super::rust::Module;

/// What the engine may not touch, and what to do instead.
struct Impurity {
    path: &'static [&'static str],
    /// Names under `path` that are mere values.
    except: &'static [&'static str],
    instead: &'static str,
}

const IMPURITIES: [Impurity; 11] = [
    impurity(&["std", "fs"], "take the text from the caller"),
    impurity(&["std", "io"], "take the text from the caller"),
    impurity(&["std", "env"], "take the value from the caller"),
    impurity(&["std", "process"], "return an error"),
    impurity(&["std", "time", "SystemTime"], "the time comes with the request"),
    impurity(&["std", "time", "Instant"], "the time comes with the request"),
    impurity(&["std", "time", "*"], "the time comes with the request"),
    Impurity {
        path: &["std", "net"],
        except: &["IpAddr", "Ipv4Addr", "Ipv6Addr", "AddrParseError"],
        instead: "only the types of addresses are values",
    },
    impurity(&["rand"], "decisions are the same every time"),
    impurity(&["fastrand"], "decisions are the same every time"),
    impurity(&["getrandom"], "decisions are the same every time"),
];

const fn impurity(path: &'static [&'static str], instead: &'static str) -> Impurity {
    Impurity { path, except: &[], instead }
}

/// Every use of what the engine may not touch.
pub(super) fn check(modules: &[Module]) -> Vec<Finding> {
    let paths = modules.iter().flat_map(|module| module.code.paths.iter().map(|path| (&module.file, path)));
    let found = paths.filter_map(|(file, path)| Some((file, path, touched(&path.what)?)));
    found
        .map(|(file, path, impurity)| {
            let message = format!("the evaluator is pure, yet uses `{}`: {}", path.what.join("::"), impurity.instead);
            Finding::new(file, path.line, message)
        })
        .collect()
}

fn touched(path: &[String]) -> Option<&'static Impurity> {
    let same = |(segment, listed): (&String, &&str)| segment == listed || (*listed == "std" && segment == "core");
    IMPURITIES.iter().find(|impurity| {
        let under = path.get(impurity.path.len()).map(String::as_str);
        path.len() >= impurity.path.len()
            && path.iter().zip(impurity.path).all(same)
            && !under.is_some_and(|name| impurity.except.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use rstest::rstest;

    #[rstest]
    #[case::addresses("use std::net::{IpAddr, Ipv4Addr};")]
    #[case::durations("use std::time::Duration;")]
    #[case::a_name("let rand = 1; let fs = env(rand);")]
    #[case::tests("#[cfg(test)] mod tests { use std::fs; }")]
    #[case::comments("// std::fs\n//! `std::env::var`")]
    fn these_are_pure(#[case] text: &str) {
        check(&[("evaluator/src/arn.rs", text)], &[]);
    }

    #[rstest]
    #[case::files("use std::{fmt, fs};", "std::fs", "take the text from the caller")]
    #[case::file("std::fs::File::open(x)", "std::fs::File::open", "take the text from the caller")]
    #[case::input("std::io::stdin()", "std::io::stdin", "take the text from the caller")]
    #[case::environment("std::env::var(x)", "std::env::var", "take the value from the caller")]
    #[case::clock("use std::time::{Duration, Instant};", "std::time::Instant", "the time comes with the request")]
    #[case::system_clock(
        "std::time::SystemTime::now()",
        "std::time::SystemTime::now",
        "the time comes with the request"
    )]
    #[case::everything("use std::time::*;", "std::time::*", "the time comes with the request")]
    #[case::sockets(
        "use std::net::{IpAddr, TcpStream};",
        "std::net::TcpStream",
        "only the types of addresses are values"
    )]
    #[case::processes("std::process::exit(1)", "std::process::exit", "return an error")]
    #[case::randomness("rand::random()", "rand::random", "decisions are the same every time")]
    fn these_are_not(#[case] text: &str, #[case] used: &str, #[case] instead: &str) {
        let expected = format!("evaluator/src/arn.rs:1: the evaluator is pure, yet uses `{used}`: {instead}");
        check(&[("evaluator/src/arn.rs", text)], &[&expected]);
        check(&[("xtask/src/arn.rs", text)], &[]);
    }
}

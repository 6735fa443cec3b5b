//! The `permitlab` command.

fn main() -> std::process::ExitCode {
    xtask::main()
}

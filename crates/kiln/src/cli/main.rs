//! `kiln-cli`: everything a person asks. The commands are in `lib.rs`, beside this file.

fn main() {
    end(kiln_commands::run())
}

#[allow(clippy::disallowed_methods, reason = "main ends the process")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}

//! `kiln-daemon DIRECTORY [IDLE SECONDS]`: the daemon of a cache directory. The wrapper and `kiln daemon` start it; nobody types this.

use kiln_sys::{env, process};
use std::path::Path;
use std::time::Duration;

fn main() {
    process::begin_late();
    process::close_inherited(); // cargo's jobserver and pipes end when the build does
    process::share_memory();
    let arguments = env::arguments();
    let idle = arguments.get(2).and_then(|text| text.to_str()?.parse().ok()).map(Duration::from_secs_f64);
    end(match arguments.get(1) {
        Some(cache) => kiln_daemon::run(Path::new(cache), idle),
        None => 2,
    })
}

#[allow(clippy::disallowed_methods, reason = "main ends the process")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}

//! The tools compared: how each is kept apart from the others, started and stopped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use kiln_testkit::Toolchain;

use super::environment::Environment;
use super::phases::Step;

/// Something that can stand between cargo and rustc, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Tool {
    /// Cargo alone.
    Plain,
    /// This project.
    Kiln,
    /// Blind replay, the limit of any wrapper.
    Replay,
    Sccache,
    Kache,
    Mbx,
}

/// A tool's executable and its cache, which is of no use to any other lane.
pub struct Home {
    /// The tool's executable; empty for plain cargo.
    pub program: PathBuf,
    /// Its cache directory.
    pub cache: PathBuf,
}

/// Whether kiln meets the compiler before the clock starts (`--met`).
pub static MET: AtomicBool = AtomicBool::new(false);

/// Whether kiln's lane has C compilers wired (`--c`).
pub static WIRE_C: AtomicBool = AtomicBool::new(false);

impl Tool {
    /// The name used on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Kiln => "kiln",
            Self::Replay => "replay",
            Self::Sccache => "sccache",
            Self::Kache => "kache",
            Self::Mbx => "mbx",
        }
    }

    /// Whether a step means anything for this tool. Plain cargo has nothing to be warm with; replay knows
    /// only the calls of the tree it recorded.
    pub fn takes_part(self, step: Step) -> bool {
        match self {
            Self::Plain => !matches!(step, Step::Warm | Step::Tree | Step::CheckWarm),
            Self::Replay => matches!(step, Step::Noop | Step::Warm | Step::CheckWarm),
            Self::Kiln | Self::Sccache | Self::Kache | Self::Mbx => true,
        }
    }

    /// The environment in which cargo uses this tool, and only this one.
    pub fn dress(self, base: &Environment, home: &Home) -> Environment {
        let mut dressed = base.clone();
        let (program, cache) = (home.program.as_os_str(), home.cache.as_os_str());
        if !matches!(self, Self::Plain | Self::Mbx) {
            dressed.set("RUSTC_WRAPPER", program);
        }
        match self {
            Self::Plain => {}
            Self::Kiln => {
                dressed.set("KILN_DIR", cache);
                if WIRE_C.load(Ordering::Relaxed) {
                    quietly(&dressed, &home.program, &["run", "--", "true"]); // makes the compilers' names
                    dressed.prepend_path(home.cache.join("bin"));
                }
            }
            Self::Replay => {
                dressed.set("REPLAY_DIR", cache);
                if WIRE_C.load(Ordering::Relaxed) {
                    dressed.prepend_path(home.masks());
                }
            }
            Self::Sccache => {
                dressed.set("SCCACHE_DIR", cache);
                dressed.set("SCCACHE_SERVER_PORT", sccache_port().to_string());
                dressed.set("SCCACHE_IDLE_TIMEOUT", "0");
                dressed.set("SCCACHE_CACHE_SIZE", "40G");
            }
            Self::Kache => {
                dressed.set("KACHE_CACHE_DIR", cache);
                dressed.set("KACHE_RUNTIME_DIR", home.runtime());
                dressed.prepend_path(home.folder());
            }
            Self::Mbx => {
                dressed.set("MBX_CACHE_DIR", cache);
                dressed.set("XDG_CACHE_HOME", home.cache.join("xdg"));
                dressed.prepend_path(home.folder());
            }
        }
        dressed
    }

    /// Starts the tool's daemon, if it has one; before the clock.
    pub fn start(self, dressed: &Environment, program: &Path) {
        match self {
            Self::Sccache => quietly(dressed, program, &["--start-server"]),
            Self::Kache => quietly(dressed, program, &["daemon", "start"]),
            // What is called rustc on PATH may be rustup, which kiln passes through.
            Self::Kiln if MET.load(Ordering::Relaxed) => {
                quietly(dressed, program, &[&Toolchain::rustc().to_string_lossy(), "-vV"]);
            }
            Self::Plain | Self::Kiln | Self::Replay | Self::Mbx => {}
        }
    }

    /// Stops it; after the clock.
    pub fn stop(self, dressed: &Environment, program: &Path) {
        match self {
            Self::Sccache => quietly(dressed, program, &["--stop-server"]),
            Self::Kache => quietly(dressed, program, &["daemon", "stop"]),
            Self::Plain | Self::Kiln | Self::Replay | Self::Mbx => {}
        }
    }
}

impl Home {
    /// Where a daemon keeps its sockets.
    pub fn runtime(&self) -> PathBuf {
        self.cache.with_extension("run")
    }

    /// A directory in which compilers' names are this tool.
    fn masks(&self) -> PathBuf {
        let masks = self.cache.with_extension("bin");
        let _ = std::fs::create_dir_all(&masks);
        for name in ["cc", "c++", "gcc", "g++", "clang", "clang++"] {
            let _ = std::os::unix::fs::symlink(&self.program, masks.join(name));
        }
        masks
    }

    fn folder(&self) -> PathBuf {
        self.program.parent().map(Path::to_path_buf).unwrap_or_default()
    }
}

/// A port of our own, so that a server of the user's is left alone.
fn sccache_port() -> u32 {
    40_000 + std::process::id() % 20_000
}

/// Daemons must not inherit a pipe of ours; whether one was running does not matter.
fn quietly(dressed: &Environment, program: &Path, arguments: &[&str]) {
    let mut command = dressed.command(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.status();
}

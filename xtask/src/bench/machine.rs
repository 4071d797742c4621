//! What has to be known of the machine to read its numbers.

use std::fs;
use std::path::Path;
use std::thread;

use super::kit::Kit;
use super::measure;
use super::tools::Tool;

/// Facts as (name, value), in the order they are shown.
pub struct Machine {
    pub facts: Vec<(String, String)>,
}

impl Machine {
    /// Looks at the machine, the toolchain and the tools that take part.
    pub fn look(kit: &Kit, tools: &[Tool]) -> Self {
        let cores = thread::available_parallelism().map_or(0, usize::from);
        let mut facts = vec![
            ("CPU".to_owned(), field("/proc/cpuinfo", "model name")),
            ("cores".to_owned(), cores.to_string()),
            ("memory".to_owned(), field("/proc/meminfo", "MemTotal")),
            ("kernel".to_owned(), line("/proc/sys/kernel/osrelease")),
            ("file system".to_owned(), file_system(&kit.work)),
            ("rustc".to_owned(), kit.version("rustc".as_ref())),
            ("cargo".to_owned(), kit.version("cargo".as_ref())),
        ];
        for &tool in tools.iter().filter(|tool| !matches!(tool, Tool::Plain | Tool::Replay)) {
            if let Ok(program) = kit.program(tool) {
                facts.push((tool.name().to_owned(), kit.version(&program)));
            }
        }
        Self { facts }
    }
}

/// The load averages now.
pub fn load() -> String {
    let averages = line("/proc/loadavg");
    averages.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Warns when other work would be measured as well.
pub fn warn_if_busy() {
    let now = load();
    let first = now.split(' ').next().and_then(|average| average.parse::<f64>().ok()).unwrap_or(0.0);
    if first > 0.5 {
        eprintln!("bench: the load is {now}: the machine is not quiet, wall times will not mean much");
    }
}

fn line(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

/// The value of the first `name : value` line.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
    line.map_or("unknown", |(_, value)| value.trim()).to_owned()
}

/// The type of the file system that a directory is on.
fn file_system(directory: &Path) -> String {
    let kind = measure::output(std::process::Command::new("stat").args(["-f", "-c", "%T"]).arg(directory));
    let of_stat = kind.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned());
    // stat cannot tell ext2, ext3 and ext4 apart; the mount table can.
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let entries = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let holding = entries.filter(|(point, _)| directory.starts_with(point));
    holding.max_by_key(|(point, _)| point.len()).map_or(of_stat, |(_, kind)| kind.to_owned())
}

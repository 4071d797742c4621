//! `cargo xtask bench c`: compiles of single C and C++ files, missed and hit, and whole builds of C projects, beside ccache
//! and the bare compiler.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::environment::Environment;
use super::kit::Kit;
use super::machine::{self, Machine};
use super::measure::{self, Usage};
use super::numbers::{median, paired_difference, paired_ratio};
use super::options::COptions;
use super::table::{number, table};
use super::tools::Tool;
use super::{Outcome, files, table as tables};

/// Headers of the C++ file that has many.
const HEADERS: usize = 1000;

/// A way of compiling.
struct Way {
    name: &'static str,
    /// What stands in front of the compiler.
    prefix: Vec<PathBuf>,
    environment: Environment,
    cache: PathBuf,
}

/// A file and the command that compiles it.
struct Unit {
    name: &'static str,
    command: &'static [&'static str],
}

const UNITS: [Unit; 2] = [
    Unit { name: "a small C file", command: &["gcc", "-O2", "-c", "small.c", "-o", "small.o"] },
    Unit {
        name: "a C++ file with 1000 headers",
        command: &["g++", "-O2", "-Iinclude", "-c", "heavy.cc", "-o", "heavy.o"],
    },
];

/// Measures.
pub fn run(options: &COptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let root = kit.work.join("c");
    files::renew(&root)?;
    let ways = ways(&kit, &root)?;
    let load = machine::load();
    machine::warn_if_busy();
    let mut rows = Vec::new();
    match &options.build {
        None => {
            generate(&root)?;
            for unit in &UNITS {
                rows.extend(misses(unit, &ways, &root, options.n)?);
                rows.extend(hits(unit, &ways, &root, options.n * 5)?);
            }
        }
        Some(project) => rows.extend(builds(project, &options.command, &ways, &root, options.n)?),
    }
    println!("{}", tables::machine(&Machine::look(&kit, &[Tool::Kiln])));
    println!("{} rounds of each, load before {load}, after {}\n", options.n, machine::load());
    println!("{}", table(&["what", "by", "ms", "to plain", "added CPU, ms"], &rows));
    Ok(())
}

fn ways(kit: &Kit, root: &Path) -> Outcome<Vec<Way>> {
    let way = |name: &'static str, program: Option<PathBuf>, variables: &[(&str, PathBuf)]| {
        let cache = root.join(format!("{name}.cache"));
        let mut environment = kit.environment.clone();
        variables.iter().for_each(|(name, value)| environment.set(name, value));
        Way { name, prefix: program.into_iter().collect(), environment, cache }
    };
    let mut ways = vec![way("plain", None, &[])];
    let kiln = kit.program(Tool::Kiln)?;
    ways.push(way("kiln", Some(kiln), &[("KILN_DIR", root.join("kiln.cache"))]));
    match kit.environment.find("ccache") {
        Some(ccache) => {
            let depend = root.join("ccache, depend.cache");
            ways.push(way("ccache", Some(ccache.clone()), &[("CCACHE_DIR", root.join("ccache.cache"))]));
            let depends = [("CCACHE_DIR", depend), ("CCACHE_DEPEND", "1".into())];
            ways.push(way("ccache, depend", Some(ccache), &depends));
        }
        None => eprintln!("bench: ccache is left out: it is not on PATH"),
    }
    Ok(ways)
}

fn generate(root: &Path) -> Outcome<()> {
    files::make(&root.join("include/sub"))?;
    let small = "#include <stdio.h>\n#include <string.h>\nint x = X;\n\
                 int f(const char *a) { printf(\"%s\\n\", a); return (int)strlen(a); }\n";
    files::write(&root.join("small.c"), small)?;
    let mut heavy = String::from("#include <vector>\n#include <string>\n#include <map>\n#include <regex>\n");
    let mut calls = String::new();
    for n in 0..HEADERS {
        let before = if n % 10 == 0 { String::new() } else { format!("#include \"sub/h{}.h\"\n", n - 1) };
        let header = format!(
            "#pragma once\n{before}template <class T> struct S{n} {{ T a; T f(T b) {{ return a + b * {n}; }} }};\n\
             inline int g{n}(int x) {{ S{n}<int> s{{x}}; return s.f({n}); }}\n"
        );
        files::write(&root.join(format!("include/sub/h{n}.h")), header)?;
        if n % 10 == 9 {
            let _ = writeln!(heavy, "#include \"sub/h{n}.h\"");
        }
        let _ = write!(calls, "r += g{n}({n});");
    }
    let _ = write!(
        heavy,
        "int x = X;\nint main(int, char **v) {{ std::map<std::string, std::vector<int>> m; int r = 0; {calls}\n\
         std::regex e(v[0]); return r + (int)m.size() + std::regex_match(v[0], e); }}\n"
    );
    files::write(&root.join("heavy.cc"), heavy)
}

impl Way {
    fn compile(&self, unit: &Unit, root: &Path, define: &str) -> Outcome<Usage> {
        let mut words = self.prefix.iter().map(|path| path.as_os_str().to_owned());
        let own = unit.command.iter().map(|word| (*word).into());
        let mut words = words.by_ref().chain(own).collect::<Vec<std::ffi::OsString>>().into_iter();
        let mut command = self.environment.command(words.next().unwrap_or_default());
        quiet(command.args(words).arg(define).current_dir(root))
    }

    /// The environment in which a whole build goes through this way.
    fn wired(&self, kit_path: &Path) -> (Vec<String>, Environment) {
        let mut environment = self.environment.clone();
        match self.name {
            "plain" => (Vec::new(), environment),
            "kiln" => (vec![self.prefix[0].display().to_string(), "run".into(), "--".into()], environment),
            _ => {
                environment.prepend_path(kit_path.to_owned());
                (Vec::new(), environment)
            }
        }
    }
}

fn quiet(command: &mut Command) -> Outcome<Usage> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let usage = measure::run(command).map_err(|error| error.to_string())?;
    match usage.code {
        Some(0) => Ok(usage),
        code => Err(format!("{command:?} ended with {code:?}")),
    }
}

fn misses(unit: &Unit, ways: &[Way], root: &Path, n: usize) -> Outcome<Vec<Vec<String>>> {
    ways.iter().try_for_each(|way| way.compile(unit, root, "-DX=-1").map(drop))?;
    let mut usages: Vec<Vec<Usage>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..n {
        for turn in 0..ways.len() {
            let at = (turn + round) % ways.len();
            usages[at].push(ways[at].compile(unit, root, &format!("-DX={round}"))?);
        }
    }
    Ok(rows(&format!("{}, missed", unit.name), ways, &usages))
}

fn hits(unit: &Unit, ways: &[Way], root: &Path, n: usize) -> Outcome<Vec<Vec<String>>> {
    let mut usages: Vec<Vec<Usage>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..n {
        for turn in 0..ways.len() {
            let at = (turn + round) % ways.len();
            if ways[at].name != "plain" {
                usages[at].push(ways[at].compile(unit, root, "-DX=-1")?);
            }
        }
    }
    Ok(rows(&format!("{}, hit", unit.name), ways, &usages))
}

/// Whole builds from a copy of the sources: with an empty cache, and again with what that left.
fn builds(project: &Path, line: &str, ways: &[Way], root: &Path, n: usize) -> Outcome<Vec<Vec<String>>> {
    let masks = root.join("ccache-names");
    files::make(&masks)?;
    for name in ["cc", "gcc", "c++", "g++"] {
        if let Some(ccache) = ways.iter().find(|way| way.name == "ccache") {
            let _ = std::os::unix::fs::symlink(&ccache.prefix[0], masks.join(name));
        }
    }
    let sources = root.join("src");
    let mut cold: Vec<Vec<Usage>> = ways.iter().map(|_| Vec::new()).collect();
    let mut warm: Vec<Vec<Usage>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..n {
        for turn in 0..ways.len() {
            let at = (turn + round) % ways.len();
            let way = &ways[at];
            let build = || {
                files::renew(&sources)?;
                copy(project, &sources)?;
                measure::settle();
                let (prefix, environment) = way.wired(&masks);
                let mut words = prefix.into_iter().chain(["sh".into(), "-c".into(), line.to_owned()]);
                let mut command = environment.command(words.next().unwrap_or_default());
                quiet(command.args(words).current_dir(&sources))
            };
            files::renew(&way.cache)?;
            cold[at].push(build()?);
            if way.name != "plain" {
                warm[at].push(build()?);
            }
        }
    }
    let mut all = rows("whole build, cold", ways, &cold);
    all.extend(rows("whole build, warm", ways, &warm));
    Ok(all)
}

fn rows(what: &str, ways: &[Way], usages: &[Vec<Usage>]) -> Vec<Vec<String>> {
    let wall = |usages: &[Usage]| usages.iter().map(|usage| usage.wall_s * 1e3).collect::<Vec<f64>>();
    let cpu = |usages: &[Usage]| usages.iter().map(|usage| usage.cpu_s * 1e3).collect::<Vec<f64>>();
    let plain = &usages[0];
    let row = |(way, usages): (&Way, &Vec<Usage>)| {
        let held = !plain.is_empty();
        let ratio = if held { number(paired_ratio(&wall(usages), &wall(plain)), 3) } else { "-".into() };
        let added = if held { number(paired_difference(&cpu(usages), &cpu(plain)), 1) } else { "-".into() };
        vec![what.to_owned(), way.name.to_owned(), number(median(wall(usages)), 2), ratio, added]
    };
    ways.iter().zip(usages).filter(|(_, usages)| !usages.is_empty()).map(row).collect()
}

/// A copy of a tree with its times: make and configure look at them.
fn copy(from: &Path, to: &Path) -> Outcome<()> {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from.join(".")).arg(to);
    quiet(&mut command).map(drop)
}

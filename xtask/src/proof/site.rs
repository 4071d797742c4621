//! One project in one way: built with and without kiln, in one directory and in another one, and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kiln_action::Digest;

use kiln_testkit::{Random, Stats, tree};

use super::projects::{Project, Way, Wiring};
use super::{Options, Outcome};
use crate::bench::environment::Environment;
use crate::bench::{files, measure};

/// What all projects share.
pub struct Workplace {
    /// Where everything lies.
    pub root: PathBuf,
    /// The kiln binary.
    pub kiln: PathBuf,
    /// What builds start from.
    pub environment: Environment,
}

/// What came out of it. Pairs are hits, and all that was looked up.
#[derive(Default)]
pub struct Proven {
    /// The version of the sources.
    pub version: String,
    /// Compiles in a cold build.
    pub units: i64,
    /// Files that were compared in a build.
    pub compared: usize,
    /// Files that two plain builds make differently.
    pub unstable: BTreeSet<PathBuf>,
    /// Built again from fresh sources.
    pub warm: (i64, i64),
    /// In another directory.
    pub elsewhere: (i64, i64),
    /// After a header was edited, and after that was taken back.
    pub edited: (i64, i64),
    /// Other flags, with the hits of the second build.
    pub mutations: Vec<String>,
    /// The project's own tests.
    pub tests: String,
    /// What is not as it is without kiln.
    pub wrong: Vec<String>,
}

/// Digests of what a build made, by path.
type Made = BTreeMap<PathBuf, Digest>;

/// Flags that are drawn, one of each line.
const DRAWN: [&[&str]; 5] = [
    &["-O0", "-O1", "-O2", "-O3", "-Os"],
    &["", "-g", "-g1", "-ggdb3", "-gsplit-dwarf"],
    &["", "-fPIC"],
    &["", "-DKILN_PROOF=1", "-DKILN_PROOF=2", "-DNDEBUG"],
    &[
        "",
        "-ffunction-sections -fdata-sections",
        "-fstack-protector-strong",
        "-march=native",
        "-Wall -Wextra",
    ],
];

/// Builds and compares. An error is a build that fails without kiln, too.
pub fn prove(work: &Workplace, project: &Project, way: &Way, options: &Options) -> Outcome<Proven> {
    let origin = sources(work, project)?;
    let lane = work.root.join("builds").join(project.package);
    files::renew(&lane)?;
    let site = Site { work, way, origin: &origin, lane: &lane };
    let (here, there) = (lane.join("one/here"), lane.join("some/where/else"));
    let plain = Maker { flags: way.flags, kiln: false };
    let kiln = Maker { flags: way.flags, kiln: true };
    let mut proven = Proven { version: version(&origin), ..Proven::default() };

    let expected = site.built(&here, plain)?.0;
    let again = site.built(&here, plain)?.0;
    proven.unstable = differing(&expected, &again);
    proven.unstable.iter().for_each(|path| eprintln!("proof: another one every time: {}", path.display()));
    proven.compared = expected.len() - proven.unstable.len();
    site.edit(&here, true)?;
    site.run(&here, plain, way.build)?;
    let expected_edited = made(&here);

    let (is, cold) = site.built(&here, kiln)?;
    proven.units = looked_up(&cold).1;
    proven.hold("cold", &expected, &is);
    let (is, warm) = site.built(&here, kiln)?;
    proven.warm = looked_up(&warm);
    proven.hold("warm", &expected, &is);
    proven.tests = if options.no_tests { "left out".into() } else { site.tested(&here, &mut proven.wrong) };

    site.built(&here, kiln)?; // (tests leave things behind)
    site.edit(&here, true)?;
    site.run(&here, kiln, way.build)?;
    proven.hold("after an edit", &expected_edited, &made(&here));
    let before = site.stats()?;
    site.edit(&here, false)?;
    site.run(&here, kiln, way.build)?;
    proven.hold("after the edit was taken back", &expected, &made(&here));
    proven.edited = looked_up(&(&site.stats()? - &before));

    let expected_there = site.built(&there, plain)?.0;
    let (is, elsewhere) = site.built(&there, kiln)?;
    proven.elsewhere = looked_up(&elsewhere);
    proven.hold("in another directory", &expected_there, &is);
    files::remove(&there)?;

    let mut random = Random::new(options.seed);
    for _ in 0..options.mutations {
        let flags = drawn(project, &mut random);
        let (plain, kiln) = (Maker { flags: &flags, ..plain }, Maker { flags: &flags, ..kiln });
        let expected = site.built(&here, plain)?.0;
        for step in ["cold", "warm"] {
            let (is, stats) = site.built(&here, kiln)?;
            proven.hold(&format!("{step} with {flags}"), &expected, &is);
            if step == "warm" {
                let (hits, units) = looked_up(&stats);
                proven.mutations.push(format!("`{flags}`: {hits} of {units}"));
            }
        }
    }
    let (is, _) = site.built(&here, kiln)?;
    proven.hold("with the first flags again", &expected, &is);
    if proven.wrong.is_empty() {
        files::remove(&lane)?;
    }
    Ok(proven)
}

impl Proven {
    fn hold(&mut self, when: &str, expected: &Made, is: &Made) {
        let differing = differing(expected, is);
        let wrong = differing.iter().filter(|path| !self.unstable.contains(*path));
        self.wrong.extend(wrong.map(|path| format!("{when}: {} differs or is missing", path.display())));
        let more = is.keys().filter(|path| !expected.contains_key(*path));
        self.wrong.extend(more.map(|path| format!("{when}: {} should not be there", path.display())));
    }
}

/// Who builds.
#[derive(Clone, Copy)]
struct Maker<'a> {
    flags: &'a str,
    kiln: bool,
}

struct Site<'a> {
    work: &'a Workplace,
    way: &'a Way,
    origin: &'a Path,
    lane: &'a Path,
}

impl Site<'_> {
    /// What comes of fresh sources, and what kiln did for it.
    fn built(&self, at: &Path, maker: Maker<'_>) -> Outcome<(Made, Stats)> {
        self.configured(at, maker)?;
        let before = self.stats()?;
        self.run(at, maker, self.way.build)?;
        let done = &self.stats()? - &before;
        Ok((made(at), done))
    }

    /// Fresh sources with their times, which make and configure look at.
    fn configured(&self, at: &Path, maker: Maker<'_>) -> Outcome<()> {
        let by = if maker.kiln { "kiln" } else { "plain" };
        eprintln!("proof:   {by} in {} with {}", at.display(), maker.flags);
        files::renew(at)?;
        measure::output(Command::new("cp").arg("-a").arg(self.origin.join(".")).arg(at))?;
        self.run(at, maker, self.way.configure)
    }

    fn run(&self, at: &Path, maker: Maker<'_>, script: &str) -> Outcome<()> {
        if script.is_empty() {
            return Ok(());
        }
        let launcher = self.way.wiring == Wiring::Launcher && maker.kiln;
        let mut environment = self.environment();
        environment.set("FLAGS", maker.flags);
        environment.set("LAUNCHER", if launcher { self.work.kiln.as_os_str() } else { "".as_ref() });
        let mut command = match maker.kiln && !launcher {
            true => environment.command(&self.work.kiln),
            false => environment.command("sh"),
        };
        if maker.kiln && !launcher {
            command.args(["run", "--", "sh"]);
        }
        self.finish(command.args(["-e", "-c", script]).current_dir(at))
    }

    /// Its own tests, on what lies there.
    fn tested(&self, at: &Path, wrong: &mut Vec<String>) -> String {
        let mut command = self.environment().command("sh");
        match self.finish(command.args(["-e", "-c", self.way.tests]).current_dir(at)) {
            Ok(()) => format!("{}: passed", self.way.tested),
            Err(error) => {
                wrong.push(format!("its tests: {error}"));
                format!("**{}: failed**", self.way.tested)
            }
        }
    }

    /// Runs to the end, with what it says in a file.
    fn finish(&self, command: &mut Command) -> Outcome<()> {
        let log = self.lane.join("log");
        let (out, err) = (files::create(&log)?, fs::OpenOptions::new().append(true).open(&log));
        let err = err.map_err(files::about(&log))?;
        let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status();
        let status = status.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&files::read(&log)?).into_owned();
        let last = output.lines().rev().take(15).collect::<Vec<_>>().into_iter().rev();
        let script = command.get_args().last().unwrap_or_default().to_string_lossy();
        Err(format!("{script}: {status}\n{}", last.collect::<Vec<_>>().join("\n")))
    }

    /// A cache of its own, and no language but one.
    fn environment(&self) -> Environment {
        let mut environment = self.work.environment.clone();
        environment.set("KILN_DIR", self.lane.join("cache"));
        environment.set("LC_ALL", "C.UTF-8");
        environment.set("CCACHE_DISABLE", "1"); // (some projects put it in front where they find it)
        environment
    }

    fn stats(&self) -> Outcome<Stats> {
        let mut command = self.environment().command(&self.work.kiln);
        Ok(Stats::parse(&measure::output(command.args(["stats", "--json"]))?))
    }

    /// A line more at the top of a header, or the header as it was.
    fn edit(&self, at: &Path, edited: bool) -> Outcome<()> {
        let text = files::read(&self.origin.join(self.way.header))?;
        let line: &[u8] = if edited { b"#define KILN_EDITED 1\n" } else { b"" };
        files::write(&at.join(self.way.header), [line, &text].concat())
    }
}

/// What a build made of it: objects, archives, programs, rules for make, and what else compilers write. By content, so
/// that programs without an ending count.
fn made(at: &Path) -> Made {
    const ENDINGS: [&str; 8] = ["o", "lo", "d", "a", "dwo", "su", "gcno", "i"];
    let binary = |bytes: &[u8]| bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"!<arch>\n");
    // (what build tools try out has names that nobody chose)
    let tried = |path: &Path| {
        const TRIED: [&str; 7] = [
            "CMakeScratch",
            "CheckTypeSize",
            "CompilerId",
            "meson-private",
            "CMakeFiles/3",
            "conftest",
            "ztest",
        ];
        TRIED.iter().any(|name| path.to_string_lossy().contains(name))
    };
    let of = |path: PathBuf| {
        let bytes = fs::read(at.join(&path)).ok()?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let ours = !tried(&path) && (ENDINGS.contains(&ending) || binary(&bytes));
        ours.then(|| (path, Digest::of(&bytes)))
    };
    tree::files(at).into_iter().filter_map(of).collect()
}

fn differing(expected: &Made, is: &Made) -> BTreeSet<PathBuf> {
    let differs = expected.iter().filter(|(path, digest)| is.get(*path) != Some(*digest));
    differs.map(|(path, _)| path.clone()).collect()
}

fn looked_up(stats: &Stats) -> (i64, i64) {
    (stats.hits, stats.hits + stats.misses)
}

fn drawn(project: &Project, random: &mut Random) -> String {
    let mut flags: Vec<&str> = DRAWN.iter().map(|choices| *random.pick(choices)).collect();
    flags.push(random.pick::<&str>(project.standards));
    flags.retain(|flag| !flag.is_empty());
    flags.join(" ")
}

/// The unpacked source package, fetched if it is not there.
fn sources(work: &Workplace, project: &Project) -> Outcome<PathBuf> {
    let directory = work.root.join("sources");
    let found = || unpacked(&directory, project.folder);
    if let Some(found) = found()? {
        return Ok(found);
    }
    let mut apt = work.environment.command("apt-get");
    apt.args(["source", "--quiet", "--download-only", "--only-source", project.package]);
    measure::output(apt.current_dir(&directory))
        .map_err(|error| format!("{error}\n(apt needs a line deb-src for this)"))?;
    let of_package = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with(&format!("{}_", project.package)) && name.ends_with(".dsc")
    };
    let described = files::entries(&directory)?.into_iter().find(of_package);
    let described = described.ok_or_else(|| format!("apt-get source {} fetched no .dsc", project.package))?;
    // As its authors wrote it: Debian's changes are made for Debian's own way of building it.
    let mut unpack = work.environment.command("dpkg-source");
    unpack.args(["--skip-patches", "--extract"]).arg(&described).current_dir(&directory);
    measure::output(&mut unpack).map_err(|error| format!("{error}\n(dpkg-source is in dpkg-dev)"))?;
    found()?.ok_or_else(|| format!("dpkg-source {} unpacked no {}*", project.package, project.folder))
}

/// `FOLDER` and then a version.
fn unpacked(directory: &Path, folder: &str) -> Outcome<Option<PathBuf>> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let version = name.strip_prefix(folder).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        path.is_dir() && version.starts_with(|first: char| first.is_ascii_digit())
    };
    Ok(files::entries(directory)?.into_iter().find(fits))
}

fn version(origin: &Path) -> String {
    let name = origin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit_once('-').map_or(name.clone(), |(_, version)| version.to_owned())
}

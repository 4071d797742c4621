//! Random C projects and random histories of edits: after each, some of their sources are compiled through kiln, with one
//! cache for all, and by the bare compiler in the same place.
//!
//! There are two checkouts, edited together or apart. A few command lines are drawn once and used again and again, so that
//! most compiles can be hits; what they read changes under them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use kiln_testkit::{Random, TestSpace};

use super::{Did, Site, remove, there_is};
use crate::world::nanos_now;

/// Compiles in one history.
pub const STEPS: usize = 30;

const DIRECTORIES: [&str; 7] = ["src", "src/sub", "inc0", "inc1", "inc2", "sys", "."];
const HEADERS: [&str; 4] = ["h0.h", "h1.h", "h2.h", "h3.h"];
const SOURCES: [(&str, Language); 6] = [
    ("src/a.c", Language::C),
    ("src/sub/a.c", Language::C),
    ("b.c", Language::C),
    ("src/d.cc", Language::Cxx),
    ("d.cpp", Language::Cxx),
    ("src/s.S", Language::Assembler),
];
const CHECKOUTS: [&str; 2] = ["ws", "deeper/checkout-with-a-longer-name"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    C,
    Cxx,
    Assembler,
}

/// A command line; `{}` stands for the checkout's directory.
#[derive(Debug, Clone)]
struct Line {
    compiler: &'static str,
    args: Vec<String>,
    variables: Vec<(&'static str, String)>,
    remap: bool,
}

struct History<'a> {
    random: Random,
    space: &'a TestSpace,
    compilers: Vec<(&'static str, &'static str)>,
    lines: Vec<Line>,
    steps: Vec<String>,
    hits: usize,
}

/// Plays one history of `steps` compiles. Panics with the seed and the whole history at the first difference.
pub fn play(seed: u64, steps: usize) {
    let space = TestSpace::new();
    let mut compilers = vec![("gcc", "g++")];
    if there_is("clang") && there_is("clang++") {
        compilers.push(("clang", "clang++"));
    }
    let random = Random::new(seed);
    let mut history =
        History { random, space: &space, compilers, lines: Vec::new(), steps: Vec::new(), hits: 0 };
    history.begin();
    for step in 0..steps {
        if let Err(difference) = history.step(step) {
            let steps = history.steps.join("\n  ");
            panic!("KILN_FUZZ_SEED={seed} (step {step}): {difference}\n\nthe history:\n  {steps}");
        }
    }
    history.ends_with_hits(seed);
}

impl History<'_> {
    fn begin(&mut self) {
        for (source, language) in SOURCES {
            let text = self.source(language);
            self.write_everywhere(source, &text);
        }
        for _ in 0..16 {
            let path = self.slot();
            let text = self.header();
            self.write_everywhere(&path, &text);
        }
        for checkout in CHECKOUTS {
            for directory in DIRECTORIES.iter().chain(&["out"]) {
                fs::create_dir_all(self.space.path(checkout).join(directory)).expect("mkdir");
            }
        }
        self.write_everywhere("options.h", "#define V2 5\n");
        self.write_everywhere("options.rsp", "-DRSP=9");
        self.write_everywhere("inner.rsp", "-DRSP=8");
        self.steps.clear();
        for _ in 0..5 {
            let line = self.line();
            self.lines.push(line);
        }
        if self.random.chance(30) {
            for checkout in CHECKOUTS {
                fs::create_dir(self.space.path(checkout).join(".git")).expect("mkdir");
            }
        }
    }

    fn write_everywhere(&mut self, path: &str, text: &str) {
        for checkout in CHECKOUTS {
            let path = self.space.path(checkout).join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
            fs::write(path, text).expect("write");
        }
    }

    fn step(&mut self, step: usize) -> Result<(), String> {
        if step > 0 && self.random.chance(60) {
            for _ in 0..=self.random.below(2) {
                self.edit();
            }
        }
        if self.random.chance(6) {
            let at = self.random.below(self.lines.len());
            self.lines[at] = self.line();
        }
        let line = self.lines[self.random.below(self.lines.len())].clone();
        let checkout = CHECKOUTS[usize::from(self.random.chance(35))];
        if self.random.chance(30) {
            let out = self.space.path(checkout).join("out");
            remove(&out);
            fs::create_dir(out).expect("mkdir");
            self.steps.push("emptied out".to_owned());
        }
        self.compile(&line, checkout).map(drop)
    }

    fn compile(&mut self, line: &Line, checkout: &'static str) -> Result<Did, String> {
        let mut site = Site::new(self.space, checkout);
        let root = self.space.path(checkout).to_str().expect("UTF-8").to_owned();
        let here = |text: &String| text.replace("{}", &root);
        for (name, value) in &line.variables {
            site.variables.push(((*name).into(), here(value).into()));
        }
        if line.remap {
            site.variables.push(("KILN_REMAP".into(), "1".into()));
            let own = line
                .args
                .iter()
                .any(|arg| arg.starts_with("-ffile-prefix") || arg.starts_with("-fdebug-prefix"));
            let map = format!("-ffile-prefix-map={root}=/kiln/workspace");
            site.added = if own { Vec::new() } else { vec![map.into()] };
        }
        let args: Vec<String> = line.args.iter().map(here).collect();
        let found = site.compare(line.compiler, &args);
        let did = found.as_ref().map_or("DIFFERS".to_owned(), ToString::to_string);
        let variables: Vec<_> =
            line.variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let remap = if line.remap { "KILN_REMAP=1 " } else { "" };
        self.steps.push(format!(
            "{remap}{}{} {} in {checkout}: {did}",
            variables.concat(),
            line.compiler,
            line.args.join(" ")
        ));
        self.hits += usize::from(found == Ok(Did::Hit));
        found
    }

    /// Everything compiled twice more: the second time nothing has changed.
    fn ends_with_hits(&mut self, seed: u64) {
        for line in self.lines.clone() {
            let found = [self.compile(&line, CHECKOUTS[0]), self.compile(&line, CHECKOUTS[0])];
            let steps = self.steps.join("\n  ");
            match &found {
                [Ok(_), Ok(Did::Hit | Did::Failed)] | [Ok(Did::Bypass(_)), Ok(Did::Bypass(_))] => {}
                [_, Err(difference)] | [Err(difference), _] => {
                    panic!("KILN_FUZZ_SEED={seed} (at the end): {difference}\n\nthe history:\n  {steps}")
                }
                _ => panic!("KILN_FUZZ_SEED={seed}: no hit at the end\n\nthe history:\n  {steps}"),
            }
        }
    }

    fn slot(&mut self) -> String {
        format!("{}/{}", self.random.pick(&DIRECTORIES), self.random.pick(&HEADERS))
    }

    fn edit(&mut self) {
        let checkouts: &[&str] = match self.random.below(4) {
            0 => &CHECKOUTS[..1],
            1 => &CHECKOUTS[1..],
            _ => &CHECKOUTS,
        };
        let path = self.slot();
        let other = self.slot();
        let text = self.header();
        let chosen = self.random.below(24);
        let (source, language) = *self.random.pick(&SOURCES);
        let source_text = self.source(language);
        let (one, two) = (2 + self.random.below(3), 2 + self.random.below(3));
        let line = self.random.below(4);
        for checkout in checkouts {
            let root = self.space.path(checkout);
            let edit = match chosen {
                0..=5 | 8 => replace(&root.join(&path), |at| fs::write(at, &text).expect("write")),
                6 | 7 => replace(&root.join(&path), |_| {}),
                9 => replace(&root.join(&path), |at| fs::create_dir(at).expect("mkdir")),
                10 => replace(&root.join(&path), |at| symlink(root.join(&other), at).expect("symlink")),
                11 => replace(&root.join(&path), |at| symlink(format!("../{other}"), at).expect("symlink")),
                12 | 13 => swap(&root.join(&path), &root.join(&other)),
                14 | 15 => sneak(&root.join(&path), &text),
                16 => replace(&root.join(source), |at| fs::write(at, &source_text).expect("write")),
                17 => swap(&root.join(DIRECTORIES[one]), &root.join(DIRECTORIES[two])),
                18 if one != two => replace(&root.join(DIRECTORIES[one]), |at| {
                    symlink(DIRECTORIES[two], at).expect("symlink");
                }),
                19 => replace(&root.join(DIRECTORIES[one]), |at| fs::create_dir(at).expect("mkdir")),
                20 => replace(&root.join(format!("{path}.gch")), |at| fs::write(at, "junk").expect("write")),
                21 => replace(&root.join(format!("{path}.gch")), |_| {}),
                22 => replace(&root.join("options.rsp"), |at| {
                    let words = ["-DRSP=1", "-DRSP='2'", "\"-DRSP=3\" -O1", "@inner.rsp"];
                    fs::write(at, words[line]).expect("write");
                }),
                _ => replace(&root.join("inner.rsp"), |at| {
                    fs::write(at, format!("-DRSP={line}\n")).expect("write");
                }),
            };
            self.steps.push(format!("edit {chosen} {checkout}: {edit} ({path}, {other}, {text:?})"));
        }
    }

    fn header(&mut self) -> String {
        let number = self.random.below(4);
        let other = *self.random.pick(&HEADERS);
        let own = self.random.below(3);
        let body = match self.random.below(14) {
            0 if number == 0 => format!("#include <{other}>\n"),
            0 | 1 => format!("#if __has_include(<{other}>)\n#include <{other}>\n#endif\n"),
            2 => format!("#if __has_include(\"{other}\")\n#include \"{other}\"\n#endif\n"),
            3 => format!("#if __has_include(<{other}>)\n#define HAS{own} {number}\n#endif\n"),
            4 => format!("#if __has_include(\"sub/{other}\")\n#include \"sub/{other}\"\n#endif\n"),
            5 => "#warning seen\n".to_owned(),
            6 => "#define HERE __FILE__\n".to_owned(),
            7 => "#define LENGTH sizeof(__FILE__)\n".to_owned(),
            8 => format!("#ifndef __ASSEMBLER__\nstatic int unused{number}(void) {{ int u; return 1; }}\n#endif\n"),
            9 => format!("#if __has_include_next(<{other}>)\n#include_next <{other}>\n#endif\n"),
            10 => "#ifndef __ASSEMBLER__\n#include <assert.h>\n#include <stddef.h>\n#endif\n#define ASSERT assert\n".to_owned(),
            _ => String::new(),
        };
        let guard = match self.random.below(4) {
            0 => "#pragma once\n".to_owned(),
            _ => String::new(),
        };
        let depth = "#if __INCLUDE_LEVEL__ < 8\n";
        format!("{guard}{depth}#undef V{own}\n#define V{own} {number}\n{body}#endif\n")
    }

    fn source(&mut self, language: Language) -> String {
        let mut text = String::new();
        for _ in 0..=self.random.below(3) {
            let name = *self.random.pick(&HEADERS);
            let include = match self.random.below(5) {
                0 if self.random.chance(20) => format!("#include <{name}>\n"),
                1 => format!("#if __has_include(\"../inc1/{name}\")\n#include \"../inc1/{name}\"\n#endif\n"),
                2 => format!(
                    "#if __has_include(<{name}>)\n#include <{name}>\n#else\n#define MISSING\n#endif\n"
                ),
                _ => format!("#if __has_include(\"{name}\")\n#include \"{name}\"\n#endif\n"),
            };
            text.push_str(&include);
        }
        let values = "#ifndef V0\n#define V0 -1\n#endif\n#ifndef V1\n#define V1 -1\n#endif\n#ifndef RSP\n#define RSP 0\n#endif\n";
        text.push_str(values);
        if language == Language::Assembler {
            text.push_str(".text\nstart:\n nop\n.data\n.long V0, V1, RSP\n");
            if self.random.chance(30) {
                text.push_str(".incbin \"inc0/h0.h\"\n");
            }
            return text;
        }
        text.push_str("int values[] = { V0, V1, RSP };\n#ifdef MISSING\nint missing;\n#endif\n");
        text.push_str(
            "#ifdef HERE\nconst char *here = HERE;\n#endif\n#ifdef LENGTH\nint length = LENGTH;\n#endif\n",
        );
        text.push_str("#ifdef ASSERT\nvoid check(int n) { ASSERT(n > V0); }\n#endif\n");
        text.push_str(match self.random.below(5) {
            0 => "const char *own = __FILE__;\n",
            1 => "int own_length = sizeof(__FILE__);\n",
            2 => "int warned(int a) { int unused; return a; }\n",
            3 if language == Language::Cxx => "namespace { struct S { S(); int v; }; }\ntemplate <class T> T twice(T t) { return t + t; }\nint t(int a) { return twice(a); }\n",
            _ => "int sum(int n) { int s = 0; for (int i = 0; i < n; i++) s += values[i % 3]; return s; }\n",
        });
        text
    }

    fn line(&mut self) -> Line {
        let (source, language) = *self.random.pick(&SOURCES);
        let (c, cxx) = *self.random.pick(&self.compilers);
        let compiler = if language == Language::Cxx { cxx } else { c };
        let mut args = vec![self.spelled(source)];
        let stage = if language == Language::Assembler {
            "-c"
        } else {
            ["-c", "-c", "-c", "-c", "-S", "-E"][self.random.below(6)]
        };
        args.push(stage.to_owned());
        self.directories(&mut args);
        self.outputs(&mut args, stage);
        for _ in 0..self.random.below(4) {
            let flags = self.flags(stage, language);
            args.extend(flags);
        }
        if self.random.chance(30) {
            self.random.shuffle_tail(&mut args);
        }
        let mut variables = Vec::new();
        if self.random.chance(20) {
            let name = *self.random.pick(&["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"]);
            let value = self.random.pick(&["{}/inc2", "inc2", "{}/inc2:sys", "", "{}//inc0"]);
            variables.push((name, (*value).to_owned()));
        }
        if self.random.chance(10) {
            variables.push(("LC_ALL", (*self.random.pick(&["C", "C.UTF-8"])).to_owned()));
        }
        Line { compiler, args, variables, remap: self.random.chance(25) }
    }

    fn spelled(&mut self, path: &str) -> String {
        match self.random.below(10) {
            0..=4 => path.to_owned(),
            5 => format!("./{path}"),
            6 => format!("{{}}//{path}"),
            7 => format!("src/../{path}"),
            _ => format!("{{}}/{path}"),
        }
    }

    fn directories(&mut self, args: &mut Vec<String>) {
        let mut directories = vec!["inc0", "inc1", "inc2", "sys", ".", "src"];
        self.random.shuffle(&mut directories);
        for directory in &directories[..1 + self.random.below(4)] {
            let option = *self.random.pick(&["-I", "-I", "-I", "-isystem", "-iquote", "-idirafter"]);
            let path = self.spelled(directory);
            match self.random.below(3) {
                0 if option == "-I" => args.push(format!("-I{path}")),
                _ => args.extend([option.to_owned(), path]),
            }
        }
    }

    fn outputs(&mut self, args: &mut Vec<String>, stage: &str) {
        let name = *self.random.pick(&["out/x.o", "out/y.o", "out/z", "x.o", "out/n.a.o"]);
        let none = stage == "-E" || self.random.chance(85);
        if none {
            let path = self.spelled(name);
            args.extend(["-o".to_owned(), path]);
        }
        if stage != "-E" && self.random.chance(50) {
            args.push((*self.random.pick(&["-MD", "-MMD"])).to_owned());
            let more: &[&str] = match self.random.below(7) {
                0 => &["-MP"],
                1 => &["-MF", "out/x.dep"],
                2 => &["-MT", "target", "-MQ", "a$b"],
                3 => &["-MF", "{}/out/y.dep", "-MT", "{}/out/x.o"],
                _ => &[],
            };
            args.extend(more.iter().map(|arg| (*arg).to_owned()));
        }
    }

    fn flags(&mut self, stage: &str, language: Language) -> Vec<String> {
        const ANY: [&[&str]; 28] = [
            &["-O2"],
            &["-O1"],
            &["-g"],
            &["-g", "-O2"],
            &["-g3"],
            &["-g0"],
            &["-Wall", "-Wextra"],
            &["-Wall", "-Werror"],
            &["-w"],
            &["-DHERE=__FILE__"],
            &["-DV0=7"],
            &["-UV0"],
            &["-DLENGTH=sizeof(HERE)"],
            &["-fPIC"],
            &["-include", "h1.h"],
            &["-imacros", "options.h"],
            &["-include", "options.h"],
            &["@options.rsp"],
            &["@options.rsp", "-I{}/inc0"],
            &["-ffile-prefix-map={}=."],
            &["-fmacro-prefix-map={}/=m/"],
            &["-fdebug-prefix-map={}=/debug"],
            &["-fdiagnostics-color=always"],
            &["-H"],
            &["-pipe"],
            &["-fverbose-asm"],
            &["-march=native"],
            &["-ffunction-sections", "-fdata-sections"],
        ];
        const OBJECTS: [&[&str]; 5] = [
            &["-gsplit-dwarf", "-g"],
            &["-fstack-usage"],
            &["--coverage", "-frandom-seed=1"],
            &["-flto", "-frandom-seed=1"],
            &["-fprofile-generate", "-frandom-seed=1"],
        ];
        let object = stage == "-c" && language != Language::Assembler && self.random.chance(25);
        let flags = if object { *self.random.pick(&OBJECTS) } else { *self.random.pick(&ANY) };
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }
}

/// Another order of the words behind the first two, as far as words with a value allow: such stay where they are.
trait Shuffle {
    fn shuffle_tail(&mut self, args: &mut Vec<String>);
}

impl Shuffle for Random {
    fn shuffle_tail(&mut self, args: &mut Vec<String>) {
        let first = args.remove(0);
        let at = self.below(2);
        if at == 0 { args.insert(0, first) } else { args.push(first) }
    }
}

/// Removes what is there and makes something else.
fn replace(path: &Path, make: impl FnOnce(&Path)) -> String {
    let existing = path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok());
    if !existing {
        return "nothing, its directory is no directory".to_owned();
    }
    remove(path);
    make(path);
    format!("now {:?}", fs::symlink_metadata(path).map(|meta| meta.file_type()).ok())
}

/// Exchanges two things by renaming: both keep their times.
fn swap(one: &Path, two: &Path) -> String {
    let between: PathBuf = one.with_file_name("swapping");
    let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
    if one == two || one.starts_with(two) || two.starts_with(one) {
        return "nothing to swap".to_owned();
    }
    for (from, to) in [(one, between.as_path()), (two, one), (between.as_path(), two)] {
        if exists(from) && to.parent().is_some_and(Path::is_dir) {
            let _ = fs::rename(from, to);
        }
    }
    remove(&between);
    "swapped".to_owned()
}

/// Other bytes in place, the time put back: nothing but content and change time tell.
fn sneak(path: &Path, text: &str) -> String {
    let Ok(before) = fs::metadata(path).and_then(|meta| meta.modified()) else {
        return "nothing to change".to_owned();
    };
    if !path.is_file() || fs::write(path, text).is_err() {
        return "nothing to change".to_owned();
    }
    File::options().append(true).open(path).and_then(|file| file.set_modified(before)).expect("mtime");
    "changed, with its old time".to_owned()
}

/// Seeds and length from the environment, for runs longer than CI's: `KILN_FUZZ_SEED` (the first seed) and
/// `KILN_FUZZ_ROUNDS` (how many seeds).
pub fn play_from_environment() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let (seed, rounds) = (number("KILN_FUZZ_SEED"), number("KILN_FUZZ_ROUNDS"));
    let first = seed.unwrap_or_else(|| nanos_now() as u64);
    for offset in 0..rounds.unwrap_or(u64::from(seed.is_some())) {
        play(first.wrapping_add(offset), STEPS);
    }
}

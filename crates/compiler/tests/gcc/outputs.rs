//! What is written: exactly what was declared; and under equal keys equal bytes.

use crate::compilers::{Compiler, Room, installed, key, parse, run, words};
use kiln_action::{Family, Invocation};
use kiln_compiler::gcc::wrapping::wrap;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const SOURCE: &str = "#include \"h.h\"\n#include <stdio.h>\nstatic int third(int x) { return x / 3; }\n\
    int f(int x, int y) { int a[3] = {x, 1, 2}; printf(\"%d\", third(x)); return (a[x & 1] + held(a)) << y; }\n\
    __attribute__((constructor)) static void start(void) { puts(\"x\"); }\n";
const HEADER: &str = "#pragma once\n#define H 1\nstatic inline int held(int *p) { return p[3] / p[1]; }\n";
const ASSEMBLER: &str = ".text\n.globl f\nf:\n nop\n";

fn furnish(room: &Room) {
    room.write("src/y.c", SOURCE);
    room.write("src/y.cc", &SOURCE.replace("(void)", "()"));
    room.write("src/y.i", "static int g(int x) { return x; }\nint f(int x) { return g(x); }\n");
    room.write("src/y.S", ASSEMBLER);
    room.write("src/y.s", ASSEMBLER);
    room.write("inc/h.h", HEADER);
    room.write("src/words.rsp", "-DQUOTED=\"a b\" @src/more.rsp\n");
    room.write("src/more.rsp", "'-DMORE=1'\n-O1");
}

/// Files by their places in the plan.
type Written = Vec<Option<Vec<u8>>>;

struct Compiled {
    invocation: Invocation,
    written: Written,
}

/// Compiles and checks that nothing but the declared files was written; `None` if the compiler refuses.
fn compile(compiler: &Compiler, args: &[OsString], room: &Room) -> Option<Compiled> {
    furnish(room);
    let shown = format!("{} {}", compiler.name, args.join(" ".as_ref()).to_string_lossy());
    let invocation = parse(compiler, args, &room.path).unwrap_or_else(|reason| panic!("{shown}: {reason}"));
    let before: BTreeSet<PathBuf> = room.files().into_keys().collect();
    let with_ours: Vec<OsString> = args.iter().chain(&invocation.append).cloned().collect();
    let output = run(compiler.name, &with_ours, &room.path);
    if !output.status.success() {
        return None;
    }
    let mut after: BTreeMap<PathBuf, Vec<u8>> = room.files();
    after.retain(|path, _| !before.contains(path));
    let written: Vec<_> = invocation.outputs.files.iter().map(|file| after.remove(file)).collect();
    assert!(after.is_empty(), "{shown} also wrote {:?}", after.keys());
    assert!(written[0].is_some(), "{shown} did not write {:?}", invocation.outputs.files[0]);
    if let Some(depfile) = &invocation.depfile {
        assert_eq!(invocation.outputs.files.get(1), Some(depfile), "{shown}");
    }
    for file in &invocation.outputs.files {
        let _ = std::fs::remove_file(file);
    }
    Some(Compiled { invocation, written })
}

/// Command lines that both compilers know, with the number of files each writes.
const LINES: &[(&str, usize)] = &[
    ("-c src/y.c", 1),
    ("-c src/y.c -o out/x.o", 1),
    ("-c -oout/x.o src/y.cc", 1),
    ("-S src/y.c", 1),
    ("-S -o out/x src/y.c", 1),
    ("-E -o out/x.i src/y.c", 1),
    ("-E -P -C src/y.c -o out/x.i -g", 1),
    ("-c src/y.i -MD", 1),
    ("-c src/y.s -g", 1),
    ("-c src/y.S -MD -o out/x.o", 2),
    ("-c -x c src/y.i", 1),
    ("-xc++ -c src/y.c -std=c++17", 1),
    ("-c src/y.c -MD", 2),
    ("-c src/y.c -MMD -MP -o out/x.o", 2),
    ("-c src/y.c -MD -MF out/deep.d -MT target -MQ a$b", 2),
    ("-c src/y.c -MD -MFout/joined.d -MTtarget", 2),
    ("-c src/y.c -Wp,-MD,out/w.d -o out/x.o", 2),
    ("-c src/y.c -Wp,-MMD,out/w.d -Wp,-DA=1,-UB", 2),
    ("-c src/y.c -Wp,-MD,out/w.d -Wp,-MT,t -Wp,-MP", 2),
    ("-c src/y.c -MD -Wp,-MT,t", 2),
    ("-c src/y.c -g -gsplit-dwarf -o out/x.foo.o", 2),
    ("-c src/y.c -gsplit-dwarf -g -MD", 3),
    ("-c src/y.c -g -gsplit-dwarf -MMD --coverage -fstack-usage -o out/x.lo", 5),
    ("-c src/y.c --coverage -o out/x", 2),
    ("-c src/y.c -ftest-coverage -o out/x.", 2),
    ("-S src/y.c -fprofile-arcs -ftest-coverage", 2),
    ("-c src/y.c -fprofile-generate", 1),
    ("-c src/y.c -fstack-usage", 2),
    ("-c src/y.c -flto -o out/x.o", 1),
    ("-c src/y.c -fsanitize=address,undefined -g1", 1),
    ("-c src/y.c -O2 -Wall -Wextra -pipe -fPIC -pthread -march=x86-64 -mtune=generic", 1),
    ("-c src/y.c -D A -DB=2 -U C -isystem inc -iquoteinc -idirafter inc -include inc/h.h", 1),
    ("-c @src/words.rsp src/y.c", 1),
    ("-c src/y.c -Wa,--noexecstack -Wa,--fatal-warnings", 1),
    ("-c src/y.c --param=ssp-buffer-size=8 --param ssp-buffer-size=4", 1),
    ("-c src/y.c -lm -L out -Wl,-z,now -s", 1),
];

/// What only one of them knows.
const LINES_OF_ONE: &[(Family, &str, usize)] = &[
    (Family::Gcc, "-c src/y.c -fcallgraph-info -o out/x.o", 2),
    (Family::Gcc, "-c src/y.c -frecord-gcc-switches", 1),
    (Family::Gcc, "-S src/y.c -fverbose-asm -dA -dp", 1),
    (Family::Clang, "-c src/y.c -emit-llvm", 1),
    (Family::Clang, "-S src/y.c -emit-llvm", 1),
    (Family::Clang, "-c src/y.c -g -gsplit-dwarf=single -o out/x.o", 1),
    (Family::Clang, "-c src/y.c -target x86_64-pc-linux-gnu --target=x86_64-linux-gnu", 1),
    (Family::Clang, "-c src/y.c -mllvm -inline-threshold=3 -Xclang -target-feature -Xclang +sse4.2", 1),
    (Family::Clang, "-c src/y.c -fprofile-instr-generate -fcoverage-mapping", 1),
    (Family::Clang, "-c src/y.c -fdebug-compilation-dir . -g", 1),
];

#[test]
fn exactly_the_declared_files_are_written() {
    for compiler in installed() {
        let of_one =
            LINES_OF_ONE.iter().filter(|(only, ..)| *only == compiler.family).map(|(_, line, n)| (*line, *n));
        for (line, expected) in LINES.iter().copied().chain(of_one) {
            let room = Room::new("project");
            let mut args = words(line);
            args.push("-Iinc".into());
            let compiled = compile(&compiler, &args, &room);
            let compiled = compiled.unwrap_or_else(|| panic!("{} refuses {line}", compiler.name));
            let written = compiled.written.iter().flatten().count();
            assert_eq!(written, expected, "{} {line}", compiler.name);
        }
    }
}

/// Options to be combined; those that make bytes differ from run to run come with what settles that.
const OPTIONS: &[&str] = &[
    "-O2",
    "-g",
    "-g0",
    "-gz",
    "-gdwarf-4",
    "-fPIC",
    "-fno-ident",
    "-pg",
    "-fopenmp",
    "-Wall",
    "-fstack-protector-strong",
    "-fsanitize=address",
    "-fsanitize=undefined",
    "-fsanitize=thread",
    "-MD",
    "-MMD -MP",
    "-MD -MT z",
    "-fstack-usage",
    "--coverage -frandom-seed=1",
    "-fprofile-arcs -frandom-seed=1",
    "-fprofile-generate -frandom-seed=1",
    "-flto -frandom-seed=1",
    "-ffat-lto-objects",
    "-g -gsplit-dwarf -frandom-seed=1",
    "-ffunction-sections -fdata-sections",
    "-finstrument-functions",
    "-fverbose-asm",
    "-frecord-gcc-switches",
    "-march=native",
    "-Wa,--noexecstack",
    "-fno-integrated-as",
    "-fpatchable-function-entry=2",
    "-fcf-protection",
    "-ftrapv",
    "-fcommon",
    "-funwind-tables",
    "-fdebug-types-section",
    "-fno-omit-frame-pointer",
    "-fvisibility=hidden",
    "-ffile-prefix-map=$ROOM=/k",
    "-fdebug-prefix-map=$ROOM=/k",
    "-ffile-prefix-map=$ROOM/src=/s",
    "-fmacro-prefix-map=$ROOM=/k",
    "-Iinc",
    "-I$ROOM/inc",
    "-iquote $ROOM/inc",
    "-fembed-bitcode",
    "-fprofile-instr-generate -fcoverage-mapping",
    "-grecord-command-line",
    "-emit-llvm",
    "-funique-internal-linkage-names",
    "-fpseudo-probe-for-profiling",
    "-fdebug-compilation-dir=.",
    "-gsplit-dwarf=single",
    "-fcallgraph-info",
    "-Wa,--gdwarf-4",
    "-save-temps=obj",
    "-dA",
    "-fxray-instrument",
];

/// Where and how the same thing is compiled.
struct Variant {
    directory: &'static str,
    output: &'static str,
    source: &'static str,
}

const VARIANTS: &[Variant] = &[
    Variant { directory: "one", output: "out/x.o", source: "src/y" },
    Variant { directory: "one", output: "out/another.o", source: "src/y" },
    Variant { directory: "two-longer", output: "out/x.o", source: "src/y" },
    Variant { directory: "one", output: "out/x.o", source: "$ROOM/src/y" },
    Variant { directory: "two-longer", output: "$ROOM/out/x.o", source: "$ROOM/src/y" },
    Variant { directory: "three", output: "$ROOM/out/other.o", source: "$ROOM/src/y" },
];

/// A generator of the kind that needs no more than a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A rule for make is told again for another directory: the project's path is replaced, and lines are broken anew.
fn declared(compiled: &Compiled, room: &Room) -> Written {
    let mut written = compiled.written.clone();
    if compiled.invocation.depfile.is_some()
        && let Some(Some(text)) = written.get_mut(1)
    {
        let family = compiled.invocation.subject.family().expect("a compiler");
        assert!(wrap(text, family).as_ref() == Some(text), "lines are broken in another way");
        let root = room.path.to_str().expect("text");
        let elsewhere = String::from_utf8_lossy(text).replace(root, "/elsewhere");
        *text = wrap(elsewhere.as_bytes(), family).expect("a rule");
    }
    written
}

/// Combinations that a rule is about.
const RULES: &[(&str, &str)] = &[
    ("-c -g -ffile-prefix-map=$ROOM=/k", "c"),
    ("-c -g -ffile-prefix-map=$ROOM=/k", "S"),
    ("-c -g -ffile-prefix-map=$ROOM=/k", "s"),
    ("-c -g -fdebug-prefix-map=$ROOM=/k -I$ROOM/inc", "cc"),
    ("-c -g -ffile-prefix-map=$ROOM/src=/k", "c"),
    ("-c -g -gsplit-dwarf -frandom-seed=1 -ffile-prefix-map=$ROOM=/k", "c"),
    ("-c --coverage -frandom-seed=1 -ffile-prefix-map=$ROOM=/k", "c"),
    ("-c -flto -g -frandom-seed=1 -ffile-prefix-map=$ROOM=/k", "c"),
    ("-c -fsanitize=undefined -ffile-prefix-map=$ROOM=/k", "c"),
    ("-c -MD -MF out/named.d", "c"),
    ("-c -MD -MT $ROOM/target", "c"),
    ("-c -MD -MP -include $ROOM/inc/h.h", "cc"),
    ("-c -MD -MT a -MT $ROOM/a/long/target -MQ $ROOM/another/rather/long/target -MT $ROOM/b", "c"),
    ("-c -Wa,-g", "S"),
    ("-c -Wa,-g -ffile-prefix-map=$ROOM=/k", "s"),
    ("-E -g -ffile-prefix-map=$ROOM=/k", "c"),
    ("-S -fverbose-asm -g0", "c"),
];

fn drawn(seed: u64) -> (String, &'static str) {
    let mut dice = Dice(seed);
    let chosen: Vec<&str> = (0..1 + dice.below(4)).map(|_| OPTIONS[dice.below(OPTIONS.len())]).collect();
    let stage = ["-c", "-c", "-c", "-S", "-E"][dice.below(5)];
    let ending = ["c", "c", "cc", "i", "S"][dice.below(5)];
    (format!("{stage} {}", chosen.join(" ")), ending)
}

#[test]
fn equal_keys_give_equal_bytes() {
    let mut compared = 0;
    for compiler in installed() {
        let remapping = Compiler { remaps: true, ..compiler };
        for (line, ending) in RULES {
            compared += compare(&compiler, line, ending);
            compared += compare(&remapping, &line.replace(" -ffile-prefix-map=$ROOM=/k", ""), ending);
        }
        for option in OPTIONS {
            compared += compare(&compiler, &format!("-c {option}"), "c");
        }
    }
    assert!(compared > 100, "only {compared} pairs had equal keys");
}

#[test]
fn equal_keys_give_equal_bytes_for_random_options() {
    compare_random(0..25);
}

#[test]
#[ignore = "minutes"]
fn equal_keys_give_equal_bytes_for_many_random_options() {
    compare_random(25..600);
}

fn compare_random(seeds: std::ops::Range<u64>) {
    for compiler in installed() {
        for seed in seeds.clone() {
            let (line, ending) = drawn(seed);
            compare(&Compiler { remaps: seed % 4 == 0, ..compiler }, &line, ending);
        }
    }
}

/// Compiles every variant and compares those with equal keys; tells how many there were.
fn compare(compiler: &Compiler, line: &str, ending: &str) -> usize {
    let mut known: BTreeMap<[u8; 32], (String, Written)> = BTreeMap::new();
    let mut compared = 0;
    let parents: BTreeMap<&str, Room> =
        VARIANTS.iter().map(|v| (v.directory, Room::new(v.directory))).collect();
    for variant in VARIANTS {
        let room = &parents[variant.directory];
        let root = room.path.to_str().expect("text");
        let typed =
            format!("{line} -Iinc -o {} {}.{ending}", variant.output, variant.source).replace("$ROOM", root);
        let args = words(&typed);
        if parse(compiler, &args, Path::new(root)).is_err() {
            return 0;
        }
        let Some(compiled) = compile(compiler, &args, room) else { return 0 };
        let written = declared(&compiled, room);
        match known.get(&key(&compiled.invocation)) {
            Some((first, bytes)) => {
                let differ: Vec<usize> =
                    (0..written.len().max(bytes.len())).filter(|&n| written.get(n) != bytes.get(n)).collect();
                assert!(
                    differ.is_empty(),
                    "files {differ:?} differ under one key:\n{} {first}\n{typed}",
                    compiler.name
                );
                compared += 1;
            }
            None => drop(known.insert(key(&compiled.invocation), (typed, written))),
        }
    }
    compared
}

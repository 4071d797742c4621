//! A launcher starts a program as its caller would have: with the caller's signals, descriptors and limits, and it needs nothing that
//! the program does not need itself.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Space, err, out};
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A shell that runs a line, in which `$KILN` is kiln.
fn shell(space: &Space, line: &str) -> Command {
    let mut command = space.command("bash");
    command.args(["-c", line]).env("KILN", KILN).env("RUSTC", space::rustc());
    command
}

/// A space with a C file and a library of Rust.
fn sources() -> Space {
    let space = Space::new();
    space.write(
        "project/a.c",
        "#include <stdio.h>\n#warning one warning\nint f(void) { return puts(\"a\"); }\n",
    );
    space.write("project/lib.rs", "pub fn f() { let unused = 1; }\n");
    space
}

const C: &str = "gcc -c a.c -o a.o";
const RUST: &str = "$RUSTC --crate-name unit --edition=2021 lib.rs --crate-type lib --emit=dep-info,metadata,link --out-dir o";

/// How a call ends, what it says, and what it makes.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    code: Option<i32>,
    signal: Option<i32>,
    out: String,
    err: String,
    file: Option<u64>,
}

fn what_comes_of(space: &Space, line: &str) -> Made {
    for made in ["a.o", "o/libunit.rlib"] {
        let _ = fs::remove_file(space.path("project").join(made));
    }
    fs::create_dir_all(space.path("project/o")).unwrap();
    let output = shell(space, line).output().unwrap();
    let content = |name: &str| fs::read(space.path("project").join(name)).ok();
    let digest = |content: Vec<u8>| {
        let mut hasher = std::hash::DefaultHasher::new();
        content.hash(&mut hasher);
        hasher.finish()
    };
    Made {
        code: output.status.code(),
        signal: output.status.signal(),
        out: out(&output),
        err: err(&output),
        file: content("a.o").or_else(|| content("o/libunit.rlib")).map(digest),
    }
}

/// Both ways of a call under the same conditions: `AROUND` stands for the command line. Twice, for a miss and for what may be a hit.
#[track_caller]
fn alike(space: &Space, around: &str) {
    for call in [C, RUST] {
        let plain = what_comes_of(space, &around.replace("AROUND", call));
        for _ in 0..2 {
            let kiln = what_comes_of(space, &around.replace("AROUND", &format!("$KILN {call}")));
            assert_eq!(kiln, plain, "{around}: {call}");
        }
    }
}

#[test]
fn limits_of_files() {
    let space = sources();
    for limit in ["64", "1000", "20000"] {
        alike(&space, &format!("ulimit -f {limit}; AROUND"));
    }
}

/// Wherever the program succeeds under a limit, it does behind kiln.
#[track_caller]
fn no_more_is_needed(space: &Space, flag: &str, limits: &[u64], call: &str) {
    let mut succeeded = 0;
    for limit in limits {
        let line = |call: &str| format!("ulimit -S{flag} {limit} 2>/dev/null && {call}");
        let plain = what_comes_of(space, &line(&format!("exec {call}")));
        if plain.code != Some(0) {
            continue;
        }
        succeeded += 1;
        for _ in 0..2 {
            let kiln = what_comes_of(space, &line(&format!("exec $KILN {call}")));
            assert_eq!(kiln, plain, "-{flag} {limit}: {call}");
        }
    }
    assert!(succeeded > 1, "-{flag}: {call} never succeeded");
}

#[test]
fn limits_of_open_files() {
    let space = sources();
    no_more_is_needed(&space, "n", &[4, 5, 6, 7, 8, 10, 12, 16, 40, 80], C);
    no_more_is_needed(&space, "n", &[8, 12, 16, 80], RUST);
}

#[test]
fn limits_of_memory() {
    let space = sources();
    for flag in ["v", "d"] {
        no_more_is_needed(
            &space,
            flag,
            &[16_000, 32_000, 48_000, 64_000, 100_000, 200_000, 1_000_000, 5_000_000],
            C,
        );
        no_more_is_needed(&space, flag, &[200_000, 400_000, 600_000, 8_000_000], RUST);
    }
    no_more_is_needed(&space, "s", &[64, 256, 8192], C);
    no_more_is_needed(&space, "s", &[256, 512, 8192], RUST);
}

/// What becomes a user that the limit of processes counts for, which it does not for root, and that may use what root has made.
const AS_ANOTHER: &str =
    "setpriv --reuid=64321 --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override";

/// Processes and threads, of which kiln is one more.
#[test]
fn limits_of_processes() {
    let space = sources();
    if std::os::unix::fs::chown(space.path("project"), Some(64321), None).is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: only root can become somebody without other processes");
        return;
    }
    let run = format!("run -- {C}");
    let from_input = "gcc -c -x c - -o a.o <a.c";
    let calls: [(&str, &str, &[u64]); 4] = [
        (C, C, &[2, 3, 4]),
        (from_input, from_input, &[2, 3, 4]),
        (C, &run, &[2, 3, 4]),
        (RUST, RUST, &[3, 5, 8, 12]),
    ];
    for (alone, behind, limits) in calls {
        let line = |limit: &u64, call: &str| {
            format!("exec {AS_ANOTHER} bash -c 'ulimit -Su {limit} && exec {call}'")
        };
        let mut succeeded = 0;
        for limit in limits {
            let plain = [(); 3].map(|()| what_comes_of(&space, &line(limit, alone)));
            if plain.iter().any(|plain| plain.code != Some(0)) {
                continue; // always, that is: what threads take is a matter of luck
            }
            succeeded += 1;
            let kiln = || what_comes_of(&space, &line(limit, &format!("$KILN {behind}")));
            let came: Vec<Made> = std::iter::repeat_with(kiln).take(3).collect();
            assert!(came.contains(&plain[0]), "{limit}: {behind}: {came:?}");
        }
        assert!(succeeded > 0, "{alone} never succeeded");
    }
}

#[test]
fn signals_that_the_caller_ignores_or_blocks() {
    let space = sources();
    for signals in ["--ignore-signal=CHLD", "--ignore-signal=XFSZ,PIPE,INT", "--block-signal=CHLD,TERM,PIPE"]
    {
        alike(&space, &format!("env {signals} AROUND"));
    }
}

#[test]
fn the_program_sees_the_callers_signals() {
    let space = Space::new();
    space.with_macro(
        r#"let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let signals: Vec<&str> = status.lines().filter(|line| line.starts_with("SigBlk") || line.starts_with("SigIgn")).collect();
        format!("compile_error!(\"{}\");", signals.join(" "))"#,
    );
    let library = space.path("macro/libit.so");
    let compile = format!(
        "$RUSTC --crate-name unit --edition=2021 lib.rs --crate-type lib --emit=metadata --out-dir . --extern it={}",
        library.display()
    );
    let sees = |signals: &str, call: &str| {
        let output = shell(&space, &format!("env {signals} {call}")).output().unwrap();
        let printed = out(&output) + &err(&output);
        let lines = printed.lines().filter(|line| line.contains("SigIgn") || line.contains("SigBlk"));
        let seen: Vec<String> = lines.map(|line| line.replace("error: ", "").trim().to_owned()).collect();
        assert!(!seen.is_empty(), "{call}: {printed}");
        seen
    };
    let look = "grep -E 'SigBlk|SigIgn' /proc/self/status";
    for signals in
        ["", "--ignore-signal=XFSZ,PIPE,CHLD,USR1", "--ignore-signal=INT --block-signal=USR2,TERM,XFSZ,PIPE"]
    {
        for (plain, kiln) in [
            (compile.clone(), format!("$KILN {compile}")),
            (look.into(), format!("$KILN /bin/{look}")),
            (look.into(), format!("$KILN run -- {look}")),
        ] {
            assert_eq!(sees(signals, &kiln), sees(signals, &plain), "{signals}: {kiln}");
        }
    }
}

#[test]
fn streams_that_are_closed_or_full() {
    let space = sources();
    for streams in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full 2>/dev/full", "</"] {
        for call in [C, RUST] {
            let plain = what_comes_of(&space, &format!("{call} {streams}"));
            for _ in 0..2 {
                let kiln = what_comes_of(&space, &format!("$KILN {call} {streams}"));
                // (gcc fails where it cannot say a warning, and kiln hears it)
                assert!(kiln == plain || plain.code != Some(0), "{streams}: {call}: {kiln:?} {plain:?}");
            }
        }
    }
}

#[test]
fn nobody_reads_what_it_says() {
    let space = sources();
    for signals in ["--ignore-signal=PIPE", "--default-signal=PIPE"] {
        let broken = |call: &str| {
            let line = format!("exec 4> >(exec true); sleep 0.1; env {signals} {call} 2>&4");
            what_comes_of(&space, &line)
        };
        let well = |call: &str| broken(call).code == Some(0);
        for _ in 0..2 {
            assert_eq!(well(&format!("$KILN {C}")), well(C), "{signals}");
        }
        // What kiln has to say itself never ends it.
        fs::write(space.path("project/quiet.c"), "int f(void) { return 1; }\n").unwrap();
        let quiet = broken(&format!("KILN_REMAP=perhaps $KILN {}", C.replace("a.c", "quiet.c")));
        assert!(quiet.code == Some(0) && quiet.file.is_some(), "{quiet:?}");
    }
}

//! Kiln before compilers: started in every way there is, and never where it is not to be. The kiln here is a program that says how
//! it was called.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files and processes themselves"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{compile_c, plain};
use kiln_recorder::{Below, Recorder, Unrecorded, Wiring};

const SAYS: &str = "#include <stdio.h>\nint main(int count, char **words) {\n    for (int i = 0; i < count; i++)\n        printf(\"[%s]\", words[i]);\n    putchar(10);\n    return 3;\n}\n";

/// A directory with a compiler, a kiln, and what starts them.
struct Bench {
    held: tempfile::TempDir,
    path: String,
}

impl Bench {
    fn new() -> Bench {
        let held = tempfile::tempdir().unwrap();
        let at = held.path();
        compile_c(at, "kiln", SAYS, "-static");
        compile_c(at, "cc", SAYS, "");
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wiring.c"), at.join("starter.c")).unwrap();
        plain(Command::new("cc").args(["-o", "starter", "starter.c"]).current_dir(at));
        let path = format!("{}:{}", at.display(), std::env::var("PATH").unwrap());
        Bench { held, path }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.held.path().join(name)
    }

    fn copy(&self, of: impl AsRef<Path>, name: &str) {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::copy(of, self.at(name)).unwrap();
    }

    fn shell(&self, name: &str) {
        self.copy(fs::canonicalize("/bin/sh").unwrap(), name);
    }

    /// What a command says, and its exit code, wired.
    fn says_below(&self, below: Below, words: &[&str]) -> (String, i32) {
        let wiring = Wiring::new(Some(&self.at("object")), &self.at("kiln"), below).unwrap();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("PATH", &self.path).current_dir(self.held.path());
        let printed = command.envs(wiring.environment(None)).output().unwrap();
        let text = [printed.stdout, printed.stderr].concat();
        (String::from_utf8(text).unwrap(), printed.status.code().unwrap())
    }

    fn says(&self, words: &[&str]) -> String {
        self.says_below(Below::All, words).0
    }
}

const WAYS: &str = "execve execv execvp execvpe execl execlp execle no_environment fexecve execveat posix_spawn \
                    posix_spawnp vfork fork system popen";

#[test]
fn in_every_way_to_start_a_program() {
    let bench = Bench::new();
    let (starter, cc) = (bench.at("starter"), bench.at("cc"));
    let expected = format!("[kiln as cc][{}][-c][a b.c]\n", cc.display());
    for way in WAYS.split_whitespace() {
        let words = [starter.to_str().unwrap(), way, cc.to_str().unwrap()];
        assert_eq!(bench.says_below(Below::All, &words), (expected.clone(), 3), "{way}");
    }
    fs::remove_file(bench.at("kiln")).unwrap();
    for way in WAYS.split_whitespace() {
        let words = [starter.to_str().unwrap(), way, cc.to_str().unwrap()];
        assert_eq!(
            bench.says_below(Below::All, &words),
            ("[cc][-c][a b.c]\n".into(), 3),
            "{way}, without kiln"
        );
    }
}

/// A record of the run names kiln as what was started, which it was; that kiln never said what it did makes it unrecorded.
#[test]
fn while_it_is_recorded() {
    let bench = Bench::new();
    let (starter, cc) = (bench.at("starter"), bench.at("cc"));
    for way in WAYS.split_whitespace() {
        let recorder = Recorder::new(Some(&bench.at("object"))).unwrap().wired(Some(bench.at("kiln")));
        let mut command = Command::new(&starter);
        command.arg(way).arg(&cc).env("PATH", &bench.path).envs(recorder.environment(None));
        let printed = command.output().unwrap();
        // (this kiln is not the program that records, and cannot be watched)
        let printed = String::from_utf8(printed.stdout).unwrap();
        assert_eq!(printed, format!("[kiln as cc][{}][-c][a b.c]\n", cc.display()), "{way}");
        let blind = recorder.finish(&starter).unwrap_err();
        assert!(matches!(&blind, Unrecorded::Blind { path } if *path == bench.at("kiln")), "{way}: {blind}");
    }
}

#[test]
fn kiln_gets_the_name_that_was_called() {
    let bench = Bench::new();
    for name in ["clang++-14", "x86_64-linux-gnu-gcc-12", "tools/g++"] {
        bench.copy(bench.at("cc"), name);
        let words = format!("./{name} x");
        let expected = format!("[kiln as ./{name}][./{name}][x]\n");
        assert_eq!(bench.says(&["sh", "-c", &words]), expected);
        assert_eq!(bench.says(&["env", &format!("./{name}"), "x"]), expected);
    }
    // through others, and an environment that is cleared
    let at = bench.at("cc");
    let expected = format!("[kiln as cc][{}][x]\n", at.display());
    assert_eq!(bench.says(&["sh", "-c", "sh -c 'env sh -c \"cc x\"'"]), expected);
    assert_eq!(bench.says(&["env", "-i", &format!("PATH={}", bench.path), "sh", "-c", "cc x"]), expected);
}

#[test]
fn what_is_no_compile_of_kilns_runs_itself() {
    let bench = Bench::new();
    let runs = |words: &str, says: &str| assert_eq!(bench.says(&["sh", "-c", words]), says, "{words}");
    bench.copy(bench.at("cc"), "c99-gcc");
    runs("c99-gcc x", "[c99-gcc][x]\n");
    bench.copy(bench.at("cc"), "gcc-ar");
    runs("gcc-ar x", "[gcc-ar][x]\n");
    // by another name than its own, which it may heed
    let cc = bench.at("cc");
    assert_eq!(bench.says(&["bash", "-c", "exec -a other cc x"]), "[other][x]\n");
    // kiln's own link
    fs::create_dir(bench.at("links")).unwrap();
    symlink(bench.at("kiln"), bench.at("links/gcc")).unwrap();
    runs("links/gcc x", "[links/gcc][x]\n");
    // what only a shell makes sense of
    fs::write(bench.at("links/cc"), "echo by the shell $1\n").unwrap();
    fs::set_permissions(bench.at("links/cc"), fs::Permissions::from_mode(0o755)).unwrap();
    runs("links/cc x", "by the shell x\n");
    // what is not there, or may not be run
    assert_eq!(bench.says_below(Below::All, &["sh", "-c", "nowhere/cc x 2>&-"]), (String::new(), 127));
    fs::set_permissions(&cc, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(bench.says_below(Below::All, &["sh", "-c", "./cc x 2>&-"]), (String::new(), 126));
}

/// A compiler starts others of its kind, and itself; kiln starts compilers.
#[test]
fn compilers_and_kiln_start_what_they_like() {
    let bench = Bench::new();
    for name in ["rustc", "gcc-12", "kiln"] {
        bench.shell(name); // (a kiln need not be static)
        assert_eq!(
            bench.says(&[&format!("./{name}"), "-c", "cc x; sh -c 'cc y'"]),
            "[cc][x]\n[cc][y]\n",
            "{name}"
        );
    }
}

/// Cargo's own children are left alone, but for build scripts.
#[test]
fn below_build_scripts_only() {
    let bench = Bench::new();
    for name in ["cargo", "cargo-check", "build-script-build", "program"] {
        bench.shell(name);
    }
    let says = |words: &str| bench.says_below(Below::Scripts, &["./cargo", "-c", words]).0;
    let kiln = format!("[kiln as cc][{}][x]\n", bench.at("cc").display());
    assert_eq!(says("cc x; :"), "[cc][x]\n");
    assert_eq!(says("./program -c 'cc x; :'"), "[cc][x]\n");
    assert_eq!(says("./build-script-build -c 'cc x; :'"), kiln);
    assert_eq!(
        says("./cargo -c './cargo-check -c \"./build-script-build -c \\\"sh -c \\\\\\\"cc x\\\\\\\"\\\"\"'"),
        kiln
    );
    let seen = says("./program -c 'env'; ./build-script-build -c 'env; cat /proc/self/environ'");
    assert!(!seen.contains("KILN_RECORD") && !seen.contains("LD_PRELOAD"), "{seen}");
}

#[test]
fn nothing_is_seen_of_it() {
    let bench = Bench::new();
    let variable = |wiring: Option<&Wiring>, users: Option<&str>| {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "env; env | wc -l; cat /proc/self/environ | tr '\\0' '\\n'; sh -c 'echo $LD_PRELOAD'",
        ]);
        command.env_clear().env("PATH", &bench.path).envs(users.map(|users| ("LD_PRELOAD", users)));
        command.envs(wiring.iter().flat_map(|wiring| wiring.environment(users.map(OsStr::new))));
        let printed = command.output().unwrap();
        let text = String::from_utf8([printed.stdout, printed.stderr].concat()).unwrap();
        text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    fs::write(bench.at("own.c"), "int own;\n").unwrap();
    plain(Command::new("cc").args(["-shared", "-o", "own.so", "own.c"]).current_dir(bench.held.path()));
    let own = bench.at("own.so");
    let wiring = Wiring::new(Some(&bench.at("object")), &bench.at("kiln"), Below::All).unwrap();
    for users in [None, own.to_str()] {
        assert_eq!(variable(Some(&wiring), users), variable(None, users), "{users:?}");
    }
    // and nothing is complained of once the object is gone
    let words =
        format!("rm -r {}; sh -c 'sh -c \"cc x\"'; ./starter execve ./cc", bench.at("object").display());
    assert_eq!(bench.says(&["sh", "-c", &words]), "[cc][x]\n[cc][-c][a b.c]\n");
}

/// One rule in two languages.
#[test]
fn the_object_knows_the_compilers_that_kiln_knows() {
    let held = tempfile::tempdir().unwrap();
    let here = env!("CARGO_MANIFEST_DIR");
    let header = fs::read_to_string(format!("{here}/preload/compilers.h")).unwrap();
    assert_eq!(header, kiln_compiler::recognise::names::header(), "`cargo xtask docs` writes it");
    let source = format!(
        "#include \"{here}/preload/names.c\"\n#include \"{here}/preload/text.c\"\nint putchar(int);\n\
         int main(int count, char **words) {{\n    for (int i = 1; i < count; i++)\n        putchar(is_compiler_name(words[i]) ? '1' : '0');\n    return 0;\n}}\n"
    );
    let flags = format!("-w -ffreestanding -fno-builtin -I{here}/preload");
    let program = compile_c(held.path(), "names", &source, &flags);
    let stems = "gcc g++ cc c++ c89 c99 clang clang++ clang-cl cl nvcc icpx c89-gcc c99-gcc cpp tcc xgcc gcc-ar clang-format as ld sh";
    let mut names = vec![String::new(), "-".into(), "-12".into(), "12".into(), "gcc-".into(), "-gcc".into()];
    for stem in stems.split_whitespace() {
        for before in ["", "x86_64-linux-gnu-", "a-", "x", "-"] {
            for behind in ["", "-12", "-4.8.5", "12", "-", "-x", "-.1", "-1.", "-12-3", "-win32"] {
                names.push(format!("{before}{stem}{behind}"));
            }
        }
    }
    let printed = plain(Command::new(program).args(&names)).stdout;
    for (name, is) in names.iter().zip(printed) {
        let known = kiln_compiler::recognise(OsStr::new(name), None).is_some_and(|it| it.subject.is_c());
        assert_eq!(is == b'1', known, "{name:?}");
    }
}

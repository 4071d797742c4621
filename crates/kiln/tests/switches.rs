//! Every switch, from where a user sets it to what the wrapper does.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Counted, Space, err, succeeds};
use std::fs;

fn counted(outcome: &str, reason: &str) -> Counted {
    Counted { outcome: outcome.into(), reason: reason.into() }
}

fn hit() -> Counted {
    counted("hit", "")
}

/// A space whose unit is in the cache.
fn warm() -> Space {
    let space = Space::new();
    assert_eq!(space.compile(&[]).outcome, "miss");
    assert_eq!(space.compile(&[]), hit());
    space
}

#[test]
fn off_steps_aside() {
    let space = warm();
    assert_eq!(space.compile(&[("KILN_OFF", "1")]), counted("none", ""));
    space.write("project/kiln.toml", "off = true\n");
    assert_eq!(space.compile(&[]), counted("none", ""));
    assert_eq!(space.compile(&[("KILN_OFF", "0")]), hit(), "the environment is stronger than the project");
}

#[test]
fn recache_looks_nothing_up_and_stores_anew() {
    let space = warm();
    assert_eq!(space.compile(&[("KILN_RECACHE", "1")]), counted("miss", "recache"));
    assert_eq!(space.compile(&[]), hit());
    let fresh = Space::new();
    assert_eq!(fresh.compile(&[("KILN_RECACHE", "1")]), counted("miss", "recache"));
    assert_eq!(fresh.compile(&[]), hit());
}

#[test]
fn read_only_uses_and_does_not_store() {
    let space = warm();
    let set = [("KILN_READ_ONLY", "1")];
    assert_eq!(space.compile(&set), hit());
    space.write("project/lib.rs", "pub fn g() {}\n");
    assert_eq!(space.compile(&set), counted("bypass", "read-only"));
    assert_eq!(space.compile(&set), counted("bypass", "read-only"));
    assert_eq!(space.compile(&[]).outcome, "miss");
    assert_eq!(space.compile(&set), hit());
}

#[test]
fn a_salt_makes_another_cache() {
    let space = warm();
    assert_eq!(space.compile(&[("KILN_SALT", "a")]), counted("miss", "not-seen"));
    assert_eq!(space.compile(&[("KILN_SALT", "a")]), hit());
    assert_eq!(space.compile(&[("KILN_SALT", "b")]), counted("miss", "not-seen"));
    assert_eq!(space.compile(&[]), hit());
}

#[test]
fn extra_inputs_count_by_content_and_by_name() {
    let space = warm();
    space.write("project/kiln.toml", "extra-inputs = ['schema/*.sql', 'VERSION']\n");
    space.write("project/schema/1.sql", "one");
    let changed = counted("miss", "changed");
    assert_eq!(space.compile(&[]), counted("miss", "not-seen"));
    assert_eq!(space.compile(&[]), hit());
    space.write("project/schema/1.sql", "two");
    assert_eq!(space.compile(&[]), changed, "a file's content");
    space.write("project/schema/2.sql", "");
    assert_eq!(space.compile(&[]), changed, "a new file");
    assert_eq!(space.compile(&[]), hit());
    space.write("project/VERSION", "1");
    assert_eq!(space.compile(&[]), changed, "a file that was not there");
    fs::remove_file(space.path("project/VERSION")).unwrap();
    assert_eq!(space.compile(&[]), hit(), "as it was before");
    fs::remove_file(space.path("project/kiln.toml")).unwrap();
    assert_eq!(space.compile(&[]), hit(), "without the setting nothing has changed");
}

#[test]
fn a_project_does_not_have_the_whole_machine_read() {
    let space = warm();
    space.write("project/kiln.toml", "extra-inputs = ['/', '../..']\n");
    let counted = err(&succeeds(&mut space.wrapped(&[], &[])));
    assert!(
        counted.contains("`/` leads out of the project's directory") && counted.contains("`../..` leads out"),
        "{counted}"
    );
    assert_eq!(space.compile(&[]), hit(), "as if they were not there");
    let shown = err(&succeeds(&mut space.kiln(&["config", "list"])));
    assert!(shown.contains("leads out of the project's directory"), "{shown}");
    // Nor the user, who may ask for it.
    assert_eq!(space.compile(&[("KILN_EXTRA_INPUTS", "/usr")]), bypassed());
    assert_eq!(space.compile(&[("KILN_EXTRA_INPUTS", "/")]), bypassed());
}

fn bypassed() -> Counted {
    counted("bypass", "asked")
}

#[test]
fn extra_inputs_count_for_questions_to_the_compiler_too() {
    let space = Space::new();
    space.write("project/kiln.toml", "extra-inputs = ['VERSION']\n");
    space.write("project/VERSION", "1");
    // Where the compiler is not identified (any more: other tests link its files) that is done behind the call, and told later.
    let ask = || {
        space.run(
            space.kiln(&[space::rustc().to_str().unwrap(), "-vV"]).env("KILN_EVENTS", space.path("events")),
        )
    };
    let comes_to_be_a_hit = || (0..200).any(|_| ask() == hit());
    assert!(comes_to_be_a_hit());
    space.write("project/VERSION", "2");
    assert_ne!(ask(), hit(), "who declares it knows what kiln does not see");
    assert!(comes_to_be_a_hit());
}

#[test]
fn extra_variables_count() {
    let space = warm();
    let with = |value| [("KILN_EXTRA_VARIABLES", "FLAVOUR"), ("FLAVOUR", value)];
    assert_eq!(space.compile(&with("a")), counted("miss", "not-seen"));
    assert_eq!(space.compile(&with("a")), hit());
    assert_eq!(space.compile(&with("b")), counted("miss", "changed"));
    assert_eq!(space.compile(&[("FLAVOUR", "c")]), hit());
}

#[test]
fn ignored_variables_do_not_count_for_a_macro() {
    let space = Space::new();
    space.with_macro(r#"format!("pub const N: usize = {};", std::env::var("NOISE").map_or(0, |v| v.len()))"#);
    let with = |value| [("KILN_IGNORE_VARIABLES", "NOISE"), ("NOISE", value)];
    assert_eq!(space.compile_with_macro(&[("NOISE", "1")]).outcome, "miss");
    assert_eq!(space.compile_with_macro(&[("NOISE", "22")]).outcome, "miss", "what a macro asks for counts");
    assert_eq!(space.compile_with_macro(&with("1")).outcome, "miss");
    assert_eq!(space.compile_with_macro(&with("22")), hit(), "but for the promise");
    assert_eq!(space.compile_with_macro(&[("NOISE", "333")]).outcome, "miss", "which is part of the key");
    let both = [("KILN_EXTRA_VARIABLES", "NOISE"), ("KILN_IGNORE_VARIABLES", "NOISE"), ("NOISE", "1")];
    assert_eq!(space.compile_with_macro(&both).outcome, "miss");
    let other = [("KILN_EXTRA_VARIABLES", "NOISE"), ("KILN_IGNORE_VARIABLES", "NOISE"), ("NOISE", "2")];
    assert_eq!(space.compile_with_macro(&other).outcome, "miss", "to count is stronger");
}

#[test]
fn ignored_variables_do_not_count_for_a_walk() {
    let space = Space::new();
    space.with_macro(r#"format!("pub const N: usize = {};", std::env::vars_os().count())"#);
    let with = |value| [("KILN_IGNORE_VARIABLES", "NOISE"), ("NOISE", value)];
    assert_eq!(space.compile_with_macro(&[("NOISE", "1")]).outcome, "miss");
    assert_eq!(space.compile_with_macro(&[("NOISE", "2")]).outcome, "miss");
    assert_eq!(space.compile_with_macro(&with("1")).outcome, "miss");
    assert_eq!(space.compile_with_macro(&with("2")), hit());
}

#[test]
fn what_env_says_is_never_ignored() {
    let space = Space::new();
    space.write("project/lib.rs", "pub const NOISE: Option<&str> = option_env!(\"NOISE\");\n");
    let with = |value| [("KILN_IGNORE_VARIABLES", "NOISE"), ("NOISE", value)];
    assert_eq!(space.compile(&with("1")).outcome, "miss");
    assert_eq!(space.compile(&with("1")), hit());
    assert_eq!(space.compile(&with("2")).outcome, "miss");
}

#[test]
fn never_means_never() {
    let space = warm();
    assert_eq!(space.compile(&[("KILN_NEVER", "other,unit")]), counted("bypass", "never-cached"));
    let package = [("KILN_NEVER", "my-package"), ("CARGO_PKG_NAME", "my-package")];
    assert_eq!(space.compile(&package), counted("bypass", "never-cached"));
    assert_eq!(space.compile(&[("KILN_NEVER", "other")]), hit());
}

#[test]
fn what_is_never_cached_belongs_to_its_project() {
    let space = Space::new();
    space.write("project/a.c", "int a(void) { return 1; }\n");
    let events = || -> Vec<serde_json::Value> {
        let text = space.read("cache/v1/events/current.jsonl");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    space.compile(&[]);
    let never = [("KILN_NEVER", "unit,a.c")];
    assert_eq!(space.compile(&never), counted("bypass", "never-cached"));
    let compile = space.kiln(&["cc", "-c", "a.c"]).envs(never).output().unwrap();
    assert!(compile.status.success(), "{compile:?}");
    let events = events();
    assert_eq!(events.len(), 3);
    assert_ne!(events[0]["project"], "");
    assert_eq!(events[1]["project"], events[0]["project"]);
    assert_eq!((&events[1]["kind"], &events[1]["stem"]), (&events[0]["kind"], &events[0]["stem"]));
    assert_eq!((&events[2]["kind"], &events[2]["reason"]), (&"c".into(), &"never-cached".into()));
    assert_eq!(events[2]["project"], space.path("project").to_str().unwrap());
}

#[test]
fn a_question_to_a_c_compiler_is_no_unit() {
    let space = Space::new();
    for question in ["--version", "-v", "-dumpmachine", "-print-search-dirs", "--help"] {
        let asked = space.kiln(&["cc", question]).output().unwrap();
        assert!(asked.status.success(), "{question}: {asked:?}");
    }
    let stats = succeeds(&mut space.kiln(&["stats", "--json"]));
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["units"], 0, "{stats:#}");
    assert_eq!(stats["bypasses"], serde_json::json!({ "question": 5 }), "{stats:#}");
    let run = space.kiln(&["run", "--", "cc", "-dumpmachine"]).output().unwrap();
    assert_eq!(err(&run), "", "a build of questions has nothing to say");
}

#[test]
fn the_log_has_a_line_for_each_decision_and_no_secrets() {
    let space = Space::new();
    let log = space.path("log").display().to_string();
    space.write("home/.config/kiln/config.toml", &format!("log = '{log}'\n"));
    let secret = [("KILN_SALT", "hunter2"), ("KILN_EXTRA_VARIABLES", "TOKEN"), ("TOKEN", "hunter2")];
    space.compile(&secret);
    space.compile(&secret);
    let lines = space.read("log");
    let printed: Vec<&str> = lines.lines().collect();
    assert_eq!(printed.len(), 2, "{lines}");
    assert!(printed[0].contains(" info  miss unit (") && printed[0].contains("not-seen"), "{lines}");
    assert!(printed[1].contains(" info  hit unit ("), "{lines}");
    let debug = format!("debug:{log}");
    space.compile(&[&secret[..], &[("KILN_LOG", &debug)]].concat());
    let lines = space.read("log");
    assert!(lines.contains(" debug unit (check): weak:"), "{lines}");
    assert!(lines.contains(" debug unit (check): action:"), "{lines}");
    assert!(!lines.contains("hunter2"), "{lines}");
    fs::remove_file(space.path("log")).unwrap();
    space.compile(&[("KILN_LOG", &format!("warn:{log}"))]);
    assert!(!space.path("log").exists());
    space.compile(&[("KILN_LOG", &format!("warn:{log}")), ("KILN_NEVER", "unit")]);
    assert!(
        space.read("log").contains(" warn  not cached unit (check): never-cached: unit;"),
        "{}",
        space.read("log")
    );
}

/// The path is the user's: a stream, a device, a link, a pipe.
#[test]
fn the_log_goes_wherever_it_is_wanted() {
    let space = warm();
    let printed = |variable: &str, path: &str| {
        let output = succeeds(space.wrapped(&[], &[]).env(variable, path));
        (err(&output), output.stdout)
    };
    let (silent, out) = printed("KILN_LOG", "/dev/null");
    for stream in ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"] {
        let (counted, same) = printed("KILN_LOG", stream);
        assert!(counted.contains(" info  hit unit (") && counted.contains(&silent), "{stream}: {counted}");
        assert_eq!(same, out);
    }
    assert!(printed("KILN_EVENTS", "/dev/stderr").0.contains("\"outcome\":\"hit\""));
    // What a compiler says on standard output is for programs.
    for path in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/full", "/dev/zero"] {
        assert_eq!(printed("KILN_LOG", path), (silent.clone(), out.clone()), "{path}");
    }
    space.write("real", "");
    std::os::unix::fs::symlink(space.path("real"), space.path("link")).unwrap();
    printed("KILN_LOG", space.path("link").to_str().unwrap());
    assert!(space.read("real").contains(" info  hit unit ("), "{}", space.read("real"));
    // Nobody reads: nobody waits.
    let pipe = space.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(printed("KILN_LOG", pipe.to_str().unwrap()).0, silent);
}

#[test]
fn a_project_cannot_redirect_the_cache() {
    let space = warm();
    let elsewhere = space.path("elsewhere");
    space.write("project/.kiln.toml", &format!("directory = '{}'\nmax-size = '1B'\n", elsewhere.display()));
    let mut command = space.wrapped(&[], &[]);
    command.env_remove("KILN_DIR");
    let output = succeeds(&mut command);
    assert!(err(&output).contains(".kiln.toml:1: directory: a project cannot set this"), "{}", err(&output));
    assert!(!elsewhere.exists());
    assert!(space.path("home/.cache/kiln").exists());
}

#[test]
fn a_bad_setting_is_reported_once_a_build_and_never_in_a_probe() {
    let space = Space::new();
    space.write("home/.config/kiln/config.toml", "\nremapp = true\n");
    let mut probe = space.command(env!("CARGO_BIN_EXE_kiln"));
    assert_eq!(err(&succeeds(probe.arg(space::rustc()).arg("-vV"))), "");
    let output = succeeds(&mut space.wrapped(&[], &[]));
    let expected = "config.toml:2: there is no setting `remapp`; did you mean `remap`?";
    assert!(err(&output).contains(expected), "{}", err(&output));
    let output = succeeds(&mut space.wrapped(&[], &[]));
    assert_eq!(err(&output).matches("remapp").count(), 0, "{}", err(&output));
}

#[test]
fn a_build_goes_on_with_what_a_weaker_layer_says() {
    let space = Space::new();
    space.write("home/.config/kiln/config.toml", "never = ['unit']\n");
    space.write("project/kiln.toml", "# a comment\nnever = [5]\n");
    let mut command = space.wrapped(&[("KILN_READ_ONLY", "perhaps")], &[]);
    let output = succeeds(command.env_remove("KILN_EVENTS"));
    let printed = err(&output);
    assert!(
        printed.contains("project/kiln.toml:2: never: `[5]` is not a list of names; it is ignored"),
        "{printed}"
    );
    assert!(printed.contains("KILN_READ_ONLY: `perhaps` is not true or false; it is ignored"), "{printed}");
    assert_eq!(space.compile(&[("KILN_READ_ONLY", "perhaps")]), counted("bypass", "never-cached"));
}

#[test]
fn the_projects_file_counts_for_dependencies_that_are_compiled_elsewhere() {
    let space = Space::new();
    space.write("registry/dep-1.0/lib.rs", "pub fn dep() {}\n");
    space.write("registry/dep-1.0/.cargo-ok", "");
    space.write("registry/dep-1.0/kiln.toml", "off = true\n");
    let compile = || {
        let mut command = space.wrapped(&[], &[]);
        command.current_dir(space.path("registry/dep-1.0"));
        space.run(&mut command)
    };
    assert_eq!(compile().outcome, "miss", "a dependency's own file does not count");
    assert_eq!(compile(), hit());
    space.write("project/kiln.toml", "salt = 'x'\n");
    assert_eq!(compile(), counted("miss", "not-seen"));
}

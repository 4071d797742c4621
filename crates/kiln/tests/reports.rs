//! What kiln tells: explanations name the true cause for every kind of question, counts are right whatever happens.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod common;

use common::{Space, text_of};
use std::path::Path;
use std::process::Command;

/// What `kiln explain` says after `first` was built and something was changed.
fn explained(space: &Space) -> String {
    space.tell(&["explain"])
}

fn explained_cause(space: &Space, cause: &str) -> String {
    let kind = "a lib";
    format!(
        "build of {}, just now: 1 unit, 0 restored, 1 compiled\n\n  {cause}\n    {kind}\n",
        space.root().display()
    )
}

#[track_caller]
fn explains(space: &Space, before: &dyn Fn(&Space), after: &dyn Fn(&Space), cause: &str) {
    before(space);
    after(space);
    assert_eq!(explained(space), explained_cause(space, cause));
}

#[test]
fn a_file_that_changed_appeared_or_is_gone() {
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    space.rustc("a", &[]);
    assert_eq!(explained(&space), explained_cause(&space, "never seen here"));
    space.write("src/lib.rs", "pub fn two() {}");
    space.rustc("a", &[]);
    assert_eq!(explained(&space), explained_cause(&space, "src/lib.rs changed"));
    // The same as before once more: nothing to explain.
    space.write("src/lib.rs", "pub fn one() {}");
    space.rustc("a", &[]);
    let expected = format!("build of {}, just now: 1 unit, 1 restored, 0 compiled\n", space.root().display());
    assert_eq!(explained(&space), expected);
}

/// Builds a library whose macro runs `step`, does `change`, builds it again and checks what is told.
#[track_caller]
fn a_macro_asked(step: &str, change: &dyn Fn(&Space) -> Vec<(&'static str, &'static str)>, cause: &str) {
    let space = Space::new();
    space.write("input/one", "1");
    space.with_macro(step);
    space.write("src/lib.rs", &format!("pub const A: &str = look::look!(\"{step}\");"));
    explains(
        &space,
        &|space| space.rustc_in("a", &["--extern", "look=liblook.so"], &[("SETTING", "hunter2")]),
        &|space| {
            let environment = change(space);
            space.rustc_in("a", &["--extern", "look=liblook.so"], &environment);
        },
        cause,
    );
}

const SET: (&str, &str) = ("SETTING", "hunter2");

#[test]
fn a_file_that_a_macro_read() {
    a_macro_asked("read input/one", &|s| (s.write("input/one", "2"), vec![SET]).1, "input/one changed");
}

#[test]
fn a_file_that_a_macro_looked_for_in_vain() {
    a_macro_asked("exists input/two", &|s| (s.write("input/two", ""), vec![SET]).1, "input/two appeared");
}

#[test]
fn a_kind_that_changed() {
    let change = |space: &Space| {
        std::fs::remove_file(space.path("input/one")).unwrap();
        std::fs::create_dir(space.path("input/one")).unwrap();
        vec![SET]
    };
    a_macro_asked("exists input/one", &change, "input/one is a directory now");
}

#[test]
fn a_directory_that_lists_more() {
    a_macro_asked(
        "list input",
        &|s| (s.write("input/0007.sql", ""), vec![SET]).1,
        "input/ lists 0007.sql now",
    );
}

#[test]
fn a_variable_that_changed_was_unset_or_set() {
    a_macro_asked("env SETTING", &|_| vec![("SETTING", "hunter3")], "SETTING changed");
    a_macro_asked("env SETTING", &|_| vec![], "SETTING was unset");
    a_macro_asked("env OTHER", &|_| vec![SET, ("OTHER", "1")], "OTHER was set");
}

#[test]
fn a_variable_among_all() {
    a_macro_asked(
        "envs",
        &|_| vec![("SETTING", "hunter3")],
        "a macro reads the whole environment, and SETTING changed",
    );
}

#[test]
fn values_of_variables_are_nowhere() {
    let space = Space::new();
    space.with_macro("envs");
    space.write("src/lib.rs", "pub const A: &str = look::look!(\"envs\");");
    space.rustc_in("a", &["--extern", "look=liblook.so"], &[SET]);
    space.rustc_in("a", &["--extern", "look=liblook.so"], &[("SETTING", "correct-horse")]);
    let mut seen = String::new();
    for command in [&["explain", "--json"][..], &["explain"], &["stats", "--json"], &["verify", "--json"]] {
        seen.push_str(&space.tell(command));
    }
    for (path, content) in space.files("cache/v1") {
        // The outputs are the user's own; a compile may put anything there.
        if !path.contains("/blobs/") {
            seen.push_str(&content);
        }
    }
    assert!(seen.contains("SETTING"), "is it told at all?");
    for secret in ["hunter2", "correct-horse"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}

#[test]
fn values_that_people_give_to_arguments_are_nowhere() {
    let space = Space::new();
    // This macro takes the whole command line into account.
    space.with_macro("argv");
    space.write("src/lib.rs", "#![allow(unexpected_cfgs)] pub const A: &str = look::look!(\"argv\");");
    let compile = |secret: &str| {
        let cfg = format!("api_key=\"{secret}\"");
        let link = format!("link-arg=-DTOKEN={secret}");
        space.rustc("a", &["--extern", "look=liblook.so", "--cfg", &cfg, "-C", &link]);
        explained(&space)
    };
    compile("hunter2");
    assert_eq!(
        compile("correct-horse"),
        explained_cause(&space, "an argument differs: --cfg api_key=… (the value is not kept)")
    );
    let mut seen = space.tell(&["explain", "--json"]) + &space.tell(&["stats", "--json"]);
    for (path, content) in space.files("cache/v1") {
        if !path.contains("/blobs/") {
            seen.push_str(&content);
        }
    }
    assert!(seen.contains("api_key") && seen.contains("TOKEN"), "is it told at all?");
    for secret in ["hunter2", "correct-horse"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}

#[test]
fn an_argument_that_differs() {
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    space.rustc("a", &["-C", "metadata=1"]);
    space.rustc("a", &["--cfg", "feature=\"x\"", "-C", "metadata=2"]);
    assert_eq!(explained(&space), explained_cause(&space, "an argument differs: --cfg feature=\"x\""));
    space.rustc("a", &["-C", "opt-level=3", "-C", "metadata=3"]);
    assert_eq!(explained(&space), explained_cause(&space, "an argument differs: -C opt-level=3"));
}

#[test]
fn the_width_of_the_terminal() {
    let space = Space::new();
    space.write("src/lib.rs", "fn unused() {}");
    space.rustc("a", &["--diagnostic-width", "80"]);
    space.rustc("a", &["--diagnostic-width", "120"]);
    assert_eq!(explained(&space), explained_cause(&space, "the terminal's width changed: 120 (was 80)"));
}

#[test]
fn a_library_that_is_found_earlier() {
    let space = Space::new();
    space.write("native.rs", "#[unsafe(no_mangle)] pub extern \"C\" fn native() {}");
    std::fs::create_dir_all(space.path("second")).unwrap();
    let archive = ["--edition=2024", "--crate-type=staticlib", "-o", "second/libnative.a", "native.rs"];
    space.plain_rustc(&archive);
    space.write("src/lib.rs", "#[link(name = \"native\", kind = \"static\")] unsafe extern \"C\" {}");
    let search = ["-L", "native=first", "-L", "native=second", "--emit=link,dep-info"];
    std::fs::create_dir_all(space.path("first")).unwrap();
    space.rustc("a", &search);
    std::fs::copy(space.path("second/libnative.a"), space.path("first/libnative.a")).unwrap();
    space.rustc("a", &search);
    let explained = explained(&space);
    assert!(
        explained.contains("first/libnative.a appeared")
            || explained.contains("first/ lists libnative.a now"),
        "{explained}"
    );
}

#[test]
fn a_program_that_another_one_on_path_hides() {
    let space = Space::new();
    space.write("src/main.rs", "fn main() {}");
    let bin = ["--crate-type=bin", "src/main.rs"];
    let path = |first: &str| format!("{}:{}", space.path(first).display(), std::env::var("PATH").unwrap());
    std::fs::create_dir_all(space.path("tools")).unwrap();
    let path = path("tools");
    space.rustc_bare("app", &bin, &[("PATH", &path)]);
    let real = text_of(Command::new("sh").args(["-c", "command -v cc"]));
    let real = std::fs::canonicalize(real.trim()).unwrap();
    std::os::unix::fs::symlink(real, space.path("tools/cc")).unwrap();
    std::fs::remove_file(space.path("out/app")).unwrap();
    space.rustc_bare("app", &bin, &[("PATH", &path)]);
    let explained = explained(&space);
    assert!(
        explained.contains("tools/cc appeared")
            || explained.contains("the program `cc` on PATH is another one"),
        "{explained}"
    );
}

#[test]
fn another_compiler() {
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    let copy = space.path("toolchain");
    common::copy_of_the_toolchain(&copy);
    let rustc = copy.join("bin/rustc").display().to_string();
    space.meet(&rustc);
    space.rustc_of(&rustc, "a", &[]);
    // An upgrade in place: another file under the same name.
    let changed = common::some_library(&copy);
    let mut content = std::fs::read(&changed).unwrap();
    content.push(b'\n');
    std::fs::remove_file(&changed).unwrap();
    std::fs::write(&changed, content).unwrap();
    space.meet(&rustc);
    space.rustc_of(&rustc, "a", &[]);
    let explained = explained(&space);
    assert!(
        explained.contains("the compiler changed: other files of the same version (rustc 1."),
        "{explained}"
    );
}

#[test]
fn a_compiler_of_another_version() {
    let space = Space::new();
    space.workspace();
    let version = text_of(Command::new(common::rustc()).arg("-vV"));
    let release = version.lines().find_map(|line| line.strip_prefix("release: ")).unwrap();
    // The release before: 1.95.0 -> 1.94.0; its digits are as many.
    let minor: u32 = release.split('.').nth(1).unwrap().parse().unwrap();
    let older = release.replacen(&format!(".{minor}."), &format!(".{}.", minor - 1), 1);
    let copy = space.path("older");
    common::toolchain_of_another_version(&copy, release, &older);
    let build = |toolchain: &Path| {
        space.meet(toolchain.join("bin/rustc").to_str().unwrap());
        let mut command = space.cargo_of(&toolchain.join("bin/cargo"), &["check"]);
        text_of(command.env("RUSTC", toolchain.join("bin/rustc")));
    };
    build(&copy);
    build(common::sysroot().as_ref());
    assert_eq!(
        space.tell(&["explain"]),
        format!(
            "build of {}, dev profile, just now: 3 units, 0 restored, 3 compiled\n\n  the compiler changed: rustc {older} -> rustc \
             {release}\n    leaf check, mid check, app check\n",
            space.root().display()
        )
    );
    assert_eq!(
        space.tell(&["explain", "leaf"]).matches("->").count(),
        1,
        "and of the first build nothing is told"
    );
    // Back again: what the older one made is still there.
    let hits = || -> u64 {
        let stats: serde_json::Value = serde_json::from_str(&space.tell(&["stats", "--json"])).unwrap();
        stats["projects"][space.root().to_str().unwrap()]["hits"].as_u64().unwrap()
    };
    let before = hits();
    std::fs::remove_dir_all(space.path("target")).unwrap();
    build(&copy);
    assert_eq!(hits() - before, 3);
}

#[test]
fn a_setting_that_changed() {
    let space = Space::new();
    space.workspace();
    let build = |set: &[(&str, &str)]| {
        let _ = std::fs::remove_dir_all(space.path("target"));
        text_of(space.cargo_command(&["build"]).envs(set.iter().copied()));
        space.tell(&["explain"])
    };
    build(&[]);
    // The first two are compiled side by side, so either may be told first.
    let units = ["    leaf lib, mid lib, app bin\n", "    mid lib, leaf lib, app bin\n"];
    for (setting, cause) in [
        (&[("KILN_REMAP", "1")][..], "the setting remap is on now"),
        (&[], "restored"),
        (&[("KILN_SALT", "1")], "the setting salt"),
        (&[("KILN_EXTRA_VARIABLES", "A")], "the setting extra-variable"),
        (&[("KILN_EXTRA_INPUTS", "A")], "the setting extra-input"),
    ] {
        let explained = build(setting);
        assert!(explained.contains(cause), "{setting:?}: {explained}");
        assert!(
            setting.is_empty() || units.iter().any(|units| explained.contains(units)),
            "{setting:?}: {explained}"
        );
    }
    // The nearest run is the one with the setting.
    space.write("leaf/src/lib.rs", "pub fn leaf() -> u32 { 2 }");
    let explained = build(&[("KILN_REMAP", "1")]);
    assert!(explained.contains("  leaf/src/lib.rs changed\n    leaf lib\n    and 2 units"), "{explained}");
}

#[test]
fn what_follows_is_grouped_under_what_was_done() {
    let space = Space::new();
    space.workspace();
    space.cargo(&["build"]);
    space.write("leaf/src/lib.rs", "pub fn leaf() -> u32 { 2 }");
    space.cargo(&["build"]);
    let of = space.root().display().to_string();
    assert_eq!(
        explained(&space),
        format!(
            "build of {of}, dev profile, just now: 3 units, 0 restored, 3 compiled\n\n  leaf/src/lib.rs changed\n    leaf lib\n    \
             and 2 units that depend on it: mid lib, app bin\n"
        )
    );
    // Another feature of the leaf makes another build of it.
    space.cargo(&["build", "--features", "leaf/x"]);
    let text = explained(&space);
    assert!(
        text.contains("an argument differs: --cfg feature=\"x\"\n    leaf lib\n    and 2 units"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&space.tell(&["explain", "--json"])).unwrap();
    assert_eq!(json["schema"], 1);
    let group = &json["builds"][0]["misses"][0];
    assert_eq!(group["units"][0]["name"], "leaf");
    assert_eq!(group["following"].as_array().unwrap().len(), 2);
    let of_mid = space.tell(&["explain", "mid"]);
    assert!(of_mid.contains("the dependency leaf changed"), "{of_mid}");
    assert_eq!(space.tell(&["explain", "nobody"]), "no compile of `nobody` is known here\n");
}

#[test]
fn what_is_not_cached_has_a_remedy() {
    let space = Space::new();
    space.with_macro("time");
    space.write("src/lib.rs", "pub const A: &str = look::look!(\"time\");");
    space.rustc("a", &["--extern", "look=liblook.so"]);
    assert_eq!(
        explained(&space),
        format!(
            "build of {}, just now: 1 unit, 0 restored, 1 compiled (not cached)\n\n  not cached: depends on the time, the \
             network or the machine\n    a lib\n    a macro asks for the time\n    what to do: make the macro or build \
             script not ask: the answer can be another every time (C: `time-macros`, or SOURCE_DATE_EPOCH)\n",
            space.root().display()
        )
    );
}

/// A day as it is told, whichever it is.
fn without_days(text: &str) -> String {
    let is_day =
        |word: &str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let words: Vec<&str> = text.split(' ').collect();
    let line = |word: &&str| match word.split_once('\n') {
        Some((day, rest)) if is_day(day) => format!("DAY\n{rest}"),
        _ if is_day(word) => "DAY".to_owned(),
        _ => (*word).to_owned(),
    };
    words.iter().map(line).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_result_that_was_cleared_or_evicted() {
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    let gone = "its result is no longer in the cache";
    let again = |cause: &str| {
        space.rustc("a", &[]);
        assert_eq!(without_days(&explained(&space)), explained_cause(&space, cause));
    };
    space.rustc("a", &[]);
    assert!(space.tell(&["clear", "-y", "a"]).starts_with("removed 1 result, "));
    again(&format!("{gone}: `kiln clear` ran on DAY"));
    // What was cleared before it was kept again has nothing to do with it, and the collector is somebody else.
    let evict = || {
        let results = space.path("cache/v1/results");
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 3600);
        for shard in std::fs::read_dir(results).unwrap() {
            for result in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                std::fs::File::open(result.unwrap().path()).unwrap().set_modified(old).unwrap();
            }
        }
        text_of(space.kiln_command(&["gc"], &[("KILN_MAX_AGE", "1d")]).current_dir(space.root()));
    };
    evict();
    again("its result was evicted for age or room (`max-age`, `max-size`)");
    space.tell(&["clear", "-y", "another"]);
    evict();
    again("its result was evicted for age or room (`max-age`, `max-size`)");
    assert!(space.tell(&["clear", "-y"]).starts_with("removed 1 result, "));
    again("never seen here since the cache was cleared on DAY");
    // What lies in the place of what is remembered is no harm, and says nothing.
    let removals = space.path("cache/v1/removals");
    std::fs::remove_file(&removals).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &removals).unwrap();
    for result in space.files("cache/v1/results") {
        std::fs::remove_file(space.path("cache/v1/results").join(result.0)).unwrap();
    }
    again(gone);
}

#[test]
fn counts_are_right_with_two_builds_at_once_and_after_a_kill() {
    let space = Space::new();
    space.workspace();
    let mut builds: Vec<_> = ["one", "two"]
        .iter()
        .map(|target| space.cargo_command(&["build", "--target-dir", target]).spawn().unwrap())
        .collect();
    for build in &mut builds {
        assert!(build.wait().unwrap().success());
    }
    let stats = || -> serde_json::Value { serde_json::from_str(&space.tell(&["stats", "--json"])).unwrap() };
    let units = || space.events().into_iter().filter(|event| event["kind"] != "probe").collect::<Vec<_>>();
    let lines = |kind: &str| units().iter().filter(|event| event["outcome"] == kind).count() as u64;
    let before = stats();
    assert_eq!(
        (before["hits"].as_u64(), before["misses"].as_u64()),
        (Some(lines("hit")), Some(lines("miss")))
    );
    // Killed in the middle of a compile: what was told is told, and the half-written line of another one costs itself.
    space.write("src/lib.rs", &format!("pub static A: [u8; 9] = *b\"{}\";", "x".repeat(9)));
    let slow = [&common::rustc(), "--crate-name", "a", "--crate-type=lib", "--out-dir", "out", "src/lib.rs"];
    let mut killed = space.direct(&slow).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let log = space.path("cache/v1/events/current.jsonl");
    let mut torn = std::fs::read(&log).unwrap();
    torn.extend(b"{\"at_ms\":17,\"outcome\":\"hi\n");
    std::fs::write(&log, torn).unwrap();
    assert_eq!(stats()["hits"], before["hits"]);
    space.rustc("a", &[]);
    let counted = units().len() as u64;
    assert!(counted > before["units"].as_u64().unwrap());
    assert_eq!(stats()["units"].as_u64(), Some(counted));
    // A clock that was set back: the newest event carries an old time.
    let events = std::fs::read_to_string(&log).unwrap();
    let old = events.lines().last().unwrap().replace("\"at_ms\":1", "\"at_ms\":");
    std::fs::write(&log, format!("{events}{old}\n")).unwrap();
    let since: serde_json::Value =
        serde_json::from_str(&space.tell(&["stats", "--json", "--since", "1h"])).unwrap();
    assert_eq!(since["units"].as_u64(), Some(counted + 1));
}

/// Events as an earlier build left them, enough to close a segment of the log.
fn many_events(count: usize, at_ms: u64) -> String {
    let stem = "x".repeat(400);
    let line = format!(
        "{{\"at_ms\":{at_ms},\"outcome\":\"hit\",\"name\":\"a\",\"kind\":\"lib\",\"took_us\":1,\"compile_ms\":2,\"stem\":\"{stem}\"}}\n"
    );
    line.repeat(count)
}

#[test]
fn counts_are_right_whenever_the_collector_is_killed() {
    const MANY: usize = 9000;
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    space.rustc("a", &[]);
    let log = space.path("cache/v1/events/current.jsonl");
    let stats = || -> serde_json::Value { serde_json::from_str(&space.tell(&["stats", "--json"])).unwrap() };
    let mut expected = stats()["units"].as_u64().unwrap();
    let mut random = 7_u64;
    for round in 0..24 {
        if round % 3 == 0 {
            let mut current = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
            std::io::Write::write_all(&mut current, many_events(MANY, 1).as_bytes()).unwrap();
            expected += MANY as u64;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut collector = space.direct(&["gc"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros((random >> 33) % 120_000));
        let _ = collector.kill();
        collector.wait().unwrap();
        space.rustc("a", &[]);
        expected += 1;
        let summed = stats();
        let counted =
            ["hits", "misses", "failures", "errors"].iter().map(|kind| summed[kind].as_u64().unwrap());
        assert_eq!((summed["units"].as_u64(), counted.sum()), (Some(expected), expected), "round {round}");
    }
    let closed = std::fs::read_dir(log.parent().unwrap()).unwrap().count();
    assert!(closed > 3, "nothing was ever closed: {closed}");
}

#[test]
fn counts_and_explanations_are_right_when_the_clock_jumps() {
    let space = Space::new();
    space.write("src/lib.rs", "pub fn one() {}");
    space.rustc("a", &[]);
    let log = space.path("cache/v1/events/current.jsonl");
    let day = 24 * 3600 * 1000;
    let at = |event: &serde_json::Value| event["at_ms"].as_u64().unwrap();
    let now = at(&space.events()[0]);
    // A year ahead for one build, then back again, and once to the beginning of time.
    for at_ms in [now + 365 * day, now, 0, 17] {
        let mut current = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut current, many_events(1, at_ms).as_bytes()).unwrap();
    }
    let stats = |args: &[&str]| -> u64 {
        let output = space.tell(&[&["stats", "--json"], args].concat());
        serde_json::from_str::<serde_json::Value>(&output).unwrap()["units"].as_u64().unwrap()
    };
    assert_eq!((stats(&[]), stats(&["--since", "1h"])), (5, 5), "what came later in the log is not hidden");
    space.write("src/lib.rs", "pub fn two() {}");
    space.rustc("a", &[]);
    assert_eq!(explained(&space), explained_cause(&space, "src/lib.rs changed"));
    assert_eq!(stats(&[]), 6);
    assert_eq!(space.tell(&["stats", "--zero"]), "counting begins anew; what is cached stays\n");
    assert_eq!((stats(&[]), stats(&["--since", "1h"])), (0, 0), "zero is a place in the log and not a time");
    space.rustc("a", &[]);
    assert_eq!(stats(&[]), 1);
}

#[test]
fn statistics_as_a_person_sees_them() {
    let space = Space::new();
    let empty = "units                              0\nhits                               0\nmisses                             0\nhit rate                       0.0 %\nnot cached                         0\nfailed compiles                    0\nerrors of the cache                0\ncompiling saved                0.0 s\ncompiling done                 0.0 s\nbytes restored                   0 B\non disk                          0 B\nlimit                      10.00 GiB\n";
    assert_eq!(space.tell(&["stats"]), empty);
    space.workspace();
    space.cargo(&["build"]);
    std::fs::remove_dir_all(space.path("target")).unwrap();
    space.cargo(&["build"]);
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&space.tell(&[&["stats", "--json"], args].concat())).unwrap()
    };
    let here = json(&["--project", "."]);
    assert_eq!((here["hits"].as_u64(), here["misses"].as_u64()), (Some(3), Some(3)));
    assert_eq!(json(&["--project", "leaf"])["units"], 0);
    let top = json(&["--top", "2"]);
    assert_eq!(
        (top["biggest"].as_array().unwrap().len(), top["most_useful"].as_array().unwrap().len()),
        (2, 2)
    );
    assert_eq!(top["biggest"][0]["unit"], "app bin");
    assert_eq!(json(&["--since", "1999-01-01"])["units"], json(&[])["units"]);
    assert_eq!(space.tell(&["stats", "--zero"]), "counting begins anew; what is cached stays\n");
    let zero = json(&[]);
    assert_eq!((zero["units"].as_u64(), zero["store_entries"] == top["store_entries"]), (Some(0), true));
    space.cargo(&["build", "--target-dir", "elsewhere"]);
    assert_eq!(json(&["--project", "elsewhere"])["hits"], 3);
}

#[test]
fn what_build_scripts_ask_for_is_counted_apart() {
    let space = Space::new();
    space.write("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    space.write("src/main.rs", "fn main() {}\n");
    space.write("one.c", "int one(void) { return 1; }\n");
    space.write("two.c", "int two(void) { return 2; }\n");
    space.write(
        "build.rs",
        "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    for name in [\"one\", \"two\"] {\n        \
         let object = format!(\"{out}/{name}.o\");\n        \
         let mut cc = std::process::Command::new(\"cc\");\n        \
         assert!(cc.args([\"-c\", &format!(\"{name}.c\"), \"-o\", &object]).status().unwrap().success());\n    }\n    \
         println!(\"cargo::rerun-if-changed=one.c\");\n}\n",
    );
    let build = || {
        let _ = std::fs::remove_dir_all(space.path("target"));
        let mut command = space.kiln_command(&["cargo", "build", "--offline"], &[]);
        let output = command.current_dir(space.root()).output().unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        let line =
            printed.lines().find(|line| line.starts_with("kiln: ")).unwrap_or_else(|| panic!("{printed}"));
        let tally = line.trim_start_matches("kiln: ").rsplit_once(", ").unwrap().0.to_owned();
        let json = |command: &str| -> serde_json::Value {
            serde_json::from_str(&space.tell(&[command, "--json"])).unwrap()
        };
        assert_eq!(json("explain")["builds"][0]["tally"], tally.as_str());
        (tally, json("stats")["for_scripts"].as_u64().unwrap())
    };
    let cold = build();
    assert_eq!(cold, ("5 units (2 of them for build scripts), 0 restored, 5 compiled".to_owned(), 2));
    // Where the script's run is kept nobody asks for what it compiled.
    assert_eq!(build(), ("3 units, 3 restored, 0 compiled".to_owned(), 2));
    let text = space.tell(&["stats"]);
    let row =
        text.lines().find(|line| line.starts_with("  for build scripts")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.ends_with(" 2"), "{text}");
}

/// A build script reads what its compiler says, and cargo keeps what rustc says: neither becomes another one for a log on standard error.
#[test]
fn a_log_on_standard_error_is_in_nothing_that_is_kept() {
    let space = Space::new();
    space.write("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    space.write("src/main.rs", "fn main() {}\n");
    space.write("one.c", "int one(void) { return 1; }\n");
    space.write(
        "build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-changed=one.c\");\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
         let cc = std::process::Command::new(\"cc\").args([\"-c\", \"one.c\", \"-o\", &format!(\"{out}/one.o\")]).output();\n    \
         assert_eq!(String::from_utf8(cc.unwrap().stderr).unwrap(), \"\");\n}\n",
    );
    let build = |log: &[(&str, &str)]| {
        let _ = std::fs::remove_dir_all(space.path("target"));
        let mut command = space.kiln_command(&["cargo", "build", "--offline"], log);
        let output = command.current_dir(space.root()).output().unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{printed}");
        printed
    };
    let streams = [("KILN_LOG", "debug:/dev/stderr"), ("KILN_EVENTS", "/dev/stderr")];
    assert!(build(&streams).contains(" info  miss app (bin)"));
    for _ in 0..2 {
        let printed = build(&[]);
        assert!(!printed.contains(" info ") && !printed.contains("outcome"), "{printed}");
    }
}

#[test]
fn what_was_never_seen_here_may_be_known_elsewhere() {
    let space = Space::new();
    space.workspace();
    // Two checkouts of the same.
    let copy = "mkdir one && mv Cargo.toml app mid leaf one && cp -r one two";
    text_of(Command::new("sh").current_dir(space.root()).args(["-c", copy]));
    let build = |checkout: &str, set: &[(&str, &str)]| {
        let directory = space.path(checkout);
        let _ = std::fs::remove_dir_all(directory.join("target"));
        text_of(space.cargo_command(&["build"]).current_dir(&directory).envs(set.iter().copied()));
        explained(&space)
    };
    build("one", &[]);
    let all = build("two", &[]);
    let first = space.path("one");
    let cause = format!("never seen here; {} has the same, and `remap` would share it", first.display());
    let units = all.split_once(&format!("{cause}\n")).and_then(|(_, rest)| rest.lines().next());
    let mut units: Vec<&str> = units.unwrap_or_else(|| panic!("{all}")).trim().split(", ").collect();
    units.sort_unstable(); // they are told in the order in which they ended
    assert_eq!(units, ["app bin", "leaf lib", "mid lib"], "{all}");
    // It would indeed.
    build("one", &[("KILN_REMAP", "1")]);
    let shared = build("two", &[("KILN_REMAP", "1")]);
    assert!(shared.contains("3 restored"), "{shared}");
    // Another version of a package.
    let compile = |directory: &str, text: &str| {
        space.write(&format!("{directory}/src/lib.rs"), text);
        let mut command = space.kiln_command(
            &[
                &common::rustc(),
                "--crate-type=lib",
                "--crate-name=serde",
                "--emit=metadata",
                "--out-dir",
                "out",
                "src/lib.rs",
            ],
            &[],
        );
        std::fs::create_dir_all(space.path(directory).join("out")).unwrap();
        text_of(command.current_dir(space.path(directory)));
        explained(&space)
    };
    compile("serde-1.0.1", "pub fn one() {}");
    let newer = compile("serde-1.0.2", "pub fn two() {}");
    assert!(newer.contains("never seen here; another version is known: serde-1.0.1"), "{newer}");
}

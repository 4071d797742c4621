use super::*;
use crate::bare::bare;
use crate::families;
use kiln_action::{Family, Given, OutputPlan, Place, Placed, Subject};
use kiln_recorder::{Ask, By, OpenMode, Process, What};

fn invocation() -> Invocation {
    let mut places = Places::new();
    places.add(Place::Deps(0), Path::new("/t/deps"));
    places.add(Place::Out, Path::new("/t/out"));
    let outputs = OutputPlan {
        directory: "/t/out".into(),
        stems: vec!["a".into(), "liba".into()],
        private: vec!["/t/incremental".into()],
        ..OutputPlan::default()
    };
    Invocation { outputs, places, links: true, lazy: vec![], directory: "/w".into(), ..bare() }
}

fn process(exe: &str, parent: Option<u32>, spawned_by: By) -> Process {
    Process {
        serial: 0,
        parent,
        spawned_by,
        pid: 1,
        exe: exe.into(),
        cwd: "/w".into(),
        modules: vec![],
        library_path: None,
        searches: vec![],
    }
}

fn event(process: u32, by: By, act: Act) -> RecordedEvent {
    RecordedEvent { process, by, act }
}

fn open(path: &str) -> Act {
    Act::Open { path: path.into(), mode: OpenMode { read: true, ..OpenMode::default() }, errno: 0 }
}

fn create(path: &str) -> Act {
    let mode = OpenMode { write: true, create: true, truncate: true, ..OpenMode::default() };
    Act::Open { path: path.into(), mode, errno: 0 }
}

fn gone(path: &str) -> Act {
    Act::Stat { path: path.into(), follow: true, errno: ENOENT }
}

/// Reads a record of rustc, and of a linker and a macro's program that it started.
fn reading(events: Vec<RecordedEvent>, there: &[&str]) -> Result<Evidence, Reason> {
    let processes = vec![
        process("/tc/bin/rustc", None, By::Compiler),
        process("/usr/bin/cc", Some(0), By::Compiler),
        process("/usr/bin/git", Some(0), By::Loaded),
    ];
    let invocation = invocation();
    let exists = |path: &Path| there.iter().any(|known| path == Path::new(known));
    let search = [PathBuf::from("/usr/bin")];
    let owns = |path: &Path| path.starts_with("/tc");
    let scene = Scene {
        invocation: &invocation,
        policy: families::of(Subject::Compile(Family::Rustc)).policy(),
        owns: &owns,
        search: &search,
        library_path: None,
        rustlib: None,
        ignored: &|_| false,
        responses: &[],
        temporary: &[],
        dates: false,
        own: None,
        is_rustc: &|_| false,
        is_kiln: &|_| false,
        exists: &exists,
        is_directory: &|_| false,
        real_path: &|path| Some(path.to_owned()),
    };
    read(&Record { processes, events }, &scene)
}

fn asks(evidence: &Evidence, question: Question) -> bool {
    evidence.questions.contains(&question)
}

fn literal(path: &str) -> Placed {
    Placed::literal(Path::new(path))
}

#[test]
fn what_the_compiler_reads_of_its_own_is_in_the_key_already() {
    let events = ["/tc/lib/libstd.rlib", "/t/incremental/x", "/proc/self/maps"];
    let events = events.iter().map(|path| event(0, By::Compiler, open(path))).collect();
    let questions = reading(events, &[]).unwrap().questions;
    assert!(
        !questions.iter().any(
            |q| matches!(q, Question::File(p) if p.path.starts_with(b"/t") || p.path.starts_with(b"/p"))
        )
    );
}

#[test]
fn sources_are_files_dependencies_are_placed_and_absence_is_an_answer() {
    let found = reading(
        vec![
            event(0, By::Compiler, open("/w/src/lib.rs")),
            event(0, By::Compiler, open("/t/deps/libx.rmeta")),
            event(0, By::Compiler, gone("/w/src/foo/mod.rs")),
            event(0, By::Compiler, gone("/t/deps/libx.rlib")),
        ],
        &[],
    )
    .unwrap();
    assert!(asks(&found, Question::File(literal("/w/src/lib.rs"))));
    assert!(asks(&found, Question::File(Placed { place: Place::Deps(0), path: b"libx.rmeta".to_vec() })));
    assert!(asks(&found, Question::Absent(literal("/w/src/foo/mod.rs"))));
    assert_eq!(
        found.absent,
        HashSet::from([OsString::from("/w/src/foo/mod.rs")]),
        "what a dependency has not yet is no question"
    );
}

#[test]
fn a_macro_is_taken_literally_wherever_it_looks() {
    let found = reading(
        vec![
            event(0, By::Loaded, open("/tc/lib/libstd.rlib")),
            event(0, By::Loaded, Act::Stat { path: "/t/deps".into(), follow: true, errno: 0 }),
            event(0, By::Loaded, Act::List { path: "/w/migrations".into(), errno: 0 }),
            event(0, By::Loaded, Act::Getenv { name: b"PATH".to_vec() }),
            event(2, By::Compiler, open("/w/.git/HEAD")),
        ],
        &[],
    )
    .unwrap();
    assert!(asks(&found, Question::File(literal("/tc/lib/libstd.rlib"))));
    assert!(asks(&found, Question::Kind(literal("/t/deps"))));
    assert!(asks(&found, Question::Listing(literal("/w/migrations"))));
    assert!(asks(&found, Question::Env(b"PATH".to_vec())));
    assert!(asks(&found, Question::File(literal("/w/.git/HEAD"))), "what a macro starts is the macro's");
    assert!(asks(&found, Question::File(literal("/usr/bin/git"))));
}

#[test]
fn a_linker_is_known_by_its_files_and_what_path_leads_to() {
    let found = reading(
        vec![
            event(1, By::Compiler, Act::Getenv { name: b"PATH".to_vec() }),
            event(1, By::Compiler, Act::Getenv { name: b"LIBRARY_PATH".to_vec() }),
            event(1, By::Compiler, gone("/usr/bin/real-ld")),
        ],
        &[],
    )
    .unwrap();
    assert!(asks(&found, Question::File(literal("/usr/bin/cc"))));
    assert!(asks(&found, Question::Program(b"real-ld".to_vec())));
    assert!(asks(&found, Question::Env(b"LIBRARY_PATH".to_vec())));
    assert!(!asks(&found, Question::Env(b"PATH".to_vec())));
}

#[test]
fn a_shell_takes_over_the_whole_environment() {
    for (exe, whole) in [
        ("/usr/bin/x86_64-linux-gnu-gcc-12", false),
        ("/usr/lib/llvm-14/bin/clang", false),
        ("/usr/bin/dash", true),
    ] {
        let processes =
            vec![process("/tc/bin/rustc", None, By::Compiler), process(exe, Some(0), By::Compiler)];
        let invocation = invocation();
        let owns = |path: &Path| path.starts_with("/tc");
        let scene = Scene {
            invocation: &invocation,
            policy: families::of(Subject::Compile(Family::Rustc)).policy(),
            owns: &owns,
            search: &[],
            library_path: None,
            rustlib: None,
            ignored: &|_| false,
            responses: &[],
            temporary: &[],
            dates: false,
            own: None,
            is_rustc: &|_| false,
            is_kiln: &|_| false,
            exists: &|_| false,
            is_directory: &|_| false,
            real_path: &|path| Some(path.to_owned()),
        };
        let found = read(&Record { processes, events: vec![] }, &scene).unwrap();
        assert_eq!(asks(&found, Question::Environ), whole, "{exe}");
    }
}

#[test]
fn what_the_run_made_is_no_input() {
    let found = reading(
        vec![
            event(0, By::Compiler, Act::Create { path: "/t/out/rmetaX".into(), what: What::Dir, errno: 0 }),
            event(0, By::Compiler, create("/t/out/rmetaX/full.rmeta")),
            event(0, By::Compiler, open("/t/out/rmetaX/full.rmeta")),
            event(
                0,
                By::Compiler,
                Act::Rename {
                    from: "/t/out/rmetaX/full.rmeta".into(),
                    to: "/t/out/liba.rmeta".into(),
                    errno: 0,
                },
            ),
            event(0, By::Compiler, Act::Remove { path: "/t/out/rmetaX".into(), errno: 0 }),
        ],
        &["/t/out/liba.rmeta"],
    )
    .unwrap();
    assert!(found.opened.is_empty());
    assert_eq!(found.outputs.iter().collect::<Vec<_>>(), [Path::new("/t/out/liba.rmeta")]);
}

#[test]
fn writing_elsewhere_is_not_kept() {
    let left = reading(vec![event(0, By::Loaded, create("/w/cache.txt"))], &["/w/cache.txt"]);
    assert_eq!(left.unwrap_err(), Reason::WritesOutside("/w/cache.txt".into()));
    assert!(
        reading(vec![event(0, By::Loaded, create("/tmp/x"))], &[]).is_ok(),
        "a temporary that is gone again"
    );
    let removed = Act::Remove { path: "/w/data".into(), errno: 0 };
    assert!(reading(vec![event(0, By::Loaded, removed)], &[]).is_err());
    let map = reading(vec![event(1, By::Compiler, create("/w/out.map"))], &["/w/out.map"]);
    assert!(map.is_err(), "a linker's map file would be missing after a hit");
}

#[test]
fn what_no_key_can_hold_is_refused_by_name() {
    for (ask, refused) in [(Ask::Time, true), (Ask::Network, true), (Ask::Random, false), (Ask::Cwd, false)] {
        assert_eq!(reading(vec![event(0, By::Loaded, Act::Ask(ask))], &[]).is_err(), refused, "{ask:?}");
        assert!(reading(vec![event(0, By::Compiler, Act::Ask(ask))], &[]).is_ok(), "rustc's own {ask:?}");
    }
    assert!(reading(vec![event(0, By::Loaded, open("/proc/self/cmdline"))], &[]).is_err());
    let bare = Act::Load { path: "libx.so".into(), errno: 0 };
    assert!(reading(vec![event(0, By::Loaded, bare)], &[]).is_err(), "who knows which file that is");
}

#[test]
fn macros_are_noted_for_examination() {
    let load = Act::Load { path: "/t/deps/libm.so".into(), errno: 0 };
    let brought = Act::Loaded { path: "/usr/lib/libz.so".into(), search: "/opt/lib".into() };
    let loads = [event(0, By::Compiler, load), event(0, By::Loaded, brought)];
    assert!(reading(loads.to_vec(), &[]).is_err(), "there may have been others");
    let all = event(0, By::Compiler, Act::LoadedAll);
    let found = reading(loads.into_iter().chain([all]).collect(), &[]).unwrap();
    assert!(asks(&found, Question::Library(b"libz.so".to_vec())), "which the loader searched for");
    assert!(asks(&found, Question::Absent(literal("/opt/lib/libz.so"))));
    assert!(!asks(&found, Question::Library(b"libm.so".to_vec())), "which rustc named");
    assert!(found.macros.contains(Path::new("/t/deps/libm.so")));
    assert!(found.macros.contains(Path::new("/usr/lib/libz.so")), "what a macro brings is examined, too");
}

#[test]
fn shared_memory_is_a_place_for_files() {
    let found = reading(vec![event(0, By::Compiler, open("/dev/shm/w/src/lib.rs"))], &[]).unwrap();
    assert!(asks(&found, Question::File(literal("/dev/shm/w/src/lib.rs"))));
    assert!(reading(vec![event(0, By::Loaded, create("/dev/shm/x"))], &["/dev/shm/x"]).is_err());
    assert!(reading(vec![event(0, By::Loaded, create("/dev/null"))], &["/dev/null"]).is_ok());
}

#[test]
fn a_script_before_the_linker_may_decide_by_what_stat_tells() {
    let looks = [
        Act::Stat { path: "/w/flag".into(), follow: true, errno: 0 },
        Act::Access { path: "/w/flag".into(), mode: 1, errno: 13 },
    ];
    for look in looks {
        for (exe, counts) in [("/bin/dash", true), ("/usr/bin/cc", false)] {
            let processes =
                vec![process("/tc/bin/rustc", None, By::Compiler), process(exe, Some(0), By::Compiler)];
            let invocation = invocation();
            let scene = Scene {
                invocation: &invocation,
                policy: families::of(Subject::Compile(Family::Rustc)).policy(),
                owns: &|path| path.starts_with("/tc"),
                search: &[],
                library_path: None,
                rustlib: None,
                ignored: &|_| false,
                responses: &[],
                temporary: &[],
                dates: false,
                own: None,
                is_rustc: &|_| false,
                is_kiln: &|_| false,
                exists: &|_| true,
                is_directory: &|_| false,
                real_path: &|path| Some(path.to_owned()),
            };
            let events = vec![event(1, By::Compiler, look.clone())];
            let found = read(&Record { processes, events }, &scene).unwrap();
            assert_eq!(asks(&found, Question::Kind(literal("/w/flag"))), counts, "{exe} {look:?}");
        }
    }
}

#[test]
fn lstat_asks_what_is_there_before_any_link_is_followed() {
    let look = |follow| Act::Stat { path: "/w/x".into(), follow, errno: 0 };
    for (follow, counts) in [(false, true), (true, false)] {
        let found = reading(vec![event(0, By::Loaded, look(follow))], &["/w/x"]).unwrap();
        assert_eq!(asks(&found, Question::Real(literal("/w/x"))), counts);
    }
}

#[test]
fn a_macro_that_looks_through_proc_or_makes_a_link_is_refused() {
    let through = Act::Stat { path: "/proc/self/cwd/x".into(), follow: true, errno: 0 };
    assert!(matches!(reading(vec![event(0, By::Loaded, through)], &[]), Err(Reason::Nondeterministic(_))));
    let link = || Act::Create { path: "/tmp/x".into(), what: What::Symlink, errno: 0 };
    assert!(matches!(reading(vec![event(0, By::Loaded, link())], &[]), Err(Reason::WritesOutside(_))));
    assert!(reading(vec![event(1, By::Compiler, link())], &[]).is_ok(), "a linker's own temporary");
}

#[test]
fn what_was_there_before_is_an_input_whatever_it_is_called() {
    let found = reading(vec![event(1, By::Compiler, open("/t/out/liba.a"))], &["/t/out/liba.a"]).unwrap();
    assert!(asks(&found, Question::File(Placed { place: Place::Out, path: b"liba.a".to_vec() })));
    let made =
        vec![event(0, By::Compiler, create("/t/out/liba.a")), event(1, By::Compiler, open("/t/out/liba.a"))];
    assert!(!reading(made, &["/t/out/liba.a"]).unwrap().opened.contains(Path::new("/t/out/liba.a")));
}

#[test]
fn a_second_file_for_a_module_beside_the_outputs_is_a_question() {
    let found = reading(vec![event(0, By::Compiler, gone("/t/out/foo/mod.rs"))], &[]).unwrap();
    assert!(asks(&found, Question::Absent(Placed { place: Place::Out, path: b"foo/mod.rs".to_vec() })));
}

#[test]
fn variables_of_the_compiler_are_the_sources_where_no_dep_info_tells_them_apart() {
    for (dep_info, name, counts) in
        [(true, "CI", false), (false, "CI", true), (false, "PATH", true), (false, "MAKEFLAGS", false)]
    {
        let mut invocation = invocation();
        invocation.outputs.dep_info = dep_info;
        let scene = Scene {
            invocation: &invocation,
            policy: families::of(Subject::Compile(Family::Rustc)).policy(),
            owns: &|path| path.starts_with("/tc"),
            search: &[],
            library_path: None,
            rustlib: None,
            ignored: &|_| false,
            responses: &[],
            temporary: &[],
            dates: false,
            own: None,
            is_rustc: &|_| false,
            is_kiln: &|_| false,
            exists: &|_| true,
            is_directory: &|_| false,
            real_path: &|path| Some(path.to_owned()),
        };
        let events = vec![event(0, By::Compiler, Act::Getenv { name: name.into() })];
        let processes = vec![process("/tc/bin/rustc", None, By::Compiler)];
        let found = read(&Record { processes, events }, &scene).unwrap();
        assert_eq!(found.variables.contains(name.as_bytes()), counts, "{name}");
    }
}

#[test]
fn what_is_called_like_an_output_is_an_input_unless_it_is_replaced() {
    let look = || event(1, By::Compiler, open("/t/out/liba.so"));
    let input = Question::File(Placed { place: Place::Out, path: b"liba.so".to_vec() });
    assert!(asks(&reading(vec![look()], &["/t/out/liba.so"]).unwrap(), input.clone()));
    let replaced = reading(
        vec![
            look(),
            event(1, By::Compiler, Act::Remove { path: "/t/out/liba.so".into(), errno: 0 }),
            event(1, By::Compiler, create("/t/out/liba.so")),
        ],
        &["/t/out/liba.so"],
    );
    assert!(!asks(&replaced.unwrap(), input));
}

#[test]
fn what_a_process_is_given_is_asked() {
    for (ask, given) in
        [(Ask::Umask, Given::Umask), (Ask::Signals, Given::Signals), (Ask::Processor, Given::Processor)]
    {
        let found = reading(vec![event(0, By::Loaded, Act::Ask(ask))], &[]).unwrap();
        assert!(asks(&found, Question::Given(given)));
    }
    for ask in [Ask::Attributes, Ask::Space, Ask::Others, Ask::Terminal, Ask::Unknown, Ask::Unseen] {
        assert!(reading(vec![event(0, By::Loaded, Act::Ask(ask))], &[]).is_err(), "{ask:?}");
        assert!(reading(vec![event(0, By::Compiler, Act::Ask(ask))], &[]).is_ok(), "rustc's own {ask:?}");
    }
    let look = |mode, errno| {
        let open = Act::Open { path: "/dev/tty".into(), mode, errno };
        reading(vec![event(0, By::Loaded, open)], &[])
    };
    let read = OpenMode { read: true, ..OpenMode::default() };
    let both = OpenMode { write: true, ..read };
    for mode in [read, both] {
        assert!(asks(&look(mode, 6).unwrap(), Question::Given(Given::Terminal)), "there was none");
        assert!(look(mode, 0).is_err(), "what somebody types");
    }
}

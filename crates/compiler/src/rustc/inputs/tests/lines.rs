//! Command lines that cargo 1.95 passed to its wrapper: build, check, test and clippy of a workspace with a library of
//! three crate types, a proc macro, a cdylib, build scripts that ask rustc questions, LTO, a target and RUSTFLAGS.

use super::*;

const LINES: &str = include_str!("../../fixtures/cargo-argv.txt");

struct Recorded {
    directory: PathBuf,
    out_dir: Option<OsString>,
    arguments: Vec<OsString>,
}

fn recorded() -> impl Iterator<Item = Recorded> {
    LINES.split("\n\n").map(|block| {
        let mut lines = block.trim_end_matches('\n').split('\n').peekable();
        let directory = lines.next().and_then(|line| line.strip_prefix("cwd ")).expect("a directory");
        let out_dir =
            lines.next_if(|line| line.starts_with("OUT_DIR ")).map(|line| OsString::from(&line[8..]));
        Recorded { directory: directory.into(), out_dir, arguments: lines.map(OsString::from).collect() }
    })
}

fn parse(line: &Recorded) -> Invocation {
    let first = line.arguments.get(1).map(OsString::as_os_str);
    let recognised = recognise(&line.arguments[0], first).expect("a compiler");
    let context = Context {
        args: &line.arguments[1 + recognised.skip..],
        directory: &line.directory,
        response: &|_| None,
        remap: None,
        base: None,
        getenv: &|name| line.out_dir.clone().filter(|_| name == "OUT_DIR"),
    };
    crate::parse(&recognised, &context).unwrap_or_else(|reason| panic!("{:?}: {reason}", line.arguments))
}

#[test]
fn all_are_understood() {
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for line in recorded() {
        let invocation = parse(&line);
        *kinds.entry(invocation.unit.kind.clone()).or_default() += 1;
        let json = line.arguments.iter().any(|argument| argument == "--error-format=json");
        assert_eq!(invocation.mode == Mode::Compile, json, "{:?}", line.arguments);
        assert_eq!(
            invocation.wrapper.is_some(),
            line.arguments[0].to_string_lossy().ends_with("clippy-driver")
        );
        let dep_info = line.arguments.iter().any(|argument| argument.to_string_lossy().contains("=dep-info"));
        assert_eq!(invocation.outputs.dep_info, dep_info, "{:?}", line.arguments);
    }
    for kind in ["lib", "bin", "proc-macro", "cdylib", "build-script", "test", "check", "probe"] {
        assert!(kinds.contains_key(kind), "no {kind} in {kinds:?}");
    }
}

#[test]
fn outputs_are_what_cargo_waits_for() {
    for line in recorded() {
        let invocation = parse(&line);
        if invocation.mode == Mode::Probe {
            continue;
        }
        let extra =
            line.arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("extra-filename="));
        let name = format!("{}{}", invocation.unit.name, extra.max().unwrap_or_default());
        let directory = &invocation.outputs.directory;
        assert!(invocation.outputs.declares(&directory.join(format!("{name}.d"))));
        assert!(invocation.outputs.declares(&directory.join(format!("lib{name}.rmeta"))));
        assert!(directory.starts_with("/target"), "{directory:?}");
    }
}

#[test]
fn another_target_directory_changes_nothing_but_places() {
    for line in recorded() {
        let there =
            |text: &OsString| OsString::from(text.to_str().expect("text").replace("/target/", "/elsewhere/"));
        let names_out_dir = line.arguments.iter().any(|argument| {
            let text = argument.to_string_lossy();
            text.starts_with("native=/target") || text.starts_with("split-debuginfo")
        });
        let moved = Recorded {
            directory: line.directory.clone(),
            out_dir: line.out_dir.clone(),
            arguments: line.arguments.iter().map(there).collect(),
        };
        let same = key(&parse(&line)) == key(&parse(&moved));
        assert_eq!(same, !names_out_dir || !text_has_target(&line), "{:?}", line.arguments);
    }
}

fn text_has_target(line: &Recorded) -> bool {
    line.arguments.iter().any(|argument| argument.to_string_lossy().contains("/target/"))
}

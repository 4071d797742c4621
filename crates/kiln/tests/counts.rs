//! Every setting, held against what its row says of the key: what was stored under one value is found under another, or is not.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use kiln_config::schema::{Counts, ROWS};
use space::{Counted, Space, rustc};

/// What is compiled.
#[derive(Clone, Copy)]
enum Of {
    /// A library of Rust.
    Rust,
    /// An object of C.
    C,
    /// An object of C that shows its date.
    Dated,
}

/// What comes of asking under the other value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// What was stored is found.
    Found,
    /// It is not.
    NotFound,
    /// Nothing is looked up, or somewhere else.
    NotAsked,
}

/// A setting by its variable, the value under which is stored, and that under which is asked; `$S` is the test's directory.
struct Case {
    variable: &'static str,
    of: Of,
    stored: &'static str,
    asked: &'static str,
    then: Then,
}

fn case(variable: &'static str, of: Of, stored: &'static str, asked: &'static str, then: Then) -> Case {
    Case { variable, of, stored, asked, then }
}

fn cases() -> Vec<Case> {
    use Of::{C, Dated, Rust};
    use Then::{Found, NotAsked, NotFound};
    vec![
        case("KILN_DIR", C, "$S/cache", "$S/other", NotAsked),
        case("KILN_OFF", C, "", "true", NotAsked),
        case("KILN_RECACHE", C, "", "true", NotAsked),
        case("KILN_RECACHE", C, "true", "", Found),
        case("KILN_READ_ONLY", C, "", "true", Found),
        case("KILN_SALT", C, "one", "other", NotFound),
        case("KILN_SALT", Rust, "", "other", NotFound),
        case("KILN_EXTRA_INPUTS", C, "", "$S/nothing", NotFound),
        case("KILN_EXTRA_INPUTS", C, "$S/nothing", "$S/nothing,$S/more", NotFound),
        case("KILN_EXTRA_VARIABLES", C, "", "NOTHING", NotFound),
        case("KILN_EXTRA_VARIABLES", C, "NOTHING,MORE", "MORE", NotFound),
        case("KILN_IGNORE_VARIABLES", Rust, "NOTHING", "", NotFound),
        case("KILN_IGNORE_VARIABLES", C, "", "NOTHING", NotFound),
        case("KILN_NEVER", Rust, "", "unit", NotAsked),
        case("KILN_NEVER", Rust, "", "another", Found),
        case("KILN_REMAP", Rust, "true", "false", NotFound),
        case("KILN_REMAP", Rust, "false", "true", NotFound),
        case("KILN_WIRE_C", C, "true", "false", Found),
        case("KILN_BUILD_SCRIPTS", C, "true", "false", Found),
        case("KILN_PREFILL", C, "true", "false", Found),
        case("KILN_TIME_MACROS", Dated, "true", "false", NotFound),
        case("KILN_TIME_MACROS", C, "true", "false", NotFound),
        case("KILN_TIME_MACROS", C, "false", "true", NotFound),
        case("KILN_TIME_MACROS", Rust, "true", "false", Found),
        case("KILN_BASE_DIR", C, "$S/project", "$S", NotFound),
        case("KILN_BASE_DIR", C, "$S", "$S/elsewhere", NotFound),
        case("KILN_BASE_DIR", Rust, "$S/project", "$S", Found),
        case("KILN_MAX_SIZE", C, "", "1GiB", Found),
        case("KILN_MAX_AGE", C, "", "1h", Found),
        case("KILN_REMOTE", C, "", "file://$S/share", Found),
        case("KILN_REMOTE_NAMESPACE", C, "", "other", Found),
        case("KILN_LOG", C, "", "debug:$S/log", Found),
        case("KILN_VERIFY", C, "", "100", Found),
        case("KILN_EVENTS", C, "$S/events", "$S/events", Found),
        case("KILN_BUILD", C, "", "7", Found),
        case("KILN_AWAITED", C, "", "$S/awaited", Found),
        case("KILN_CONFIG", C, "", "$S/config.toml", Found),
    ]
}

/// Compiles under this value of the setting.
fn compile(space: &Space, case: &Case, value: &str) -> Counted {
    let value = value.replace("$S", space.path("").to_str().unwrap().trim_end_matches('/'));
    let mut command = match case.of {
        Of::Rust => space.wrapped(&[], &[]),
        Of::C | Of::Dated => {
            let mut command = space.kiln(&["gcc", "-c", "unit.c", "-o", "unit.o"]);
            command.env("KILN_EVENTS", space.path("events"));
            command
        }
    };
    command.env(case.variable, value);
    space.run(&mut command)
}

#[test]
fn what_was_stored_under_one_value_is_found_under_another_as_the_table_says() {
    let cases = cases();
    for row in ROWS {
        assert!(cases.iter().any(|case| case.variable == row.variable), "{}: no case", row.variable);
        let counts = !matches!(row.counts, Counts::Not(_));
        let kept_apart = |case: &Case| case.variable == row.variable && case.then == Then::NotFound;
        assert_eq!(cases.iter().any(kept_apart), counts, "{}: the cases say the opposite", row.variable);
    }
    rustc();
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(|| part.iter().for_each(holds));
        }
    });
}

fn holds(case: &Case) {
    let Case { variable, stored, asked, then, .. } = case;
    let counted = format!("{variable}: stored under `{stored}`, asked under `{asked}`");
    let space = Space::new();
    space.write("project/Cargo.toml", "");
    space.write("project/unit.c", "int unit(void) { return 0; }\n");
    if matches!(case.of, Of::Dated) {
        space.write("project/unit.c", "const char *unit(void) { return __TIME__; }\n");
    }
    for directory in ["awaited", "elsewhere"] {
        std::fs::create_dir_all(space.path(directory)).unwrap();
    }
    assert_eq!(compile(&space, case, stored).outcome, "miss", "{counted}");
    let other = compile(&space, case, asked);
    let expected = match (then, case.variable) {
        (Then::Found, _) => "hit",
        (Then::NotFound, _) if matches!(case.of, Of::Dated) => "bypass",
        (Then::NotFound, _) | (Then::NotAsked, "KILN_DIR" | "KILN_RECACHE") => "miss",
        (Then::NotAsked, "KILN_OFF") => "none",
        (Then::NotAsked, _) => "bypass",
    };
    assert_eq!(other.outcome, expected, "{counted}: {other:?}");
    if *stored != "true" || *variable != "KILN_RECACHE" {
        assert_eq!(compile(&space, case, stored).outcome, "hit", "{counted}, and under the first again");
    }
}

//! Variables: by name, walked, by a child, and those that cargo sets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use kiln_testkit::TestSpace;

use super::app::{App, MANIFEST, app, follows, follows_at_least};

#[test]
fn variable_by_name() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"PROBE\")));");
    follows(&mut app, |app| app.set("PROBE", "one"), |app| app.unset("PROBE"));
    follows(&mut app, |app| app.set("PROBE", ""), |app| app.unset("PROBE"));
    follows(&mut app, |app| app.set("PROBE", OsStr::from_bytes(b"\xff")), |app| app.unset("PROBE"));
    app.set("PROBE", "one");
    follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
    app.set("OTHER", "nobody asks");
    let first = app.plainly();
    app.hits(&first);
}

/// Guards: a walk asks for no name; what is kiln's own and differs from build to build is in what is walked, too.
#[test]
fn variables_walked() {
    let space = TestSpace::new();
    let body = "let probe = |(name, _): &(String, String)| name.starts_with(\"PROBE\");\ntell(format!(\"{:?}\", env::vars().filter(probe).collect::<Vec<_>>()));";
    let mut app = app(&space, body);
    app.set("PROBE_A", "a");
    follows(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
}

/// Guards: of what begins like kiln's only kiln's own is left out, and of make's only the jobserver.
#[test]
fn variables_walked_that_look_like_somebodys_own() {
    let space = TestSpace::new();
    let body = "let probe = |(name, _): &(String, String)| [\"MAKEFLAGS\", \"MFLAGS\", \"KILN_FIRING_TEMP\"].contains(&name.as_str());\ntell(format!(\"{:?}\", env::vars().filter(probe).collect::<Vec<_>>()));";
    for name in ["MAKEFLAGS", "MFLAGS", "KILN_FIRING_TEMP"] {
        let mut app = app(&space, body);
        app.set(name, "w -- X=1");
        follows(&mut app, |app| app.set(name, "w -- X=2"), |app| app.set(name, "w -- X=1"));
    }
    let by_name = "tell(format!(\"{:?}\", env::var_os(\"MAKEFLAGS\")));";
    let mut app = app(&space, by_name);
    follows(&mut app, |app| app.set("MAKEFLAGS", "w -- X=2"), |app| app.unset("MAKEFLAGS"));
}

#[test]
fn the_jobserver_of_make_does_not_count() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(env::vars_os().count().min(1).to_string());");
    app.set("MAKEFLAGS", "w -j4 --jobserver-auth=fifo:/tmp/GMfifo1");
    let first = app.right();
    app.set("MAKEFLAGS", "w -j2 --jobserver-auth=fifo:/tmp/GMfifo2");
    app.hits(&first.made);
}

#[test]
fn variables_walked_by_an_optimised_and_stripped_script() {
    for profile in [
        "opt-level = 3\n",
        "strip = true\n",
        "opt-level = 3\nstrip = true\n",
        "opt-level = \"s\"\ncodegen-units = 1\n",
    ] {
        let space = TestSpace::new();
        let body = "let mut found: Vec<_> = env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(\"PROBE\")).collect();\nfound.sort();\ntell(format!(\"{found:?}\"));";
        let mut app = app(&space, body);
        app.project.write("Cargo.toml", format!("{MANIFEST}\n[profile.dev.build-override]\n{profile}"));
        follows_at_least(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
    }
}

/// Guards: std's own walk is known by its symbols; a script can go through `environ` itself.
#[test]
fn variables_walked_through_environ() {
    let space = TestSpace::new();
    let body = r#"
    unsafe extern "C" {
        static environ: *const *const std::ffi::c_char;
    }
    let mut seen = Vec::new();
    unsafe {
        let mut at = environ;
        while !(*at).is_null() {
            let text = std::ffi::CStr::from_ptr(*at).to_string_lossy().into_owned();
            if text.starts_with("PROBE") {
                seen.push(text);
            }
            at = at.add(1);
        }
    }
    seen.sort();
    tell(format!("{seen:?}"));"#;
    let mut app = app(&space, body);
    follows_at_least(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
}

#[test]
fn variable_read_by_a_child() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"printenv\").arg(\"PROBE\")));");
    app.set("PROBE", "one");
    follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
}

#[test]
fn variable_read_by_a_shell() {
    for body in [
        "tell(said(Command::new(\"sh\").args([\"-c\", \"echo $PROBE\"])));",
        "tell(said(Command::new(\"sh\").args([\"-c\", \"env | grep ^PROBE\"])));",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        app.set("PROBE", "one");
        follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
    }
}

/// Guards: names that begin like kiln's settings are left out of keys, but may be anybody's.
#[test]
fn variable_that_is_called_like_a_setting() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"KILN_OVEN\")));");
    app.set("KILN_OVEN", "one");
    follows_at_least(&mut app, |app| app.set("KILN_OVEN", "two"), |app| app.set("KILN_OVEN", "one"));
}

/// Guards: std asks for it where a thread panics; a script may ask for it by itself.
#[test]
fn variable_that_decides_how_a_crash_is_shown() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"RUST_BACKTRACE\")));");
    app.set("RUST_BACKTRACE", "0");
    follows_at_least(&mut app, |app| app.set("RUST_BACKTRACE", "1"), |app| app.set("RUST_BACKTRACE", "0"));
}

/// What a script sees of its environment is what plain cargo shows it, but for the wrapper and for kiln's own.
#[test]
fn environment_is_cargos() {
    let space = TestSpace::new();
    let body = "let mut names: Vec<_> = env::vars_os().map(|(name, _)| name.into_string().unwrap()).filter(|name| !name.starts_with(\"KILN_\") && name != \"RUSTC_WRAPPER\").collect();\nnames.sort();\ntell(names.join(\" \"));";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn number_of_jobs_does_not_matter() {
    let space = TestSpace::new();
    let body = "let asked = [\"NUM_JOBS\", \"CARGO_MAKEFLAGS\"].map(|name| env::var_os(name).is_some());\ntell(format!(\"{asked:?}\"));";
    let mut app = app(&space, body);
    let first = app.right();
    app.args = vec!["build", "-j1"];
    app.hits(&first.made);
    app.args = vec!["build", "-j7"];
    app.hits(&first.made);
}

#[test]
fn number_of_jobs_does_not_matter_to_a_walk_or_a_child() {
    for body in [
        "tell(format!(\"{}\", env::vars_os().filter(|(name, _)| name == \"PROBE\").count()));",
        "tell(said(Command::new(\"printenv\").arg(\"PROBE\")));",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        let first = app.right();
        app.args = vec!["build", "-j7"];
        app.hits(&first.made);
    }
}

#[test]
fn profile_and_features() {
    let space = TestSpace::new();
    let body = "tell([\"OPT_LEVEL\", \"DEBUG\", \"PROFILE\", \"CARGO_FEATURE_WARM\"].map(|name| format!(\"{:?} \", env::var(name).ok())).concat());";
    let mut app = app(&space, body);
    app.project.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n"));
    follows(&mut app, |app| app.args = vec!["build", "--features", "warm"], |app| app.args = vec!["build"]);
    app.program = Some("release/app");
    app.args = vec!["build", "--release"];
    let release = app.right();
    app.hits(&release.made);
}

/// What the crate `cc` does since 1.11: a copy of the whole environment, in which it looks for its own names, and which its commands get.
const CC: &str = r#"mod build_env {
    use std::ffi::OsString;

    pub struct EnvSnapshot(pub Vec<(OsString, OsString)>);

    impl EnvSnapshot {
        pub fn capture() -> Self {
            Self(std::env::vars_os().map(|(name, value)| (name, value)).collect())
        }
    }
}

pub fn getenv(name: &str) -> Option<String> {
    let all = build_env::EnvSnapshot::capture().0;
    let found = all.into_iter().find(|(known, _)| *known == *name);
    Some(found?.1.into_string().unwrap())
}

pub fn command(program: &str) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.env_clear().envs(build_env::EnvSnapshot::capture().0);
    command
}
"#;

fn cc_app<'a>(space: &'a TestSpace, body: &str) -> App<'a> {
    let mut app = app(space, body);
    app.project
        .write("Cargo.toml", format!("{MANIFEST}\n[build-dependencies]\ncc = {{ path = \"cc\" }}\n"))
        .write("cc/Cargo.toml", MANIFEST.replace("app", "cc"))
        .write("cc/src/lib.rs", CC)
        .write("x.c", "int x;\n");
    app.set("TERM", "one");
    app
}

/// The script does not run for a terminal's sake.
#[track_caller]
fn is_the_same_in_another_session(app: &mut App<'_>) {
    let first = app.right();
    app.set("TERM", "other");
    app.set("TMUX_PANE", "%3");
    app.set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    app.set("GITHUB_RUN_ID", "17");
    app.hits(&first.made);
}

#[test]
fn session_does_not_matter_to_cc() {
    let space = TestSpace::new();
    let body = "let flags = cc::getenv(\"CFLAGS\").unwrap_or_default();\nsucceeds(cc::command(\"cc\").args([\"-c\", \"x.c\", \"-o\"]).arg(out().join(\"x.o\")));\ntell(flags);";
    let mut app = cc_app(&space, body);
    is_the_same_in_another_session(&mut app);
    follows(&mut app, |app| app.set("CFLAGS", "-O1"), |app| app.unset("CFLAGS"));
    follows(&mut app, |app| app.set("CFLAGS", "-O1"), |app| app.unset("CFLAGS"));
}

/// Guards: what is handed on counts where somebody looks at it.
#[test]
fn session_matters_where_it_is_looked_at() {
    for body in [
        "tell(said(cc::command(\"env\").stderr(Stdio::null())));",
        "tell(said(cc::command(\"sh\").args([\"-c\", \"echo $TERM\"])));",
        "tell(format!(\"{:?}{:?}\", env::vars().find(|(name, _)| name == \"TERM\"), cc::getenv(\"CFLAGS\")));",
        "tell(format!(\"{:?}{:?}\", env::var(\"TERM\"), cc::getenv(\"CFLAGS\")));",
        "tell(format!(\"{:?}\", cc::command(\"cc\").get_envs().find(|(name, _)| *name == \"TERM\")));",
    ] {
        let space = TestSpace::new();
        let mut app = cc_app(&space, body);
        let seen = |app: &App<'_>| app.build().made.prints.contains("other");
        assert!(!seen(&app));
        app.set("TERM", "other");
        assert!(seen(&app), "{body}");
        app.set("TERM", "one");
        assert!(!seen(&app), "{body}");
    }
}

//! What a person asks: settings, set-up, a look at everything.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Space, err, out, succeeds};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

/// A call that is to fail with exit code 1, and what it says.
#[track_caller]
fn refuses(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}{}", out(&output), err(&output));
    out(&output) + &err(&output)
}

fn json(command: &mut std::process::Command) -> serde_json::Value {
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

#[test]
fn every_value_is_shown_with_where_it_came_from() {
    let space = Space::new();
    space.write("home/.config/kiln/config.toml", "# mine\nmax-size = '3GiB'\n");
    space.write("project/kiln.toml", "never = ['a', 'b']\nremap = true\n");
    let list = out(&succeeds(space.kiln(&["config", "list"]).env("KILN_REMAP", "0")));
    let line = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("max-size").ends_with("/kiln/config.toml:2"), "{list}");
    assert!(line("never").contains("a,b") && line("never").ends_with("project/kiln.toml:1"), "{list}");
    assert!(line("remap").contains("false") && line("remap").ends_with("KILN_REMAP"), "{list}");
    assert!(line("max-age").ends_with("default"), "{list}");
    assert_eq!(out(&succeeds(&mut space.kiln(&["config", "get", "never"]))), "a\nb\n");
    let report = json(&mut space.kiln(&["config", "get", "never", "--json"]));
    assert_eq!(report["value"], serde_json::json!(["a", "b"]));
    assert_eq!(report["source"]["layer"], "project");
    assert_eq!(report["source"]["line"], 1);
    let all = json(&mut space.kiln(&["config", "list", "--json"]));
    assert_eq!(all["settings"].as_array().unwrap().len(), list.lines().count());
    let path = out(&succeeds(&mut space.kiln(&["config", "path"])));
    assert_eq!(path.trim(), space.path("home/.config/kiln/config.toml").to_str().unwrap());
    let path = out(&succeeds(&mut space.kiln(&["config", "path", "--project"])));
    assert_eq!(path.trim(), space.path("project/kiln.toml").to_str().unwrap());
}

#[test]
fn a_setting_is_written_where_it_belongs_and_nothing_else_is_touched() {
    let space = Space::new();
    let file = "home/.config/kiln/config.toml";
    succeeds(&mut space.kiln(&["config", "set", "max-size", "3GiB"]));
    assert_eq!(space.read(file), "max-size = \"3GiB\"\n");
    space.write(file, "# mine\nremap = true # why not\n");
    fs::set_permissions(space.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    succeeds(&mut space.kiln(&["config", "set", "remap", "no"]));
    succeeds(&mut space.kiln(&["config", "set", "never", "a", "b"]));
    assert_eq!(space.read(file), "# mine\nremap = false # why not\nnever = [\"a\", \"b\"]\n");
    assert_eq!(fs::metadata(space.path(file)).unwrap().permissions().mode() & 0o777, 0o600);
    succeeds(&mut space.kiln(&["config", "unset", "never"]));
    assert_eq!(space.read(file), "# mine\nremap = false # why not\n");
    succeeds(&mut space.kiln(&["config", "set", "--project", "salt", "2"]));
    assert_eq!(space.read("project/kiln.toml"), "salt = \"2\"\n");
    let printed = refuses(&mut space.kiln(&["config", "set", "--project", "directory", "/x"]));
    assert!(printed.contains("a project cannot set this"), "{printed}");
    let printed = refuses(&mut space.kiln(&["config", "set", "max-age", "soon"]));
    assert!(printed.contains("max-age: `soon` is not a duration"), "{printed}");
    space.write(file, "= broken");
    let printed = refuses(&mut space.kiln(&["config", "set", "remap", "1"]));
    assert!(printed.contains("is not TOML, so it is left as it is"), "{printed}");
    assert_eq!(space.read(file), "= broken");
}

#[test]
fn a_linked_file_stays_a_link() {
    let space = Space::new();
    space.write("dotfiles/kiln.toml", "# mine\n");
    fs::create_dir_all(space.path("home/.config/kiln")).unwrap();
    let link = space.path("home/.config/kiln/config.toml");
    std::os::unix::fs::symlink(space.path("dotfiles/kiln.toml"), &link).unwrap();
    succeeds(&mut space.kiln(&["config", "set", "salt", "x"]));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(space.read("dotfiles/kiln.toml").contains("salt = \"x\""));
}

#[test]
fn an_unknown_setting_is_answered_with_the_nearest() {
    let output = Space::new().kiln(&["config", "get", "max-sizze"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("'max-size'"), "{}", err(&output));
}

#[test]
fn set_up_and_removed_leaves_the_file_as_it_was() {
    let kiln = env!("CARGO_BIN_EXE_kiln");
    for before in [
        "# mine\n[net]\nretry = 3 # three\n",
        "[build]\njobs = 2 # two\n",
        "build = { jobs = 2 }\n",
        "build.jobs = 2\n",
        "[build]\n# nothing yet\njobs = 1\n\n[alias]\nb = 'build'\n",
    ] {
        let space = Space::new();
        space.write("home/.cargo/config.toml", before);
        refuses(&mut space.kiln(&["setup", "--check"]));
        assert_eq!(space.read("home/.cargo/config.toml"), before, "a check changes nothing");
        succeeds(&mut space.kiln(&["setup"]));
        let written = space.read("home/.cargo/config.toml");
        assert!(written.contains(kiln), "{written}");
        let config = space
            .command("cargo")
            .args(["-Zunstable-options", "config", "get", "build.rustc-wrapper"])
            .env("RUSTC_BOOTSTRAP", "1")
            .output()
            .unwrap();
        assert!(out(&config).contains(kiln), "cargo reads it: {}{}", out(&config), err(&config));
        succeeds(&mut space.kiln(&["setup", "--check"]));
        succeeds(&mut space.kiln(&["setup"]));
        assert_eq!(space.read("home/.cargo/config.toml"), written, "once is enough");
        succeeds(&mut space.kiln(&["setup", "--remove"]));
        assert_eq!(space.read("home/.cargo/config.toml"), before);
    }
    let space = Space::new();
    succeeds(&mut space.kiln(&["setup"]));
    succeeds(&mut space.kiln(&["setup", "--remove"]));
    assert!(!space.path("home/.cargo/config.toml").exists());
}

#[test]
fn a_link_on_the_path_is_named_rather_than_what_it_leads_to_today() {
    let space = Space::new();
    fs::create_dir(space.path("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kiln"), space.path("bin/kiln")).unwrap();
    let path = format!("{}:/usr/bin:/bin", space.path("bin").display());
    succeeds(space.kiln(&["setup"]).env("PATH", path));
    let written = space.read("home/.cargo/config.toml");
    assert!(written.contains(space.path("bin/kiln").to_str().unwrap()), "{written}");
}

#[test]
fn somebody_elses_wrapper_is_left_alone() {
    let space = Space::new();
    let before = "[build]\nrustc-wrapper = \"sccache\"\n";
    space.write("home/.cargo/config", before); // the old name, which is stronger
    for args in [["setup", "--json"], ["setup", "--remove"]] {
        let printed = refuses(&mut space.kiln(&args));
        assert!(printed.contains("sccache"), "{printed}");
    }
    assert_eq!(space.read("home/.cargo/config"), before);
    let report = json(&mut space.kiln(&["setup", "--force", "--json"]));
    assert_eq!(report["changed"], true);
    assert_eq!(report["wired"], true);
    assert!(!space.path("home/.cargo/config.toml").exists());
}

#[test]
fn what_is_stronger_than_the_users_file_is_reported() {
    let space = Space::new();
    let printed = out(&succeeds(space.kiln(&["setup"]).env("RUSTC_WRAPPER", "sccache")));
    assert!(printed.contains("RUSTC_WRAPPER names `sccache`"), "{printed}");
    let printed = refuses(space.kiln(&["setup", "--check"]).env("RUSTC_WRAPPER", ""));
    assert!(printed.contains("RUSTC_WRAPPER is empty"), "{printed}");
    space.write("project/.cargo/config.toml", "[build]\nrustc-wrapper = 'other'\n");
    let printed = refuses(&mut space.kiln(&["setup", "--check"]));
    assert!(printed.contains("project/.cargo/config.toml names `other`"), "{printed}");
    succeeds(space.kiln(&["setup", "--check"]).env("RUSTC_WRAPPER", "kiln"));
}

fn finding(report: &serde_json::Value, name: &str) -> serde_json::Value {
    report["findings"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap_or_default()
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_sound_set_up() {
    let space = Space::new();
    succeeds(&mut space.kiln(&["setup"]));
    let mut doctor = space.kiln(&["doctor", "--json"]);
    let report = json(&mut doctor);
    assert_eq!(report["problems"], 0, "{report:#}");
    for name in ["programs", "wrapper", "settings", "cache", "compiler", "recorder"] {
        assert_eq!(finding(&report, name)["level"], "ok", "{report:#}");
    }
    assert!(fs::read_dir(space.path("tmp")).unwrap().next().is_none(), "nothing is left behind");
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let space = Space::new();
    let mut doctor = space.kiln(&["doctor", "--json"]);
    doctor.env("RUSTC_WRAPPER", "sccache").env("KILN_DIR", "/proc/nowhere");
    doctor.env("SCCACHE_DIR", "/x").env("KILN_OFF", "1").env("RUSTC", "/bin/true").env("KILN_REMAPP", "1");
    let output = doctor.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["wrapper", "cache", "compiler"] {
        assert_eq!(finding(&report, name)["level"], "problem", "{report:#}");
        assert!(finding(&report, name)["advice"].is_string(), "{report:#}");
    }
    for name in ["sccache", "settings"] {
        assert_eq!(finding(&report, name)["level"], "warning", "{report:#}");
    }
    assert!(!out(&output).contains('\x1b'));
}

/// Whether a shell takes a script for one of its own; `None` where that shell is not installed.
fn is_understood(shell: &str, script: &str) -> Option<bool> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("script");
    fs::write(&file, script).unwrap();
    let mut check = match shell {
        "powershell" => {
            let parse = format!(
                "$e = $null; [void][System.Management.Automation.Language.Parser]::ParseFile('{}', [ref]$null, [ref]$e); exit $e.Count",
                file.display()
            );
            let mut check = std::process::Command::new("pwsh");
            check.args(["-NoProfile", "-Command", &parse]);
            check
        }
        shell => {
            let mut check = std::process::Command::new(shell);
            check.arg("-n").arg(&file);
            check
        }
    };
    check.output().ok().map(|output| output.status.success())
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = out(&succeeds(&mut Space::new().kiln(&["completions", shell])));
        assert!(script.contains("doctor") && script.contains("completions"), "{shell}");
        match is_understood(shell, &script) {
            Some(understood) => assert!(understood, "{shell}"),
            None => drop(writeln!(std::io::stderr(), "SKIPPED, a part of a test: {shell} is not installed")),
        }
    }
}

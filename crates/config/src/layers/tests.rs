#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]
use super::*;
use crate::schema::{Value, row};

fn from_file(text: &str, project: bool) -> Loaded {
    read(Path::new("/p/c.toml"), text.as_bytes(), project)
}

fn from_environment(pairs: &[(&str, &str)]) -> Loaded {
    let directory = Path::new("/nowhere");
    let mut all = vec![("KILN_CONFIG", "/nowhere/config.toml")];
    all.extend(pairs);
    let mut loaded = load(&Environment::of(&all), &Start { directory, out: None });
    assert_eq!(loaded.complaints[0].place, "/nowhere/config.toml", "a file that was named is expected");
    loaded.complaints.remove(0);
    loaded
}

fn source(loaded: &Loaded, name: &str) -> Source {
    let at = ROWS.iter().position(|row| row.name == name).unwrap();
    loaded.sources[at].clone()
}

#[test]
fn a_file_sets_what_it_names() {
    let loaded = from_file(
        "# mine\nremap = true\nmax-size = \"1GiB\"\nnever = [\"a\", 'b']\nmax-age = \"60s\"",
        false,
    );
    assert_eq!(loaded.complaints, []);
    assert!(loaded.settings.remap);
    assert_eq!(loaded.settings.max_size, Some(1 << 30));
    assert_eq!(loaded.settings.never, ["a", "b"]);
    assert_eq!(loaded.settings.max_age, Some(std::time::Duration::from_secs(60)));
    assert_eq!(source(&loaded, "remap"), Source::User("/p/c.toml".into(), 2));
    assert_eq!(source(&loaded, "never").to_string(), "/p/c.toml:4");
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_the_default_counts() {
    let loaded = from_file("\nremapp = true\nmax-age = \"soon\"\nnever = [1]\noff = {}\n", false);
    let complaints: Vec<String> = loaded.complaints.iter().map(ToString::to_string).collect();
    assert_eq!(
        complaints,
        [
            "/p/c.toml:2: there is no setting `remapp`; did you mean `remap`?",
            "/p/c.toml:3: max-age: `soon` is not a duration with its unit (s, m, h, d, w) such as 7d or 12h; 0 for ever; it is ignored",
            "/p/c.toml:4: never: `[1]` is not a list of names; it is ignored",
            "/p/c.toml:5: off: `{}` is not true or false; it is ignored",
        ]
    );
    assert_eq!(loaded.settings, Settings::default());
    assert!(from_file("= 1", false).complaints[0].to_string().ends_with("the file is ignored"));
}

#[test]
fn what_is_wrong_in_a_stronger_layer_leaves_what_a_weaker_one_says() {
    let space = tempfile::tempdir().unwrap();
    let root = space.path();
    let file = |name: &str, text: &str| files::write_atomic(&root.join(name), text.as_bytes()).unwrap();
    file("user.toml", "remap = true\nnever = ['a']\nsalt = 's'\nread-onyl = true\n");
    file("kiln.toml", "remap = 'perhaps'\nnever = ['b']\nextra-input = ['x']\n");
    let user = root.join("user.toml");
    let environment = Environment::of(&[
        ("KILN_CONFIG", user.to_str().unwrap()),
        ("KILN_NEVER", "c"),
        ("KILN_OFF", "perhaps"),
        ("KILN_SATL", "t"),
    ]);
    let loaded = load(&environment, &Start { directory: root, out: None });
    let complaints: Vec<String> = loaded.complaints.iter().map(ToString::to_string).collect();
    let at = |name: &str, what: &str| format!("{}:{what}", root.join(name).display());
    assert_eq!(
        complaints,
        [
            at("user.toml", "4: there is no setting `read-onyl`; did you mean `read-only`?"),
            at("kiln.toml", "1: remap: `perhaps` is not true or false; it is ignored"),
            at("kiln.toml", "3: there is no setting `extra-input`; did you mean `extra-inputs`?"),
            "KILN_OFF: `perhaps` is not true or false; it is ignored".into(),
            "KILN_SATL: there is no such variable; did you mean `KILN_SALT`?".into(),
        ]
    );
    let settings = &loaded.settings;
    assert!(settings.remap, "as the user says");
    assert_eq!((settings.never.as_slice(), settings.salt.as_str()), (&["c".to_owned()][..], "s"));
    assert!(!settings.off && !settings.read_only && settings.extra_inputs.is_empty(), "as nobody said");
    assert_eq!(source(&loaded, "remap"), Source::User(user, 1));
}

#[test]
fn a_project_cannot_send_the_cache_elsewhere() {
    let loaded = from_file("directory = '/evil'\nmax-size = '1'\nlog = '/etc/x'\nsalt = 's'", true);
    assert_eq!(loaded.complaints.len(), 3);
    assert!(
        loaded.complaints[0].to_string().starts_with("/p/c.toml:1: directory: a project cannot set this")
    );
    assert_eq!(loaded.settings, Settings { salt: "s".into(), ..Settings::default() });
    assert_eq!(source(&loaded, "salt"), Source::Project("/p/c.toml".into(), 4));
}

/// Guards: a stranger's file of a mebibyte held every compile up for 25 s, and said 8 MB of warnings each time.
#[test]
fn keys_without_end_are_counted_and_what_is_a_setting_counts() {
    let keys: String = (0..1000).map(|key| format!("entirely-other-{key} = 1\n")).collect();
    let loaded = from_file(&format!("{keys}remap = true\n"), false);
    assert_eq!(loaded.complaints.len(), MOST_UNKNOWN + 1);
    assert_eq!(loaded.complaints[19].to_string(), "/p/c.toml:20: there is no setting `entirely-other-19`");
    assert_eq!(loaded.complaints[20].to_string(), "/p/c.toml:1001: up to here 980 more keys are no settings");
    assert!(loaded.settings.remap);
    assert_eq!(source(&loaded, "remap"), Source::User("/p/c.toml".into(), 1001));
}

#[test]
fn the_environment_wins_and_zero_is_no_limit() {
    let loaded = from_environment(&[
        ("KILN_DIR", "/k"),
        ("KILN_MAX_SIZE", "0"),
        ("KILN_REMAP", "maybe"),
        ("KILN_NEVER", "a, b,"),
        ("KILN_EXTRA_INPUTS", "x/*,/y"),
    ]);
    assert_eq!(loaded.settings.directory, Some("/k".into()));
    assert_eq!(loaded.settings.max_size, None);
    assert!(!loaded.settings.remap);
    assert_eq!(loaded.settings.never, ["a", "b"]);
    assert_eq!(loaded.settings.extra_inputs, [Path::new("/nowhere/x/*"), Path::new("/y")]);
    assert_eq!(loaded.complaints.len(), 1);
    assert_eq!(loaded.complaints[0].place, "KILN_REMAP");
    assert_eq!(source(&loaded, "directory"), Source::Environment("KILN_DIR"));
    assert_eq!((row("max-size").unwrap().show)(&loaded.settings), Value::Text("0".into()));
}

#[test]
fn a_mistyped_variable_is_reported_and_somebody_elses_is_not() {
    let loaded = from_environment(&[("KILN_REMAPP", "1"), ("KILN_RECORD", "1"), ("KILN_OF_ANOTHER", "1")]);
    let complaints: Vec<String> = loaded.complaints.iter().map(ToString::to_string).collect();
    assert_eq!(complaints, ["KILN_REMAPP: there is no such variable; did you mean `KILN_REMAP`?"]);
}

#[test]
fn the_projects_file_is_found_from_the_target_directory_first() {
    let space = tempfile::tempdir().unwrap();
    let root = space.path();
    let file = |name: &str, text: &str| {
        files::create_dirs(root.join(name).parent().unwrap()).unwrap();
        files::write_atomic(&root.join(name), text.as_bytes()).unwrap();
    };
    file("p/kiln.toml", "remap = true\nextra-inputs = ['a']\n");
    file("p/.kiln.toml", "");
    file("p/inner/.kiln.toml", "");
    file("registry/dep-1.0/kiln.toml", "off = true\n");
    file("registry/dep-1.0/.cargo-ok", "");
    let (project, dependency) = (root.join("p"), root.join("registry/dep-1.0"));
    let out = project.join("target/debug/deps");
    let find = |directory: &Path, out: Option<&Path>| project_file(&Start { directory, out });
    assert_eq!(find(&dependency, Some(&out)), Some(project.join("kiln.toml")));
    assert_eq!(find(&dependency.join("src"), Some(&root.join("target"))), None);
    assert_eq!(find(&project, Some(&root.join("target"))), Some(project.join("kiln.toml")));
    assert_eq!(find(&project.join("inner"), None), Some(project.join("inner/.kiln.toml")));
    assert_eq!(find(root, Some(&root.join("target"))), None);

    let environment = Environment::of(&[("XDG_CONFIG_HOME", "/nowhere")]);
    let load = |directory: &Path| load(&environment, &Start { directory, out: Some(&out) }).settings;
    assert_eq!(load(&project).extra_inputs, [project.join("a")]);
    assert_eq!(load(&dependency).extra_inputs, Vec::<PathBuf>::new(), "a dependency is not of the workspace");
    assert!(load(&dependency).remap);
}

#[test]
fn remotes_come_as_a_list_or_as_tables_and_their_secrets_are_not_shown() {
    let urls = ["file:///mnt/c", "redis://:pw@h/0"];
    let loaded = from_environment(&[("KILN_REMOTE", "file:///mnt/c,redis://:pw@h/0")]);
    assert_eq!(loaded.settings.remote, urls);
    let shown = (row("remote").unwrap().show)(&loaded.settings);
    assert_eq!(shown, Value::List(vec!["file:///mnt/c".into(), "redis://***@h/0".into()]));
    assert_eq!(from_file("remote = [\"file:///mnt/c\", 'redis://:pw@h/0']", false).settings.remote, urls);
    let tables = "[[remote]]\nurl = \"file:///mnt/c\"\naccess = \"read-only\"\n\n\
                  [[remote]]\nurl = \"s3://b/p?region=auto\"\nsecret_access_key = \"a+b&c\"\n";
    let loaded = from_file(tables, false);
    assert_eq!(loaded.complaints, []);
    assert_eq!(
        loaded.settings.remote,
        ["file:///mnt/c?access=read-only", "s3://b/p?region=auto&secret_access_key=a%2Bb%26c"]
    );
    let shown = (row("remote").unwrap().show)(&loaded.settings);
    let Value::List(shown) = shown else { panic!() };
    assert_eq!(shown[1], "s3://b/p?region=auto&secret_access_key=***");
}

#[test]
fn a_bad_remote_is_reported_without_its_secrets() {
    let loaded = from_environment(&[("KILN_REMOTE", "redis:hush@h")]);
    assert!(loaded.settings.remote.is_empty());
    assert!(!loaded.complaints[0].to_string().contains("hush"), "{}", loaded.complaints[0]);
    assert!(!from_file("remote = ['file:///c']", true).complaints.is_empty(), "no project chooses it");
}

#[test]
fn a_projects_patterns_stay_below_its_directory() {
    let text = "extra-inputs = ['m/*.sql', '/', '../x', 'a/../../x', '/p/VERSION', '/pp', '~/.ssh']\n";
    let loaded = from_file(text, true);
    let complaints: Vec<String> = loaded.complaints.iter().map(ToString::to_string).collect();
    assert_eq!(complaints.len(), 4, "{complaints:?}");
    assert!(
        complaints[0].starts_with(
            "/p/c.toml:1: extra-inputs: `/` leads out of the project's directory; it is ignored"
        )
    );
    let kept = ["/p/m/*.sql", "/p/VERSION", "/p/~/.ssh"].map(PathBuf::from);
    assert_eq!(loaded.settings.extra_inputs, kept);
    assert_eq!(loaded.settings.extra_inputs_within, Some("/p".into()));
    let by_the_user = from_file(text, false);
    assert_eq!((by_the_user.settings.extra_inputs.len(), by_the_user.complaints.len()), (7, 0));
    assert_eq!(by_the_user.settings.extra_inputs_within, None);
    let endless = format!("extra-inputs = ['{}']\n", "a/".repeat(100_000));
    assert_eq!(from_file(&endless, true).settings.extra_inputs, [""; 0].map(PathBuf::from));
}

/// Whatever lies there, nothing is waited for and nothing is read without limit.
#[test]
fn an_odd_project_file_is_ignored() {
    let space = tempfile::tempdir().unwrap();
    let load = || {
        let all = [("KILN_CONFIG", "/nowhere/config.toml")];
        let mut loaded = load(&Environment::of(&all), &Start { directory: space.path(), out: None });
        loaded.complaints.remove(0);
        loaded
    };
    let file = space.path().join("kiln.toml");
    let fresh = || _ = std::fs::remove_file(&file);
    for odd in ["mkfifo kiln.toml", "ln -s /dev/zero kiln.toml", "mkdir kiln.toml && rmdir kiln.toml"] {
        let made =
            std::process::Command::new("sh").args(["-c", odd]).current_dir(space.path()).status().unwrap();
        assert!(made.success());
        let loaded = load();
        assert_eq!((loaded.project, loaded.complaints), (None, vec![]), "{odd}");
        fresh();
    }
    let huge = "never = ['a']\n#".to_owned() + &"x".repeat(2 << 20);
    for text in [huge, "a = ".to_owned() + &"[".repeat(500_000), "a = ".to_owned() + &"{a=".repeat(100_000)] {
        std::fs::write(&file, text).unwrap();
        let loaded = load();
        assert_eq!((loaded.settings.never.len(), loaded.complaints.len()), (0, 1));
        assert!(loaded.complaints[0].what.ends_with("the file is ignored"), "{:?}", loaded.complaints);
    }
}

/// `/tmp/kiln.toml` of somebody else is above every project in `/tmp`.
#[test]
fn a_project_file_of_another_user_is_ignored_and_reported() {
    if env::user() != 0 {
        return; // nobody else can give files away
    }
    let space = tempfile::tempdir().unwrap();
    let at = |name: &str| space.path().join(name);
    std::fs::create_dir_all(at("a/b")).unwrap();
    std::fs::write(at("kiln.toml"), "never = ['mine']\n").unwrap();
    std::fs::write(at("a/kiln.toml"), "off = true\n").unwrap();
    std::os::unix::fs::chown(at("a/kiln.toml"), Some(4321), None).unwrap();
    let load = |directory: &Path| {
        let all = [("KILN_CONFIG", "/nowhere/config.toml")];
        let mut loaded = load(&Environment::of(&all), &Start { directory, out: Some(&at("a/b/out")) });
        loaded.complaints.retain(|complaint| !complaint.place.starts_with("/nowhere"));
        loaded
    };
    let loaded = load(&at("a/b"));
    assert!(!loaded.settings.off);
    assert_eq!(
        (loaded.project, loaded.settings.never),
        (Some(at("kiln.toml")), vec!["mine".to_owned()]),
        "the next one above"
    );
    let [complaint] = &loaded.complaints[..] else { panic!("{:?}", loaded.complaints) };
    assert_eq!(complaint.place, at("a/kiln.toml").display().to_string());
    // A link of theirs to a file of ours is theirs as well.
    std::fs::remove_file(at("a/kiln.toml")).unwrap();
    std::fs::write(at("other.toml"), "off = true\n").unwrap();
    std::os::unix::fs::symlink(at("other.toml"), at("a/kiln.toml")).unwrap();
    assert!(load(&at("a/b")).settings.off);
    std::os::unix::fs::lchown(at("a/kiln.toml"), Some(4321), None).unwrap();
    assert!(!load(&at("a/b")).settings.off);
}

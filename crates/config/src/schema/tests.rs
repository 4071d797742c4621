use super::*;
use std::collections::BTreeSet;

#[test]
fn names_and_variables_are_unique_and_follow_one_rule() {
    let mut seen = BTreeSet::new();
    for row in ROWS {
        assert!(seen.insert(row.variable), "{}", row.variable);
        assert!(row.name.is_empty() || seen.insert(row.name), "{}", row.name);
        let rule = format!("KILN_{}", row.name.to_uppercase().replace('-', "_"));
        assert!(row.name.is_empty() || row.name == "directory" || row.variable == rule, "{}", row.name);
        assert!(row.does.ends_with(['.', ')']), "{}", row.name);
    }
}

#[test]
fn defaults_are_what_the_table_says() {
    let settings = Settings::default();
    for row in ROWS.iter().filter(|row| !row.name.is_empty() && row.name != "directory") {
        let shown = match (row.show)(&settings) {
            Value::Unset => String::new(),
            Value::Switch(on) => on.to_string(),
            Value::Text(text) => text,
            Value::List(list) => list.join(","),
        };
        assert_eq!(shown, row.default, "{}", row.name);
    }
}

#[test]
fn what_is_shown_can_be_set() {
    let base = Path::new("/p");
    for (name, value) in [
        ("directory", "/k"),
        ("salt", "two words"),
        ("extra-inputs", "/p/migrations/*.sql"),
        ("extra-variables", "A"),
        ("never", "serde"),
        ("max-size", "1500MB"),
        ("max-age", "0"),
        ("log", "debug:/l"),
    ] {
        let row = row(name).unwrap();
        let mut settings = Settings::default();
        assert!((row.set)(&mut settings, &Given { values: &[value.into()], base, project: false }), "{name}");
        let shown = match (row.show)(&settings) {
            Value::Text(text) => text,
            Value::List(list) => list.join(","),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(shown, value, "{name}");
    }
}

#[test]
fn a_project_reaches_nothing_beyond_its_own_compiles() {
    let may: Vec<_> = ROWS.iter().filter(|row| row.project).map(|row| row.name).collect();
    assert_eq!(
        may,
        [
            "off",
            "recache",
            "read-only",
            "salt",
            "extra-inputs",
            "extra-variables",
            "ignore-variables",
            "never",
            "remap",
            "time-macros",
            "base-dir"
        ]
    );
}

/// What the setting's description shows is what the table of stores takes.
#[test]
fn examples_of_remotes_are_valid() {
    let written = row("remote").unwrap().written;
    let urls: Vec<&str> = written.split('`').filter(|part| part.contains("://")).collect();
    assert_eq!(urls.len(), 3);
    assert!(urls.into_iter().all(|url| schemes::fault_of(url).is_none()));
}

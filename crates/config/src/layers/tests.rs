use super::*;

fn from_file(text: &str) -> Loaded {
    let mut loaded =
        Loaded { settings: Settings::default(), sources: vec![Source::Default; ROWS.len()], complaints: vec![] };
    read_file(Path::new("/c.toml"), text.as_bytes(), &mut loaded);
    loaded
}

#[test]
fn a_file_sets_what_it_names() {
    let loaded = from_file("remap = true\nmax-size = \"1GiB\"\n");
    assert!(loaded.settings.remap);
    assert_eq!(loaded.settings.max_size, Some(1 << 30));
    assert_eq!(loaded.complaints, []);
    assert_eq!(loaded.sources[2], Source::File("/c.toml".into()));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_the_default_counts() {
    let loaded = from_file("\nremapp = true\nmax-age = \"soon\"\n");
    assert_eq!(loaded.complaints[0].to_string(), "/c.toml:2: there is no setting `remapp`; did you mean `remap`?");
    assert!(loaded.complaints[1].to_string().starts_with("/c.toml:3: max-age: `soon` is not a duration"));
    assert_eq!(loaded.settings, Settings::default());
    assert!(from_file("= 1").complaints[0].to_string().ends_with("the file is ignored"));
}

#[test]
fn the_environment_wins_and_zero_is_no_limit() {
    let loaded = load(&Environment::of(&[("KILN_DIR", "/k"), ("KILN_MAX_SIZE", "0"), ("KILN_REMAP", "maybe")]));
    assert_eq!(loaded.settings.directory, Some("/k".into()));
    assert_eq!(loaded.settings.max_size, None);
    assert!(!loaded.settings.remap);
    assert_eq!(loaded.complaints.len(), 1);
    assert_eq!(loaded.complaints[0].place, "KILN_REMAP");
}

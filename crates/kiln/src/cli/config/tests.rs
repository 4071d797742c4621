use super::*;

#[test]
fn what_is_not_meant_stays_as_it_is() {
    let text = "# mine\nremap = true # why\n\n# how much\nmax-size = '1GiB'\n[later]\nx = 1\n";
    let mut document: toml_edit::DocumentMut = text.parse().unwrap();
    put(&mut document, "remap", false.into());
    put(&mut document, "salt", "x".into());
    assert_eq!(
        document.to_string(),
        "# mine\nremap = false # why\n\n# how much\nmax-size = '1GiB'\nsalt = \"x\"\n[later]\nx = 1\n"
    );
}

#[test]
fn values_are_checked_and_written_in_their_own_type() {
    let value = |name: &str, values: &[&str]| {
        let values: Vec<OsString> = values.iter().map(Into::into).collect();
        written(schema::row(name).unwrap(), &values).map(|value| value.to_string())
    };
    assert_eq!(value("off", &["yes"]).unwrap(), "true");
    assert_eq!(value("max-size", &["2GiB"]).unwrap(), "\"2GiB\"");
    assert_eq!(value("never", &["a,b", "c"]).unwrap(), "[\"a\", \"b\", \"c\"]");
    assert_eq!(value("extra-inputs", &["m/*.sql"]).unwrap(), "[\"m/*.sql\"]");
    assert_eq!(
        value("max-age", &["soon"]).unwrap_err(),
        "max-age: `soon` is not a duration with its unit (s, m, h, d, w) such as 7d or 12h; 0 for ever"
    );
    assert!(value("directory", &["relative"]).is_err());
}

#[test]
fn the_template_names_every_setting_and_sets_none() {
    let text = template();
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    assert!(document.is_empty());
    let uncommented: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = "))
        .fold(String::new(), |all, line| all + line + "\n");
    let document: toml_edit::DocumentMut = uncommented.parse().unwrap();
    assert_eq!(document.iter().count(), ROWS.iter().filter(|row| !row.name.is_empty()).count());
}

use super::*;

fn dep_info(variables: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut to = Writer::default();
    to.u32(1);
    to.u8(255);
    to.u8(1);
    to.u32(2);
    to.u8(0);
    to.bytes(b"src/lib.rs");
    to.u8(0);
    to.u8(1);
    to.bytes(b"/elsewhere");
    to.u8(1);
    to.u64(7);
    to.bytes(b"blake3=00");
    to.u32(variables.len() as u32);
    for (name, value) in variables {
        to.bytes(name.as_bytes());
        to.u8(u8::from(value.is_some()));
        value.iter().for_each(|value| to.bytes(value.as_bytes()));
    }
    to.0
}

fn wire(file: &CargoFile) -> Vec<u8> {
    let mut to = Writer::default();
    file.write(&mut to);
    to.0
}

fn holds(file: &CargoFile, text: &str) -> bool {
    memchr::memmem::find(&wire(file), text.as_bytes()).is_some()
}

#[test]
fn values_of_dep_info_are_cut_out_and_filled_in() {
    let text = dep_info(&[("PIN", Some("1234")), ("UNSET", None), ("EMPTY", Some(""))]);
    let file = CargoFile::cut(Path::new("dep-lib-x"), &text).unwrap();
    assert!(!holds(&file, "1234") && holds(&file, "src/lib.rs"));
    let environment = Environment::of(&[("PIN", "1234"), ("EMPTY", "")]);
    assert_eq!(file.fill(&environment), Some(text));
    let other = Environment::of(&[("PIN", "99999"), ("EMPTY", "")]);
    let expected = dep_info(&[("PIN", Some("99999")), ("UNSET", None), ("EMPTY", Some(""))]);
    assert_eq!(file.fill(&other), Some(expected));
    assert_eq!(file.fill(&Environment::of(&[("EMPTY", "")])), None);
}

#[test]
fn dep_info_of_another_form_is_not_kept() {
    let text = dep_info(&[]);
    let mut newer = text.clone();
    newer[5] = 2;
    for odd in [&newer[..], &text[..text.len() - 1], &[&text[..], b"x"].concat(), b"", b"0123456789abcdef"] {
        assert_eq!(CargoFile::cut(Path::new("dep-lib-x"), odd), None, "{odd:?}");
    }
}

#[test]
fn values_of_json_are_cut_out_and_filled_in() {
    let value = "a \"quoted\" \\ \n\u{1}\u{7f} and ä";
    let of = |value: &str| {
        format!(
            r#"{{"rustc":1,"features":"[\"{{\"]","local":[{{"RerunIfEnvChanged":{{"var":"PIN","val":{value}}}}},{{"RerunIfEnvChanged":{{"var":"NOT","val":null}}}},{{"RerunIfEnvChanged":{{"var":"PIN","val":{value}}}}}],"rustflags":[]}}"#
        )
    };
    let text = of(&json(value));
    let file = CargoFile::cut(Path::new("run-build-script-x.json"), text.as_bytes()).unwrap();
    assert!(!holds(&file, "quoted") && holds(&file, "rustflags"));
    assert_eq!(file.fill(&Environment::of(&[("PIN", value)])), Some(text.into_bytes()));
    assert_eq!(file.fill(&Environment::of(&[("PIN", "b")])), Some(of("\"b\"").into_bytes()));
    assert_eq!(file.fill(&Environment::of(&[])), None);
    let torn = br#"{"local":[{"RerunIfEnvChanged":{"var":"PIN","val":"#;
    assert_eq!(CargoFile::cut(Path::new("x.json"), torn), None);
}

#[test]
fn other_files_are_kept_as_they_are() {
    let file = CargoFile::cut(Path::new("lib-x"), b"0123456789abcdef").unwrap();
    assert_eq!(file.text(), Some(&b"0123456789abcdef"[..]));
    assert_eq!(CargoFile::cut(Path::new("output"), b"").unwrap().text(), Some(&b""[..]));
    let bytes = wire(&file);
    assert_eq!(CargoFile::read(&mut Reader(&bytes)), Ok(file));
}

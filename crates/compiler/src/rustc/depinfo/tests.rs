use super::{parse, with_environment};

/// Written by rustc 1.95 for `src/a.rs` into a directory called `o ut`.
const ODD: &[u8] = include_bytes!("../fixtures/odd-names.d");
/// Written by rustc 1.95 for source on standard input.
const STDIN: &[u8] = include_bytes!("../fixtures/stdin.d");
/// Written by a nightly with `-Z checksum-hash-algorithm=blake3`.
const CHECKSUM: &[u8] = include_bytes!("../fixtures/checksum.d");

fn inputs(bytes: &[u8]) -> Vec<String> {
    let info = parse(bytes).expect("a rule");
    info.inputs.into_iter().map(|path| String::from_utf8(path).expect("UTF-8")).collect()
}

#[test]
fn odd_names() {
    let expected = ["src/a.rs", "src/m.rs", "src/odd name.rs", "src/back\\slash:c#.bin"];
    assert_eq!(inputs(ODD), expected);
}

#[test]
fn variables() {
    let info = parse(ODD).expect("a rule");
    let expected: [(&[u8], Option<&[u8]>); 3] =
        [(b"MUST", Some(b"multi\nline\\x\r")), (b"SET_X", Some(b"v 1=2")), (b"UNSET_X", None)];
    let environment: Vec<_> = info.environment.iter().map(|(n, v)| (n.as_slice(), v.as_deref())).collect();
    assert_eq!(environment, expected);
}

#[test]
fn source_on_standard_input_has_no_prerequisites() {
    assert_eq!(inputs(STDIN), Vec::<String>::new());
}

#[test]
fn checksums_are_passed_over() {
    assert_eq!(inputs(CHECKSUM), ["src/m.rs"]);
}

#[test]
fn a_target_that_looks_like_a_rule() {
    assert_eq!(inputs(b"o: b c/x.d: src/a.rs d:\n\nsrc/a.rs:\nd::\n"), ["src/a.rs", "d:"]);
}

#[test]
fn variables_as_they_are_today() {
    let today = |name: &[u8]| match name {
        b"UNSET_X" => Some(b"now\\set\n".to_vec()),
        b"SET_X" => None,
        _ => Some(b"same".to_vec()),
    };
    let text = String::from_utf8(with_environment(ODD, &today)).expect("UTF-8");
    let head = String::from_utf8_lossy(ODD).split("# env-dep").next().expect("text").to_owned();
    let expected = "# env-dep:MUST=same\n# env-dep:SET_X\n# env-dep:UNSET_X=now\\\\set\\n\n";
    assert_eq!(text, format!("{head}{expected}"));
}

#[test]
fn the_same_environment_gives_the_same_bytes() {
    let info = parse(ODD).expect("a rule");
    let today =
        |name: &[u8]| info.environment.iter().find(|(known, _)| known == name).and_then(|(_, v)| v.clone());
    assert_eq!(with_environment(ODD, &today), ODD);
    assert_eq!(with_environment(b"no line end\n# env-dep:MUST", &today).last(), Some(&b'r'));
}

proptest::proptest! {
    #[test]
    fn total(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = with_environment(&bytes, &|_| Some(vec![b'\\', b'\n']));
    }

    #[test]
    fn any_path_without_line_break_is_read_back(
        paths in proptest::collection::vec("[a-z :#=\\\\/.é]{0,8}[a-z]", 1..5),
        target in "[a-z :/]{0,8}[a-z]",
    ) {
        let escaped: Vec<String> = paths.iter().map(|path| path.replace(' ', "\\ ")).collect();
        let phony: String = escaped.iter().map(|path| format!("{path}:\n")).collect();
        let text = format!("{target}.d: {}\n\n{phony}", escaped.join(" "));
        proptest::prop_assert_eq!(inputs(text.as_bytes()), paths);
    }
}

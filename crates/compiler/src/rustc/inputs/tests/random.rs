//! Random command lines: never a panic, and never a flag that is not in the table in a command that is cached.

use super::*;
use proptest::prelude::*;

/// Words that mean something somewhere, and words that mean nothing.
fn word() -> impl Strategy<Value = String> {
    let rows: Vec<&'static Flag> = table::rows().collect();
    let flag =
        (proptest::sample::select(rows), 0..6_u8, "[a-z=,:/@é-]{0,6}").prop_map(|(flag, form, value)| {
            let dashed = match (flag.group, flag.short) {
                (Some(group), _) => format!("-{group}{}", flag.long),
                (None, Some(short)) if form % 2 == 0 => format!("-{short}"),
                _ => format!("--{}", flag.long),
            };
            if form < 3 { dashed } else { format!("{dashed}={value}") }
        });
    const KNOWN: &[&str] = &[
        "-",
        "--",
        "x.rs",
        "a=/b/liba.rlib",
        "dependency=/d",
        "lib,bin",
        "link=/x,dep-info",
        "@file",
        "json",
    ];
    prop_oneof![4 => flag, 2 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

fn attempt(words: &[String], remap: Option<Remap>) -> Result<Invocation, Reason> {
    let line =
        Line { arguments: words.iter().map(String::as_str).collect(), environment: HashMap::new(), remap };
    line.parse()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_a_panic(words in prop::collection::vec(word(), 0..12), remaps in any::<bool>()) {
        let remap = remaps.then(|| Remap { work: "/ws".into(), target: Some("/ws/target".into()) });
        if let Ok(invocation) = attempt(&words, remap) {
            prop_assert!(invocation.outputs.directory.is_absolute());
            prop_assert!(invocation.outputs.files.iter().all(|file| file.is_absolute()));
        }
    }

    #[test]
    fn an_unknown_flag_is_never_cached(
        before in prop::collection::vec(word(), 0..3),
        name in "[a-z]{3,12}",
        group in prop::sample::select(&["--", "-C", "-Z"][..]),
    ) {
        let known = match group {
            "--" => table::long(&name).is_some() || table::group(&name).is_some(),
            group => table::grouped(group.chars().nth(1).unwrap_or('C'), &name).is_some(),
        };
        prop_assume!(!known);
        // behind these words it may be a value or a source, which is fine
        let unknown = format!("{group}{name}");
        let last = before.last().cloned();
        let mut words = vec!["x.rs".to_owned()];
        words.extend(before.clone());
        words.push(unknown.clone());
        let taken = before.iter().any(|word| word == "--")
            || last.is_some_and(|word| word.starts_with('-') && !word.contains('='));
        if !taken {
            prop_assert!(attempt(&words, None).is_err(), "{words:?}");
        }
    }

    #[test]
    fn inert_directories_never_count(out in "/[a-z]{1,8}", other in "/[a-z]{1,8}/[a-z]{1,3}") {
        let line = |dir: &str| format!("{LIB} --out-dir {dir} -L dependency={dir} --extern a={dir}/liba.rlib");
        prop_assert_eq!(key(&parsed(&line(&out))), key(&parsed(&line(&other))));
    }
}

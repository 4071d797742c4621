use super::*;
use std::collections::HashSet;

#[test]
fn names_are_unique_in_a_family_and_rows_say_something() {
    for family in [Family::Gcc, Family::Clang] {
        let mut names = HashSet::new();
        for flag in rows().filter(|flag| flag.only.is_none_or(|only| only == family)) {
            for name in flag.names {
                assert!(names.insert(*name), "{name} twice");
                assert!(name.starts_with('-'), "{name}");
            }
        }
    }
    for flag in rows() {
        assert!(flag.doc.ends_with('.') && flag.rests.ends_with(['.', ')']), "{flag:?}");
        assert!(!flag.doc.contains('|') && !flag.rests.contains('|'), "{flag:?}");
    }
}

#[test]
fn features_are_sorted_and_stand_in_no_other_row() {
    let names = features();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    let others: Vec<&str> =
        rows().filter(|flag| flag.takes != Takes::Feature).flat_map(|f| f.names).copied().collect();
    for name in names {
        for spelled in [format!("-f{name}"), format!("-fno-{name}")] {
            assert!(!others.contains(&spelled.as_str()), "{spelled}");
        }
    }
}

/// What reads or writes files, or shows paths, must not hide among the features.
#[test]
fn no_feature_sounds_like_a_file() {
    let harmless =
        ["profile-correction", "profile-partial-training", "profile-reproducible=", "use-linker-plugin"];
    for name in features().iter().filter(|name| !harmless.contains(name)) {
        for part in [
            "file=", "dir=", "path=", "list=", "dump", "plugin", "profile", "module", "sanitize", "map=",
            "report",
        ] {
            let known =
                ["crash-diagnostics-dir=", "ipa-profile"].contains(name) || name.starts_with("diagnostics-");
            assert!(known || !name.contains(part), "{name}");
        }
    }
}

#[test]
fn every_name_finds_its_own_row() {
    for flag in rows().filter(|flag| flag.takes != Takes::Feature) {
        for name in flag.names {
            let found = find(name.as_bytes(), flag.only.unwrap_or(Family::Gcc)).expect(name);
            assert!(std::ptr::eq(found.flag, flag), "{name} finds {:?}", found.flag);
        }
    }
}

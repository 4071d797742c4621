use super::*;
use std::collections::HashSet;

const FAMILIES: [Family; 2] = [Family::ClangCl, Family::Msvc];

fn known(flag: &Flag, family: Family) -> bool {
    flag.only.is_none_or(|only| only == family)
}

#[test]
fn names_are_unique_in_a_family_and_rows_say_something() {
    for family in FAMILIES {
        let mut names = HashSet::new();
        for name in rows().filter(|flag| known(flag, family)).flat_map(|flag| flag.names) {
            assert!(names.insert(*name), "{name} twice");
            assert!(name.starts_with(['/', '-']), "{name}");
        }
    }
    for flag in rows() {
        assert!(flag.doc.ends_with('.') && flag.rests.ends_with(['.', ')']), "{flag:?}");
        assert!(!flag.doc.contains('|') && !flag.rests.contains('|'), "{flag:?}");
    }
}

#[test]
fn every_name_finds_its_own_row_with_either_mark() {
    for family in FAMILIES {
        for flag in rows().filter(|flag| known(flag, family)) {
            for name in flag.names {
                let dashed = format!("-{}", &name[1..]);
                for typed in [*name, dashed.as_str()] {
                    let found = find(typed.as_bytes(), family).expect(typed);
                    assert!(std::ptr::eq(found.flag, flag), "{typed} finds {:?}", found.flag);
                }
            }
        }
    }
}

#[test]
fn clangs_own_options_have_a_dash() {
    assert!(find(b"-Wshadow", Family::ClangCl).is_some());
    assert!(find(b"/Wshadow", Family::ClangCl).is_none());
    assert!(find(b"/Xclang", Family::ClangCl).is_none());
    assert!(find(b"-Xclang", Family::Msvc).is_none());
}

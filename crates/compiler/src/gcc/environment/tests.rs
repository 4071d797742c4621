use super::*;

#[test]
fn a_variable_is_on_one_list() {
    for name in COUNTS {
        assert!(!is_inert(name) && !UNCACHED.iter().any(|(other, _)| other == name), "{name}");
    }
    for (name, _) in UNCACHED {
        assert!(!is_inert(name), "{name}");
    }
    assert_eq!(COUNTS_SHOWN.len(), COUNTS.len() + 1);
    assert_eq!(COUNTS_WHY.len(), COUNTS_SHOWN.len());
}

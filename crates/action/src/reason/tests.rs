use super::*;
use std::collections::BTreeSet;

#[test]
fn names_are_unique_and_lead_back() {
    let all = Reason::all();
    let names: BTreeSet<&str> = all.iter().map(Reason::name).collect();
    assert_eq!(names.len(), all.len());
    for reason in &all {
        assert_eq!(sentence(reason.name()), reason.sentence());
    }
    assert_eq!(sentence("from-the-future"), "from-the-future");
}

#[test]
fn whatever_is_not_cached_has_a_remedy() {
    let no_remedy = [
        Reason::NotSeen,
        Reason::Changed,
        Reason::Failed,
        Reason::NotACompile(String::new()),
        Reason::Question(String::new()),
    ];
    for reason in Reason::all() {
        assert_eq!(remedy(reason.name()).is_empty(), no_remedy.contains(&reason), "{}", reason.name());
    }
}

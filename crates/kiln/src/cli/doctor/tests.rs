use super::*;

fn sample() -> Vec<Finding> {
    vec![
        Finding::fine("one", "is well"),
        Finding::warning("two", "could be better", "do this\nor that"),
        Finding::problem("three", "is broken", "mend it"),
    ]
}

#[test]
fn what_is_wrong_says_what_to_do() {
    let space = " ".repeat(21);
    assert_eq!(
        as_text(&sample(), Paint::plain()),
        format!(
            "ok       one         is well\nwarning  two         could be better\n{space}-> do this\n{space}or that\n\
             PROBLEM  three       is broken\n{space}-> mend it\n\n1 problem, 1 warning.\n"
        )
    );
}

#[test]
fn programs_read_the_same() {
    let value = as_json(&sample());
    assert_eq!(value["problems"], 1);
    assert_eq!(value["findings"][1]["level"], "warning");
    assert_eq!(value["findings"][0]["advice"], serde_json::Value::Null);
}

#[test]
fn what_a_system_does_not_have_is_reported() {
    assert_eq!(system::missing(true, true), []);
    let severities =
        |findings: Vec<Finding>| findings.iter().map(|finding| finding.severity).collect::<Vec<_>>();
    assert_eq!(severities(system::missing(false, true)), [Severity::Problem]);
    assert_eq!(severities(system::missing(true, false)), [Severity::Warning]);
    assert_eq!(severities(system::missing(false, false)), [Severity::Problem, Severity::Warning]);
}

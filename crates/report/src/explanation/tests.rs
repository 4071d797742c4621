use super::*;

fn miss(name: &str, cause: &str, follows: &str) -> Event {
    Event {
        cause: cause.into(),
        follows: follows.into(),
        stem: format!("{name}-0123456789abcdef"),
        directory: format!("/w/{name}"),
        project: "/w".into(),
        parent: 7,
        reason: "changed".into(),
        ..Event::new(1000, Outcome::Miss, name, "lib")
    }
}

fn names(units: &[ExplainedUnit]) -> Vec<&str> {
    units.iter().map(|unit| unit.name.as_str()).collect()
}

#[test]
fn misses_are_grouped_under_what_they_follow_from() {
    let events = [
        miss("leaf", "src/lib.rs changed", ""),
        miss("mid", "the dependency leaf changed", "leaf-0123456789abcdef"),
        miss("top", "the dependency mid changed", "mid-0123456789abcdef"),
        miss("other", "src/lib.rs changed", ""),
        miss("lonely", "the dependency gone changed", "gone-0123456789abcdef"),
        miss("one", "never seen here", ""),
        miss("two", "never seen here", ""),
    ];
    let build = explain(&events.iter().collect::<Vec<_>>());
    let shown: Vec<(&str, Vec<&str>, Vec<&str>)> =
        build.misses.iter().map(|g| (g.cause.as_str(), names(&g.units), names(&g.following))).collect();
    assert_eq!(
        shown,
        [
            ("src/lib.rs changed", vec!["leaf"], vec!["mid", "top"]),
            ("never seen here", vec!["one", "two"], vec![]),
            ("src/lib.rs changed", vec!["other"], vec![]),
            ("the dependency gone changed", vec!["lonely"], vec![]),
        ]
    );
    assert_eq!((build.project.as_str(), build.units), ("/w", 7));
}

#[test]
fn units_that_follow_in_a_circle_are_counted_all_the_same() {
    let events = [miss("a", "x", "b-0123456789abcdef"), miss("b", "y", "a-0123456789abcdef")];
    let build = explain(&events.iter().collect::<Vec<_>>());
    let shown: usize = build.misses.iter().map(|g| g.units.len() + g.following.len()).sum();
    assert_eq!(shown, 2);
}

#[test]
fn the_last_build_is_that_of_one_process() {
    let of = |parent, at_ms, kind: &str| Event { parent, kind: kind.into(), at_ms, ..miss("a", "", "") };
    // In a container the next cargo has the same number: a unit that comes again begins another build.
    let again = [of(7, 1, "lib"), of(7, 2, "bin"), of(7, 3, "lib"), of(7, 4, "bin")];
    assert_eq!((last_build(&again).len(), builds(&again).len()), (2, 2));
    let day = 24 * 3600 * 1000;
    let events = [
        of(7, 1, "lib"), // the same number, long ago
        of(8, day, "lib"),
        of(7, day + 1, "lib"),
        of(8, day + 2, "lib"),
        of(7, day + 3, "bin"),
        of(9, day + 4, "probe"),
    ];
    let times: Vec<u64> = last_build(&events).iter().map(|event| event.at_ms).collect();
    assert_eq!(times, [day + 1, day + 3]);
    assert_eq!(builds(&events).len(), 5);
    assert!(!has_last_build(&events), "it could have begun in an older segment");
    assert!(has_last_build(&events[1..]));
    assert!(last_build(&[]).is_empty());
}

#[test]
fn what_is_not_cached_has_a_reason_and_a_remedy() {
    let bypass = |detail: &str| Event {
        outcome: Outcome::Bypass,
        reason: "asked".into(),
        detail: detail.into(),
        ..miss("built", "", "")
    };
    let events = [bypass("a macro asks for the time"), bypass("a macro asks for the time")];
    let build = explain(&events.iter().collect::<Vec<_>>());
    assert_eq!(build.uncached.len(), 1);
    let uncached = &build.uncached[0];
    assert_eq!(
        (uncached.units.len(), uncached.details.as_slice()),
        (2, &["a macro asks for the time".to_owned()][..])
    );
    assert!(!uncached.remedy.is_empty());
}

#[test]
fn a_detail_that_only_names_the_unit_is_left_out() {
    let never = |name: &str, detail: &str| Event {
        outcome: Outcome::Bypass,
        reason: "never-cached".into(),
        detail: detail.into(),
        ..miss(name, "", "")
    };
    let details = |events: &[Event]| explain(&events.iter().collect::<Vec<_>>()).uncached[0].details.clone();
    assert_eq!(details(&[never("odd", "odd")]), [""; 0]);
    assert_eq!(details(&[never("odd_one", "odd-one")]), [""; 0], "a crate's name in cargo's spelling");
    assert_eq!(details(&[never("build_script_build", "odd")]), ["odd"], "the package that was meant");
}

#[test]
fn what_is_typed_by_hand_belongs_together_for_a_minute() {
    let typed = |name: &str, at_ms: u64| Event {
        by_hand: true,
        stem: String::new(),
        at_ms,
        took_us: 1_000_000,
        ..miss(name, "", "")
    };
    // A loop, a long compile, and another command five minutes later.
    let long = Event { took_us: 300_000_000, ..typed("c", 340_000) };
    let events = [typed("a", 10_000), typed("b", 20_000), long, typed("d", 700_000)];
    let built: Vec<usize> = builds(&events).iter().map(Vec::len).collect();
    assert_eq!(built, [3, 1]);
    assert_eq!(last_build(&events).len(), 1);
}

use super::*;

#[test]
fn outputs_are_named_after_the_stem_and_nothing_else() {
    let plan = OutputPlan {
        directory: "/t/deps".into(),
        stems: vec!["a-1".into(), "liba-1".into()],
        files: vec!["/x/probe".into()],
        ..OutputPlan::default()
    };
    for yes in ["/t/deps/a-1", "/t/deps/a-1.d", "/t/deps/liba-1.rlib", "/x/probe"] {
        assert!(plan.declares(Path::new(yes)), "{yes}");
    }
    for no in ["/t/deps/a-12", "/t/deps/b", "/t/a-1", "/t/deps/a-1/x", "/x/probe.d"] {
        assert!(!plan.declares(Path::new(no)), "{no}");
    }
}

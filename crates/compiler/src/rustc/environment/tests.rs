use super::*;

#[test]
fn every_counted_variable_says_why() {
    let reasons: Vec<&str> = COUNTS_WHY.iter().map(|(name, _)| *name).collect();
    assert_eq!(reasons, COUNTS_BEHIND_WRAPPER);
    assert!(COUNTS_BEHIND_WRAPPER.starts_with(COUNTS));
}

#[test]
fn no_variable_is_on_two_minds() {
    for name in COUNTS_BEHIND_WRAPPER {
        assert!(!is_inert(name) && !is_linker_inert(name) && !is_left_out_of_a_walk(name), "{name}");
    }
    for name in ["LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH", "LPATH", "LLD_VERSION"] {
        assert!(!is_linker_inert(name), "{name}");
    }
    for name in ["SOURCE_DATE_EPOCH", "LLD_REPRODUCE", "MOLD_REPRO", "GNUTARGET", "LDEMULATION", "PATH"] {
        assert!(!is_linker_inert(name) && !is_inert(name), "{name}");
    }
}

#[test]
fn prefixes() {
    assert!(is_linker_inert("MIMALLOC_PAGE_RESET") && is_linker_inert("mimalloc_verbose"));
    assert!(!is_left_out_of_a_walk("PATH") && !is_left_out_of_a_walk("HOME"));
    assert!(
        is_left_out_of_a_walk("CARGO_MAKEFLAGS") && !OF_MAKE.iter().any(|name| is_left_out_of_a_walk(name))
    );
}

#[test]
fn of_make_the_jobserver_does_not_count() {
    let rest = |value: &str| without_jobserver(value).unwrap_or_default();
    assert_eq!(rest(" -j4 --jobserver-auth=3,4"), "");
    assert_eq!(rest("-j --jobserver-fds=3,4 -j"), "");
    assert_eq!(rest("kw -j8 --jobserver-auth=fifo:/tmp/GMfifo12 -- X=1 Y=2"), "kw -- X=1 Y=2");
    assert_eq!(rest("-jobs --jobserver"), "-jobs --jobserver");
}

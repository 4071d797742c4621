//! The bodies of the fuzz targets over their seeds and some thousand mutations of these.

use kiln_testkit::mutated::fuzz;

#[test]
fn command_lines_of_rustc() {
    fuzz("rustc_argv", kiln_fuzzed::rustc_argv);
}

#[test]
fn dep_infos_of_rustc() {
    fuzz("rustc_depinfo", kiln_fuzzed::rustc_depinfo);
}

#[test]
fn command_lines_of_c_compilers() {
    fuzz("gcc_argv", kiln_fuzzed::gcc_argv);
}

#[test]
fn rules_for_make() {
    fuzz("gcc_depfile", kiln_fuzzed::gcc_depfile);
}

#[test]
fn results() {
    fuzz("result", kiln_fuzzed::result);
}

#[test]
fn lists_of_shapes() {
    fuzz("shapes", kiln_fuzzed::shapes);
}

#[test]
fn snapshots() {
    fuzz("snapshot", kiln_fuzzed::snapshot);
}

#[test]
fn frames_of_clients_and_daemons() {
    fuzz("frames", kiln_fuzzed::frames);
}

#[test]
fn baselines() {
    fuzz("baseline", kiln_fuzzed::baseline);
}

#[test]
fn configuration_files() {
    fuzz("config", kiln_fuzzed::config);
}

#[cfg(unix)]
#[test]
fn logs_of_the_recorder() {
    fuzz("recorder_log", kiln_fuzzed::recorder_log);
}

/// A body that fails on some mutation is noticed.
#[test]
#[should_panic(expected = "gcc_depfile: ")]
fn what_only_a_mutation_shows_is_found() {
    fuzz("gcc_depfile", |bytes| {
        assert!(bytes.iter().filter(|&&b| b == b'\n').count() < 6, "a line more than before")
    });
}

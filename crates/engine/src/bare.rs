//! A compile for unit tests: rustc's, without arguments, outputs or places.

use kiln_action::{Family, Invocation, Lazy, Mode, OutputPlan, Places, Subject, Unit};

/// That compile.
pub fn bare() -> Invocation {
    Invocation {
        subject: Subject::Compile(Family::Rustc),
        mode: Mode::Compile,
        unit: Unit::default(),
        compiler: "/tc/bin/rustc".into(),
        wrapper: None,
        target: None,
        fields: vec![],
        lazy: vec![Lazy { name: "diagnostic-width", value: "80".into() }],
        externs: vec![],
        outputs: OutputPlan::default(),
        places: Places::new(),
        stdin: false,
        incremental: false,
        links: false,
        native: false,
        environment: &[],
        append: vec![],
        directory: "/".into(),
        source: None,
        depfile: None,
        shows_directory: false,
    }
}

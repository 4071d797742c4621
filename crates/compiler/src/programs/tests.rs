use super::*;

fn has(program: &str, role: ProgramRole) -> bool {
    roles(Path::new(program)).has(role)
}

#[test]
fn debian_puts_targets_in_front_and_versions_behind() {
    for linker in ["cc", "/usr/bin/x86_64-linux-gnu-gcc-12", "/x/ld.lld-14", "lto1", "collect2", "rust-lld"] {
        assert!(has(linker, ProgramRole::Linker), "{linker}");
    }
    for other in ["arm-none-eabi-gcc", "link.sh", "", "/", "cc1", "ccc"] {
        assert_eq!(has(other, ProgramRole::Linker), other == "cc1", "{other}");
    }
}

#[test]
fn a_c_compile_consists_of_drivers_compilers_and_assemblers() {
    let known = [
        "gcc-12",
        "arm-none-eabi-cc1plus",
        "arm-none-eabi-as",
        "x-objcopy",
        "clang-cl",
        "clang-cl-14",
        "clang++-14",
    ];
    for tool in known {
        assert!(has(tool, ProgramRole::CTool), "{tool}");
    }
    for other in ["as-2.40", "objcopy2", "x-clang-cl-14", "ld", "xgcc", "python3"] {
        assert!(!has(other, ProgramRole::CTool), "{other}");
    }
    assert!(
        has("/usr/libexec/gcc/cc1plus", ProgramRole::CompilerProper)
            && !has("gcc", ProgramRole::CompilerProper)
    );
}

#[test]
fn of_some_programs_only_the_systems_own_are_known() {
    for (name, role) in [
        ("dash", ProgramRole::Careful),
        ("cp", ProgramRole::Careful),
        ("find", ProgramRole::Walker),
        ("bash", ProgramRole::TerminalOpener),
    ] {
        assert!(has(&format!("/usr/bin/{name}"), role) && has(&format!("/bin/{name}"), role), "{name}");
        assert!(!has(&format!("/home/u/bin/{name}"), role) && !has(name, role), "{name}");
        assert!(!has(&format!("/usr/bin/{name}2"), role), "{name}");
    }
    assert!(
        has("/opt/x86_64-linux-gnu-ar", ProgramRole::Helper) && has("/w/pkg-config", ProgramRole::Helper)
    );
}

#[test]
fn the_page_tells_of_every_row() {
    let page = describe();
    for row in ROWS {
        assert!(
            page.contains(row.fact) && row.names.iter().all(|name| page.contains(&format!("`{name}`"))),
            "{row:?}"
        );
    }
}

use super::*;
use crate::bare::bare;
use kiln_action::Field;

/// `/l` is a link to `/disk`, and nothing is at `/disk/gone`.
fn leads(path: &Path) -> Option<PathBuf> {
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
        if real == Path::new("/l") {
            real = "/disk".into();
        }
    }
    (!real.starts_with("/disk/gone")).then_some(real)
}

fn invocation(outputs: OutputPlan, dependencies: &str) -> Invocation {
    let mut places = Places::new();
    places.add(Place::Out, &outputs.directory);
    places.add(Place::Deps(0), Path::new(dependencies));
    Invocation { outputs, places, links: true, lazy: vec![], directory: "/w".into(), ..bare() }
}

fn plan(directory: &str) -> OutputPlan {
    OutputPlan { directory: directory.into(), stems: vec!["a".into()], ..OutputPlan::default() }
}

fn spellings(invocation: &Invocation) -> Spellings<'_> {
    Spellings::new(invocation, &leads, std::iter::empty())
}

#[test]
fn outputs_are_found_by_any_name_and_called_as_they_were_declared() {
    for (called, used) in [
        ("/l/deps", "/disk/deps/a.d"),
        ("/l/deps", "/l/deps/a.d"),
        ("/l/deps", "/l/gone/../deps/a.d"),
        ("/w/../l/deps", "/disk/deps/a.d"),
        ("/w/./deps", "/w/deps/a.d"),
        ("/w/deps", "/w/x/../deps/a.d"),
    ] {
        let invocation = invocation(plan(called), "/d");
        let spellings = spellings(&invocation);
        let output = spellings.output(&spellings.place(Path::new(used)));
        assert_eq!(output, Some(Path::new(called).join("a.d")), "{called} {used}");
    }
}

#[test]
fn detours_lead_out_of_directories() {
    let invocation = invocation(OutputPlan { tree: Some("/w/out".into()), ..plan("/w/out") }, "/d");
    let spellings = spellings(&invocation);
    let holds = |path: &str| spellings.holds(&spellings.place(Path::new(path)));
    assert!(holds("/w/out/x") && holds("/w/out/y/../x") && holds("/w/out/..y"));
    assert!(!holds("/w/out/../x") && !holds("/w/out/y/../../x") && !holds("/w/out/.."));
}

#[test]
fn only_what_is_elsewhere_is_followed() {
    let follows =
        |invocation: &Invocation| matches!(spellings(invocation).place(Path::new("/l/x")), Cow::Owned(_));
    assert!(!follows(&invocation(plan("/w/out"), "/d")));
    assert!(follows(&invocation(plan("/l/out"), "/d")));
    assert!(follows(&invocation(plan("/w/out"), "/l/deps")));
    let private = OutputPlan { private: vec!["/l/i".into()], ..plan("/w/out") };
    assert!(follows(&invocation(private, "/d")));
    let plain = invocation(plan("/w/out"), "/d");
    let made_in = Spellings::new(&plain, &leads, [Path::new("/l/tmp")].into_iter());
    assert_eq!(made_in.place(Path::new("/l/tmp/x")), Path::new("/disk/tmp/x"));
}

#[test]
fn dependencies_count_by_place_under_their_other_name() {
    let invocation = invocation(plan("/l/out"), "/l/deps");
    let spellings = spellings(&invocation);
    let placed = |path: &str| spellings.placed(Path::new(path), &invocation.places);
    assert_eq!(placed("/disk/deps/libb.rmeta"), placed("/l/deps/libb.rmeta"));
    assert_eq!(placed("/disk/deps/libb.rmeta").place, Place::Deps(0));
    assert_eq!(placed("/disk/deps"), placed("/l/deps"));
    for other in [
        "/disk/other",
        "/disk/deps/libx.a",
        "/disk/deps/gen.rs",
        "/disk/deps/x/libb.rmeta",
        "/disk/x/../deps/libb.rmeta",
    ] {
        assert_eq!(placed(other), Placed::literal(Path::new(other)));
    }
    assert_eq!(spellings.into_aliases(), [Path::new("/disk/deps"), Path::new("/disk/out")]);
}

/// `-L native=/disk/deps -L dependency=/l/deps`: once `/l` leads elsewhere, the first still says what it said.
#[test]
fn what_the_command_line_names_itself_counts_literally() {
    for value in ["native=/disk/deps", "all=/l/x/../deps", "/l/deps", "../l/deps/x"] {
        let field = Field { name: "L", value: value.into(), path: true };
        let invocation = Invocation { fields: vec![field], ..invocation(plan("/l/out"), "/l/deps") };
        let spellings = spellings(&invocation);
        let library = Path::new("/disk/deps/libx.rlib");
        assert_eq!(spellings.placed(library, &invocation.places), Placed::literal(library), "{value}");
        let output = spellings.output(&spellings.place(Path::new("/disk/out/a.d")));
        assert_eq!(output, Some("/l/out/a.d".into()));
    }
}

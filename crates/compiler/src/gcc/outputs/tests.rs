use super::*;

fn planned(asked: &Asked, stage: Stage) -> Result<Vec<String>, Reason> {
    let plan = plan(asked, stage, Path::new("src/y.tab.c"), Path::new("/w"))?;
    Ok(plan.outputs.files.iter().map(|file| file.display().to_string()).collect())
}

fn to(output: &str) -> Asked {
    Asked { output: Some(output.into()), depend: true, gcno: true, ..Asked::default() }
}

#[test]
fn names_come_from_the_source() {
    let asked = Asked { depend: true, su: true, ..Asked::default() };
    assert_eq!(planned(&asked, Stage::Object).unwrap(), ["/w/y.tab.o", "/w/y.tab.d", "/w/y.tab.su"]);
    assert_eq!(planned(&Asked::default(), Stage::Assembly).unwrap(), ["/w/y.tab.s"]);
    let llvm = Asked { llvm: true, ..Asked::default() };
    assert_eq!(planned(&llvm, Stage::Object).unwrap(), ["/w/y.tab.bc"]);
    assert_eq!(planned(&llvm, Stage::Assembly).unwrap(), ["/w/y.tab.ll"]);
}

#[test]
fn names_beside_the_output() {
    for (output, depfile, gcno) in [
        ("o/x.o", "/w/o/x.d", "/w/o/x.gcno"),
        ("o.d/x", "/w/o.d/x.d", "/w/o.d/x.gcno"),
        ("/a/x.foo.o", "/a/x.foo.d", "/a/x.foo.gcno"),
        ("x.", "/w/x.d", "/w/x.gcno"),
        (".x.o", "/w/.x.d", "/w/.x.gcno"),
    ] {
        let files = planned(&to(output), Stage::Object).unwrap();
        assert_eq!(files[1..], [depfile, gcno], "{output}");
    }
}

#[test]
fn the_order_does_not_depend_on_what_is_called_how() {
    let mut asked = to("z.o");
    (asked.dwo, asked.su, asked.ci) = (true, true, true);
    asked.depfile = Some("a.d".into());
    let files = planned(&asked, Stage::Object).unwrap();
    assert_eq!(files, ["/w/z.o", "/w/a.d", "/w/z.dwo", "/w/z.gcno", "/w/z.su", "/w/z.ci"]);
}

#[test]
fn what_is_no_file_or_written_twice() {
    for output in ["-", "/dev/null", "/dev/stdout", "../dev/null", "/proc/self/fd/1"] {
        let asked = Asked { output: Some(output.into()), ..Asked::default() };
        let refused = planned(&asked, Stage::Object);
        if output.starts_with("..") {
            assert_eq!(refused.unwrap(), ["/w/../dev/null"], "found out when it is written");
        } else {
            assert!(matches!(refused, Err(Reason::NotACompile(_))), "{output}");
        }
    }
    let twice = Asked { depfile: Some("x.o".into()), ..to("x.o") };
    assert!(matches!(planned(&twice, Stage::Object), Err(Reason::BadArguments(_))));
    for output in ["src/y.tab.c", ".o", "x/", "/"] {
        assert!(matches!(planned(&to(output), Stage::Object), Err(Reason::BadArguments(_))), "{output}");
    }
}

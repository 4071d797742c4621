use super::*;
use std::process::Command;

fn cat(path: &Path) -> bool {
    Command::new("cat").arg(path).output().unwrap().status.success()
}

#[test]
fn only_what_was_granted_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let (open, shut, out) =
        (directory.path().join("open"), directory.path().join("shut"), directory.path().join("out"));
    std::fs::write(&open, "yes").unwrap();
    std::fs::write(&shut, "no").unwrap();
    std::fs::create_dir(&out).unwrap();
    let Some(sandbox) = Sandbox::new().unwrap() else { return };
    for path in ["/usr", "/lib", "/lib64", "/bin", "/etc"] {
        sandbox.grant(Path::new(path), Grant::Read).unwrap();
    }
    sandbox.grant(Path::new("/dev"), Grant::Write).unwrap();
    sandbox.grant(&open, Grant::Read).unwrap();
    sandbox.grant(&out, Grant::Write).unwrap();
    sandbox.grant(directory.path(), Grant::List).unwrap();
    sandbox.grant(Path::new("/"), Grant::Move).unwrap();
    sandbox.grant(&directory.path().join("absent"), Grant::Read).unwrap();
    let seen = sandbox
        .enforce(|| {
            let listed = std::fs::read_dir(directory.path()).is_ok();
            (cat(&open), cat(&shut), listed, std::fs::write(out.join("new"), "").is_ok())
        })
        .unwrap();
    assert_eq!(seen, (true, false, true, true));
    assert!(cat(&shut), "this thread is not restricted");
}

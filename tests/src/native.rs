//! Native objects and archives, made with gcc and ar.

use std::path::Path;
use std::process::{Command, Stdio};

use kiln_testkit::TestSpace;

/// The bytes of an object that defines `int symbol(void)` returning `value`.
pub fn object(space: &TestSpace, symbol: &str, value: i32) -> Vec<u8> {
    let dir = space.path("native-kit");
    let path = dir.join(format!("{symbol}-{value}.o"));
    if !path.exists() {
        let source = space.write(
            format!("native-kit/{symbol}-{value}.c"),
            format!("int {symbol}(void) {{ return {value}; }}\n"),
        );
        gcc(&["-c", "-o", &path.to_string_lossy(), &source.to_string_lossy()]);
    }
    std::fs::read(path).expect("the object just made")
}

/// The bytes of a static library with that object in it; its size does not depend on the value.
pub fn archive(space: &TestSpace, symbol: &str, value: i32) -> Vec<u8> {
    object(space, symbol, value);
    let dir = space.path("native-kit").join(format!("{symbol}-{value}"));
    let path = dir.join("lib.a");
    if !path.exists() {
        std::fs::create_dir_all(&dir).expect("mkdir");
        let member = dir.join("member.o");
        std::fs::write(&member, object(space, symbol, value)).expect("write");
        let status = Command::new("ar").arg("rcsD").arg(&path).arg(&member).stderr(Stdio::inherit()).status();
        assert!(status.expect("ar starts").success(), "ar");
    }
    std::fs::read(path).expect("the archive just made")
}

/// Runs gcc; it must succeed.
#[track_caller]
pub fn gcc(args: &[&str]) {
    let output = Command::new("gcc").args(args).output().expect("gcc starts");
    assert!(output.status.success(), "gcc {args:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A program without libc that copies `file` to stdout with nothing but system calls: a preloaded recorder
/// cannot see into it.
pub fn static_reader(space: &TestSpace, name: &str, file: &Path) -> std::path::PathBuf {
    let source = format!(
        r#"
static long call(long n, long a, long b, long c) {{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}}
void _start(void) {{
    char buffer[256];
    long file = call(2, (long)"{}", 0, 0);
    long length = call(0, file, (long)buffer, sizeof buffer);
    call(1, 1, (long)buffer, length);
    call(60, 0, 0, 0);
}}
"#,
        file.display()
    );
    let source = space.write(format!("native-kit/{name}.c"), source);
    let program = space.path(format!("native-kit/{name}"));
    let (program_text, source) =
        (program.to_string_lossy().into_owned(), source.to_string_lossy().into_owned());
    gcc(&["-static", "-nostdlib", "-fno-stack-protector", "-o", &program_text, &source]);
    program
}

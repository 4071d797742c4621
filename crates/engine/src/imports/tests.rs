#![allow(clippy::disallowed_methods)] // Tests arrange files and processes themselves.

use super::*;

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The names that a library of this machine exports with a version of glibc's, or without any.
fn exports(path: &str) -> Vec<String> {
    let output = std::process::Command::new("nm").args(["-D", "--defined-only", path]).output().unwrap();
    let names = lines(&String::from_utf8(output.stdout).unwrap()).into_iter();
    let names = names.filter_map(|line| line.split_whitespace().last().map(str::to_owned));
    let public = |name: &String| !name.starts_with("GLIBC_") && !name.contains("GLIBC_PRIVATE");
    names.filter(public).map(|name| name.split('@').next().unwrap_or_default().to_owned()).collect()
}

fn unknown(path: &Path, bytes: &[u8]) -> Option<Option<String>> {
    examine(path, bytes).map(|found| found.unknown)
}

fn refused() -> Vec<String> {
    lines(include_str!("refused.txt")).into_iter().filter(|line| !line.starts_with('#')).collect()
}

/// Guards: a function of a libc that is here and that nobody has thought about.
#[test]
fn every_function_of_libc_is_hooked_or_harmless_or_refused() {
    let refused = refused();
    let mut seen = 0;
    for library in
        ["libc.so.6", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libanl.so.1"]
    {
        for name in exports(&format!("/lib/x86_64-linux-gnu/{library}")) {
            seen += 1;
            let classes = [is_known(&name), refused.contains(&name)];
            assert_eq!(classes.iter().filter(|it| **it).count(), 1, "{name} of {library}: {classes:?}");
        }
    }
    for name in exports("/lib/ld-musl-x86_64.so.1") {
        assert!(is_known(&name) || refused.contains(&name), "{name} of musl");
    }
    assert!(seen > 3000 || !Path::new("/lib/x86_64-linux-gnu/libc.so.6").exists());
}

#[test]
fn no_name_is_hooked_and_harmless_and_each_is_there_once() {
    let hooks: HashSet<_> = hooks().collect();
    assert!(hooks.contains("open") && hooks.contains("catopen"));
    let mut names = HashSet::new();
    for (why, row) in known::rows() {
        assert!(why.ends_with('.'), "{why}");
        for name in row {
            assert!(names.insert(name), "{name} is there twice");
            assert!(!hooks.contains(name), "{name} is hooked");
        }
    }
    assert!(names.len() > 2000);
}

/// Nothing where it cannot be linked: some names are there only for programs that were linked long ago.
fn linked(dir: &Path, source: &str, flags: &[&str]) -> Option<Vec<u8>> {
    let (from, to) = (dir.join("a.c"), dir.join("a"));
    std::fs::write(&from, source).unwrap();
    let mut gcc = std::process::Command::new("gcc");
    let output = gcc.args(["-w", "-o"]).arg(&to).arg(&from).args(flags).output().unwrap();
    output.status.success().then(|| std::fs::read(to).unwrap())
}

fn compiled(dir: &Path, source: &str, flags: &[&str]) -> Vec<u8> {
    linked(dir, source, flags).unwrap()
}

/// Guards: a name that is in no table.
#[test]
fn a_program_that_imports_a_name_that_nobody_knows_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let calls = |name: &str| format!("void {name}(void); int main(void) {{ {name}(); return 0; }}");
    let path = Path::new("a");
    let here = exports("/lib/x86_64-linux-gnu/libc.so.6");
    let mut tried = 0;
    for name in refused().iter().filter(|name| here.contains(name)).step_by(4) {
        if let Some(bytes) = linked(dir.path(), &calls(name), &[])
            && object::File::parse(&*bytes).unwrap().dynamic_symbols().any(|it| it.name() == Ok(name))
        {
            tried += 1;
            assert_eq!(examine(path, &bytes).unwrap().unknown.as_ref(), Some(name));
        }
    }
    assert!(tried > 10);
    for (name, arithmetic) in [
        ("catopen", false),
        ("strlen", false),
        ("getopt", false),
        ("floor", false),
        ("lgamma", true),
        ("sin", true),
    ] {
        let found = examine(path, &compiled(dir.path(), &calls(name), &["-lm", "-fno-builtin"]));
        assert_eq!(found, Some(Imports { unknown: None, arithmetic }), "{name}");
    }
    // of another library it is that one's
    let library =
        compiled(dir.path(), "int main(void); int sethostid(void) { return 1; }", &["-shared", "-fPIC"]);
    std::fs::write(dir.path().join("libown.so"), library).unwrap();
    let own = compiled(dir.path(), &calls("sethostid"), &["-L", dir.path().to_str().unwrap(), "-lown"]);
    assert_eq!(examine(path, &own), Some(Imports::default()));
}

#[test]
fn what_hides_its_imports_is_not_examined() {
    assert_eq!(examine(Path::new("a"), b"not an object"), None);
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(unknown(Path::new("a"), &own), Some(None));
    let mut bytes = own;
    bytes[0x28..0x30].fill(0); // where the table of sections is
    bytes[0x3c..0x40].fill(0); // how many there are
    assert_eq!(examine(Path::new("a"), &bytes), None);
}

/// Guards: what programs of every day import is known.
#[test]
fn what_the_systems_programs_import_is_known() {
    for name in [
        "sh",
        "ls",
        "cp",
        "grep",
        "sed",
        "awk",
        "make",
        "ar",
        "perl",
        "python3",
        "git",
        "pkg-config",
        "cmake",
        "bash",
        "tar",
        "find",
    ] {
        let path = Path::new("/usr/bin").join(name);
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if bytes.starts_with(b"\x7fELF") {
            assert_eq!(unknown(&path, &bytes), Some(None), "{name}");
        }
    }
}

/// Guards: a library that half the world is linked with keeps every script and macro that loads it from the cache. Libraries that are there
/// to look at others (preload objects, debuggers' helpers) may import what nobody knows.
#[test]
fn what_the_systems_libraries_import_is_known() {
    let mut seen = 0;
    for dir in ["/lib/x86_64-linux-gnu", "/lib64", "/lib/aarch64-linux-gnu"] {
        let Ok(entries) = std::fs::read_dir(dir) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let everyday = [
                "ld-linux",
                "libc.",
                "libm.",
                "libmvec.",
                "libpthread.",
                "libdl.",
                "librt.",
                "libutil.",
                "libresolv.",
            ]
            .iter()
            .chain(&[
                "libanl.",
                "libgcc_s.",
                "libstdc++.",
                "libz.",
                "libbz2.",
                "liblzma.",
                "libzstd.",
                "libcrypto.",
                "libssl.",
            ])
            .chain(&[
                "libffi.",
                "libexpat.",
                "libxml2.",
                "libcurl.",
                "libsqlite3.",
                "libpython3",
                "libncurses",
                "libtinfo.",
            ])
            .chain(&[
                "libclang",
                "libLLVM",
                "libgmp.",
                "libuuid.",
                "libselinux.",
                "libpcre2-8.",
                "libacl.",
                "libattr.",
                "libcap.",
            ])
            .any(|part| name.starts_with(part));
            let Ok(bytes) = std::fs::read(&path) else { continue };
            if everyday && name.contains(".so") && bytes.starts_with(b"\x7fELF") {
                seen += 1;
                assert_eq!(unknown(&path, &bytes), Some(None), "{}", path.display());
            }
        }
    }
    assert!(seen >= 9 || !Path::new("/lib/x86_64-linux-gnu/libc.so.6").exists());
}

#[test]
fn the_memory_answers_until_something_else_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"m");
    let note = dir.path().join(format!("{}-imports", digest.hex()));
    let remember =
        |body: String| std::fs::write(&note, seal(MAGIC, VERSION, &digest.hash, body.as_bytes())).unwrap();
    let known = |unknown: &str, arithmetic| Imports { unknown: Some(unknown.into()), arithmetic };
    let asked = || of(Path::new("/nowhere"), &digest, dir.path());
    remember(format!("{}\0catopen", known::VERSION));
    assert_eq!(asked().unwrap(), known("catopen", false));
    remember(format!("{}\u{1}catopen", known::VERSION));
    assert_eq!(asked().unwrap(), known("catopen", true));
    remember("0000000000000000\0catopen".into());
    assert!(asked().is_err());
}

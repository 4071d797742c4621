use super::*;

fn bounds() -> Bounds {
    Bounds {
        home: Some("/home/me".into()),
        tools: vec!["/opt/.hidden/cargo".into(), "/home/other/rustup".into()],
        secrets: true,
    }
}

fn holds(question: Question) -> bool {
    bounds().hold(&[question]).is_ok()
}

fn literal(path: &str) -> Placed {
    Placed::literal(Path::new(path))
}

#[test]
fn what_compiles_ask_for_is_within_bounds() {
    for path in [
        "/usr/include/stdio.h",
        "/lib64/ld-linux-x86-64.so.2",
        "/etc/malloc.conf",
        "/etc/ld.so.cache",
        "/usr/bin/../lib/bfd-plugins",
        "/nix/store/abc-gcc/bin/gcc",
        "/run/current-system/sw/bin/cc",
        "/home/me/src/project/src/lib.rs",
        "/home/me/src/project/.git/HEAD",
        "/home/me/src/project/.cargo/config.toml",
        "/home/me/.cargo/registry/src/index/serde-1/src/lib.rs",
        "/home/me/.rustup/toolchains/stable/lib/libLLVM.so",
        "/opt/.hidden/cargo/registry/src/index/a/src/lib.rs",
        "/home/other/rustup/toolchains/stable/lib/libstd.so",
        "/builds/team/project/src/main.rs",
        "/tmp/.tmpabc/project/a.c",
    ] {
        assert!(holds(Question::File(literal(path))), "{path}");
    }
    for path in
        ["/home/me/.local/bin/as", "/home/me/.config/composer/vendor/bin/cc", "/root/bin/ld", "/home/me"]
    {
        assert!(holds(Question::Absent(literal(path))), "{path}: along PATH");
    }
    for name in [
        "PATH",
        "LANG",
        "CFLAGS_x86_64-unknown-linux-gnu",
        "CARGO_FEATURE_SECRET_KEY",
        "CARGO_PKG_AUTHORS",
        "MONKEY",
        "AUTHOR",
        "SPINNER",
        "DATABASE_URL",
        "ProgramFiles(x86)",
        "DEP_OPENSSL_KEY",
        "PWD",
    ] {
        assert!(holds(Question::Env(name.into())), "{name}");
    }
    assert!(holds(Question::File(Placed { place: Place::Base, path: b"a/../b.h".to_vec() })));
    assert!(holds(Question::Argv) && holds(Question::Here) && holds(Question::Program(b"cc".to_vec())));
}

#[test]
fn what_holds_secrets_is_not() {
    let kinds: [fn(Placed) -> Question; 5] =
        [Question::File, Question::Kind, Question::Mode, Question::Real, Question::Listing];
    for path in [
        "/home/me/.netrc",
        "/home/me/.ssh/id_ed25519",
        "/home/me/.cargo/credentials.toml",
        "/home/me/.cargo/../.netrc",
        "/home/me/./.config/gh/hosts.yml",
        "/home/me/src/project/.env",
        "/home/me",
        "/home/other/notes",
        "/root/.bash_history",
        "/proc/self/environ",
        "/usr/../proc/self/environ",
        "/proc/self/cwd/x",
        "/dev/sda",
        "/dev/stdin",
        "/sys/class/dmi/id/product_uuid",
        "/run/secrets/token",
        "/etc/shadow",
        "/etc/ssl/private/key.pem",
    ] {
        assert!(kinds.iter().all(|kind| !holds(kind(literal(path)))), "{path}");
    }
    assert!(!holds(Question::Absent(literal("/proc/1/root/x"))));
    for place in [Place::Base, Place::Out, Place::Deps(0), Place::Work, Place::Target] {
        for path in ["../.netrc", "a/../../x", ".env", "home/.ssh/id_rsa"] {
            let placed = Placed { place, path: path.into() };
            assert!(!holds(Question::File(placed)), "{place:?} {path}");
        }
    }
    for name in [
        "SECRET_PIN",
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "DB_PASSWORD",
        "MYSQL_PWD_PASS",
        "api_key",
        "AUTH",
        "NPM_AUTH",
        "CARGO_REGISTRY_TOKEN",
        "X-API-KEY",
        "",
        "A B",
        "A=B",
        "KEY",
    ] {
        assert!(!holds(Question::Env(name.into())) && !holds(Question::Where(name.into())), "{name}");
    }
    assert!(!holds(Question::Env("A".repeat(300).into())));
    assert!(!holds(Question::Environ) && !holds(Question::Inherited));
    let innocent = Bounds { secrets: false, ..bounds() };
    assert_eq!(innocent.hold(&[Question::<Vec<u8>>::Environ]), Ok(()), "where there is no secret in it");
}

#[test]
fn a_shape_is_no_larger_than_any_of_a_compile() {
    let many = |count: usize| -> Vec<Question> {
        (0..count).map(|n| Question::Env(format!("V{n}").into())).collect()
    };
    assert_eq!(bounds().hold(&many(1000)), Ok(()));
    assert_eq!(bounds().hold(&many(MOST_QUESTIONS + 1)), Err(Beyond::Size));
    let long = |n: usize| literal(&format!("/{n}/{}", "x".repeat(4000)));
    let wide = |count: usize| -> Vec<Question> { (0..count).map(|n| Question::File(long(n))).collect() };
    assert_eq!(bounds().hold(&wide(100)), Ok(()));
    assert_eq!(bounds().hold(&wide(4000)), Err(Beyond::Size));
    assert!(!holds(Question::File(literal(&format!("/{}", "x".repeat(5000))))));
}

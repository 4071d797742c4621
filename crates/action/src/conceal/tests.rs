use super::*;

const SALT: &[u8] = b"salt";

fn seen(field: &str, value: &str) -> String {
    let kept = argument(field, value, SALT);
    assert!(!kept.contains("hunter2"), "{field} {value}: {kept}");
    for_people(&kept)
}

#[test]
fn what_people_make_up_is_kept_as_a_print() {
    assert_eq!(seen("cfg", "api_key=\"hunter2\""), "api_key=…");
    assert_eq!(seen("env-set", "feature=hunter2"), "feature=…");
    assert_eq!(seen("C.link-arg", "=TOKEN=hunter2"), "=TOKEN=…");
    assert_eq!(seen("C.link-arg", "=-DTOKEN=hunter2"), "=-DTOKEN=…");
    assert_eq!(seen("C.link-arg", "=-Wl,--defsym=a=hunter2"), "=-Wl,--defsym=…");
    assert_eq!(seen("C.link-args", "=-lx --auth-token=hunter2 -s"), "=-lx --auth-token=… -s");
    assert_eq!(seen("C.link-arg", "=TOKEN=hunter2=="), "=TOKEN=…", "what ends like base64");
    assert_eq!(seen("-D", "TOKEN=\"hunter2\""), "TOKEN=…");
    assert_eq!(seen("argument", "-DTOKEN=hunter2"), "-DTOKEN=…");
    assert_eq!(seen("-Wl,", "--defsym=K=hunter2,-s"), "--defsym=…,-s");
    assert_eq!(seen("Z.pre-link-arg", "=A=hunter2,B=hunter2"), "=A=…,B=…");
    let other = argument("cfg", "k=\"a\"", SALT);
    assert_ne!(other, argument("cfg", "k=\"b\"", SALT));
    assert_ne!(other, argument("cfg", "k=\"a\"", b"another cache"));
}

#[test]
fn what_rustc_cargo_and_the_linker_call_their_own_is_seen() {
    for (field, value) in [
        ("cfg", "feature=\"x\""),
        ("cfg", "tokio_unstable"),
        ("cfg", "target_os=\"linux\""),
        ("-D", "NDEBUG"),
        ("-D", "_FORTIFY_SOURCE=2"),
        ("-Wl,", "-rpath=/opt/lib,-O1"),
        ("-I", "include/a=b"),
        ("C.opt-level", "=3"),
        ("C.metadata", "=0123"),
        ("C.link-arg", "=-fuse-ld=mold"),
        ("C.link-args", "=-Wl,-rpath=/opt/lib -Wl,--build-id"),
        ("C.llvm-args", "=-inline-threshold=100"),
        ("L", "native=/opt/lib"),
        ("input", "src/a=b.rs"),
    ] {
        assert_eq!(argument(field, value, SALT), value, "{field}");
    }
}

#[test]
fn a_command_line_is_looked_at_word_by_word() {
    let seen = |words: &[&str]| -> Vec<String> {
        let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        let shown = command_line(&argv, SALT);
        shown.into_iter().map(|word| for_people(&String::from_utf8(word).unwrap())).collect()
    };
    assert_eq!(
        seen(&["rustc", "--cfg", "k=\"hunter2\"", "--cfg=k=hunter2", "--cfg", "feature=\"x\"", "src/lib.rs"]),
        ["rustc", "--cfg", "k=…", "--cfg=k=…", "--cfg", "feature=\"x\"", "src/lib.rs"]
    );
    assert_eq!(
        seen(&["-C", "link-arg=K=hunter2", "-Clink_arg=K=hunter2", "--codegen=link-args=-s K=hunter2"]),
        ["-C", "link-arg=K=…", "-Clink_arg=K=…", "--codegen=link-args=-s K=…"]
    );
    assert_eq!(
        seen(&[
            "-C",
            "opt-level=3",
            "-Copt-level=3",
            "-Zcrate-attr=k=hunter2",
            "--extern",
            "a=/x/liba.rmeta"
        ]),
        ["-C", "opt-level=3", "-Copt-level=3", "-Zcrate-attr=…", "--extern", "a=/x/liba.rmeta"]
    );
}

#[test]
fn a_command_line_of_c_is_no_other() {
    let argv: Vec<OsString> =
        ["gcc", "-DK=hunter2", "-D", "K=hunter2", "-DN=1", "-Wl,--defsym=K=hunter2", "a.c"]
            .map(OsString::from)
            .to_vec();
    let shown: Vec<String> = command_line(&argv, SALT)
        .into_iter()
        .map(|word| for_people(&String::from_utf8(word).unwrap()))
        .collect();
    assert_eq!(shown, ["gcc", "-DK=…", "-D", "K=…", "-DN=1", "-Wl,--defsym=…", "a.c"]);
}

#[test]
fn only_prints_are_signs_for_people() {
    let print = format!("={MARK}{}", "a".repeat(DIGITS));
    assert_eq!(for_people(&format!("k{print}, x#1, k{print}")), "k=…, x#1, k=…");
    assert_eq!(for_people("#, =#12, ="), "#, =#12, =");
}

#[test]
fn a_url_shows_where_and_no_secret() {
    for (written, shown) in [
        ("file:///mnt/cache", "file:///mnt/cache"),
        ("file:///mnt/a@b?access=read-only", "file:///mnt/a@b?access=read-only"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host:6379/0", "redis://***@host:6379/0"),
        ("redis://user:pw@host/0?expires=60", "redis://***@host/0?expires=60"),
        ("redis://token@host", "redis://***@host"),
        ("redis://:p@w/x@host", "redis://***@host"),
        (
            "redis+sentinel://host?sentinel_password=pw&master=m",
            "redis+sentinel://host?sentinel_password=***&master=m",
        ),
        ("redis://host?expires=pw", "redis://host?expires=***"),
        ("gs://b?region=pw", "gs://b?region=***"),
        ("s3://b/p?secret_access_key=hush&region=auto", "s3://b/p?secret_access_key=***&region=auto"),
        ("s3://b?endpoint=http://minio:9000&style=path", "s3://b?endpoint=http://minio:9000&style=path"),
        ("s3://b?endpoint=http://u:pw@minio:9000", "s3://b?endpoint=http://***@minio:9000"),
        ("s3://b?endpoint=http%3A%2F%2Fu:pw%40minio", "s3://b?endpoint=http://***@minio"),
        ("s3://b?endpoint=u:pw@minio", "s3://b?endpoint=***@minio"),
        ("s3://b?mine=pw&pw&region=r#pw", "s3://b?mine=***&***&region=r#***"),
        ("s3://b#pw", "s3://b#***"),
        ("s3://b?endpoint=http://minio?x=pw", "s3://b?endpoint=http://minio"),
    ] {
        assert_eq!(url(written), shown, "{written}");
    }
}

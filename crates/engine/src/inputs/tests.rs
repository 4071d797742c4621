#![allow(clippy::disallowed_methods, reason = "tests make the files they ask about")]
use super::*;
use crate::bare::bare;
use kiln_action::Placed;

fn ask(question: &Question, environment: &Environment) -> Option<Answer> {
    in_world(environment, &Memo::none(), |world| answer(&question.borrowed(), world))
}

fn in_world<T>(environment: &Environment, memo: &Memo, ask: impl FnOnce(&World<'_>) -> T) -> T {
    let invocation = bare();
    let argv = ["rustc".into(), "--x".into()];
    ask(&World {
        invocation: &invocation,
        environment,
        argv: &argv,
        responses: &[],
        settings: &Settings::default(),
        memo,
    })
}

/// A Shape may name any file. Reading this one would take half a minute.
#[test]
fn a_file_that_takes_long_to_read_is_no_reason_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let sparse = |name: &str, size: u64| {
        let file = std::fs::File::create(dir.path().join(name)).unwrap();
        file.set_len(size).unwrap();
        Question::File(Placed::literal(&dir.path().join(name)))
    };
    let (huge, small) = (sparse("huge", 64 << 30), sparse("small", 1 << 20));
    std::os::unix::fs::symlink("huge", dir.path().join("link")).unwrap();
    let link = Question::File(Placed::literal(&dir.path().join("link")));
    let look_up = |question: &Question, memo: &Memo| {
        let asked = [question.borrowed()];
        in_world(&Environment::default(), memo, |world| Answers::for_shapes(1).of_all(&asked, world).is_ok())
    };
    let memo = Memo::none();
    assert!(!look_up(&huge, &memo));
    assert!(!look_up(&link, &memo));
    assert!(look_up(&small, &memo));
    let memo = Memo::open(dir.path());
    let identity = files::stat(&dir.path().join("huge")).unwrap().unwrap().identity;
    memo.put(&identity, &Digest { hash: [1; 32], size: 64 << 30 }, kiln_sys::identity::WrittenBy::Kiln);
    assert!(look_up(&huge, &memo) && look_up(&link, &memo), "what is remembered is not read");
}

fn of(question: &Question) -> Option<Answer> {
    ask(question, &Environment::default())
}

#[test]
fn a_file_is_its_content_and_a_directory_is_not_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let question = Question::File(Placed::literal(&path));
    assert_eq!(of(&question), Some(Answer::Nothing));
    std::fs::write(&path, "x").unwrap();
    assert_eq!(of(&question), Some(Answer::Content(Digest::of(b"x"))));
    assert_eq!(of(&Question::Absent(Placed::literal(&path))), Some(Answer::Something));
    let directory = Question::File(Placed::literal(dir.path()));
    assert_eq!(of(&directory), Some(Answer::NotAFile(kiln_action::FileKind::Directory)));
}

#[test]
fn a_listing_is_names_and_kinds_but_not_contents() {
    let dir = tempfile::tempdir().unwrap();
    let question = Question::Listing(Placed::literal(dir.path()));
    let empty = of(&question);
    std::fs::write(dir.path().join("a"), "1").unwrap();
    let one = of(&question);
    assert_ne!(one, empty);
    std::fs::write(dir.path().join("a"), "22").unwrap();
    assert_eq!(of(&question), one);
    std::fs::remove_file(dir.path().join("a")).unwrap();
    std::fs::create_dir(dir.path().join("a")).unwrap();
    assert_ne!(of(&question), one);
}

#[test]
fn unset_and_empty_variables_differ() {
    let question = Question::Env(b"V".to_vec());
    assert_eq!(of(&question), Some(Answer::Nothing));
    assert_ne!(ask(&question, &Environment::of(&[("V", "")])), Some(Answer::Nothing));
    let environ = |pairs| ask(&Question::Environ, &Environment::of(pairs));
    assert_ne!(environ(&[("V", "1")]), environ(&[("V", "2")]));
    assert_eq!(environ(&[("V", "1"), ("W", "2")]), environ(&[("W", "2"), ("V", "1")]));
}

#[test]
fn a_program_is_the_first_on_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = format!("{}:/bin", dir.path().display());
    let question = Question::Program(b"sh".to_vec());
    let environment = Environment::of(&[("PATH", &path)]);
    let system = ask(&question, &environment);
    assert_ne!(system, Some(Answer::Nothing));
    std::os::unix::fs::symlink("/bin/sh", dir.path().join("sh")).unwrap();
    assert_ne!(ask(&question, &environment), system);
}

#[test]
fn arguments_that_count_when_looked_at() {
    assert_ne!(of(&Question::Arg(b"diagnostic-width".to_vec())), Some(Answer::Nothing));
    assert_eq!(of(&Question::Arg(b"color".to_vec())), Some(Answer::Nothing));
}

#[test]
fn a_listing_has_the_order_of_the_system() {
    let memory = Path::new("/dev/shm"); // tmpfs tells the youngest first
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let question = Question::Listing(Placed::literal(dir.path()));
    let names = || -> Vec<_> {
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    for name in ["a", "b", "c"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    let (order, answer) = (names(), of(&question));
    std::fs::remove_file(dir.path().join("a")).unwrap();
    std::fs::write(dir.path().join("a"), "").unwrap();
    assert_eq!(names() == order, of(&question) == answer);
}

#[test]
fn a_link_is_what_it_says_and_where_it_leads() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::fs::write(dir.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink("file", dir.path().join("middle")).unwrap();
    let mut answers = Vec::new();
    for target in ["nowhere-1", "nowhere-2", "file", "middle"] {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(target, &link).unwrap();
        let answer = of(&Question::Real(Placed::literal(&link))).unwrap();
        assert!(!answers.contains(&answer), "{target}");
        answers.push(answer);
    }
}

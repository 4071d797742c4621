use super::*;
use std::path::Path;

const WEAK: WeakKey = WeakKey::of_name([9; 32]);

fn sample() -> Vec<Question> {
    let path = Placed::literal(Path::new("/a b/\u{1}"));
    vec![
        Question::Where(b"OUT_DIR".to_vec()),
        Question::Library(b"libisl.so.23".to_vec()),
        Question::Here,
        Question::Given(Given::Umask),
        Question::Given(Given::Processor),
        Question::Given(Given::Arithmetic),
        Question::Inherited,
        Question::Environ,
        Question::Argv,
        Question::Arg(b"diagnostic-width".to_vec()),
        Question::Program(b"cc".to_vec()),
        Question::Env(b"HOME".to_vec()),
        Question::Listing(path.clone()),
        Question::Real(path.clone()),
        Question::Kind(path.clone()),
        Question::Absent(path.clone()),
        Question::File(path),
    ]
}

#[test]
fn shapes_come_back_sorted_and_once() {
    let mut questions = sample();
    questions.extend(sample());
    let shape = Shape::new(questions);
    assert_eq!(shape.questions().len(), 17);
    let file = encode_shapes(&WEAK, &[shape.clone(), Shape::default()]);
    assert_eq!(decode_shapes(&WEAK, &file), Ok(vec![shape, Shape::default()]));
}

#[test]
fn unlike_answers_have_unlike_bytes() {
    let stat =
        |size, mtime_ns| Answer::Stat { kind: FileKind::File, mode: 0o644, owner: [0, 0], size, mtime_ns };
    let answers = [
        Answer::Nothing,
        Answer::Something,
        Answer::Content(Digest::of(b"")),
        Answer::Content(Digest::of(b"a")),
        stat(1, 2),
        stat(2, 1),
        Answer::NotAFile(FileKind::Directory),
        Answer::NotAFile(FileKind::Other),
    ];
    let bytes: Vec<_> = answers
        .iter()
        .map(|answer| {
            let mut w = Writer::default();
            answer.write(&mut w);
            w.0
        })
        .collect();
    for (i, a) in bytes.iter().enumerate() {
        assert!(bytes[i + 1..].iter().all(|b| !b.starts_with(a)), "{:?}", answers[i]);
    }
}

use super::*;
use crate::bare::bare;
use kiln_action::{Digest, Invocation, Place, Placed};
use kiln_config::Settings;
use kiln_exec::MadeFile;
use kiln_sys::clock::Moment;
use kiln_sys::env::Environment;
use kiln_sys::identity::Memo;
use std::path::PathBuf;
use std::time::Duration;

/// A compile whose output is `/w/out.o` and whose project is `/w`.
fn compile() -> Invocation {
    let mut invocation = bare();
    invocation.places.add(Place::Base, Path::new("/w"));
    invocation.outputs.files.push("/w/out.o".into());
    invocation
}

fn inputs(asked: Vec<(Question, Answer)>) -> ClosedInputs {
    let shape = Shape::new(asked.iter().map(|(question, _)| question.clone()).collect());
    let answer =
        |question| asked.iter().find(|(known, _)| known == question).map(|(_, answer)| answer.clone());
    let answers = shape.questions().iter().filter_map(answer).collect();
    ClosedInputs { shape, answers }
}

fn evidence(inputs: &ClosedInputs, made: &[&str]) -> Result<Evidence, Reason> {
    let (invocation, environment) = (compile(), Environment::default());
    let (settings, memo) = (Settings::default(), Memo::none());
    let world = World {
        invocation: &invocation,
        environment: &environment,
        argv: &[],
        responses: &[],
        settings: &settings,
        memo: &memo,
    };
    let made = made.iter().map(|path| MadeFile { path: path.into(), digest: Digest::of(b"") }).collect();
    let run = Run {
        evidence: RunEvidence::Confined(inputs.clone()),
        output: Vec::new(),
        made,
        exit: Ended::Code(0),
        started: Moment::now(),
        took: Duration::ZERO,
    };
    confined(inputs, &run, &world)
}

fn file(path: &str) -> Question {
    Question::File(Placed { place: Place::Base, path: path.as_bytes().to_vec() })
}

/// A run that could reach these and nothing else asked all of them, read those that there are, and made what it says.
#[test]
fn a_confined_run_asked_what_it_was_given() {
    let content = Answer::Content(Digest::of(b"int x;"));
    let absent = Question::Absent(Placed { place: Place::Base, path: b"b.h".to_vec() });
    let given = inputs(vec![
        (file("a.c"), content),
        (file("gone.h"), Answer::Nothing),
        (absent, Answer::Nothing),
        (Question::Env(b"CPATH".to_vec()), Answer::Nothing),
    ]);
    let evidence = evidence(&given, &["/w/out.o"]).unwrap();
    assert_eq!(evidence.questions.into_iter().collect::<Vec<_>>(), given.shape.questions());
    assert_eq!(evidence.opened.into_iter().collect::<Vec<_>>(), [PathBuf::from("/w/a.c")]);
    assert_eq!(evidence.outputs.into_iter().collect::<Vec<_>>(), [PathBuf::from("/w/out.o")]);
}

#[test]
fn a_confined_run_that_made_something_else_is_not_kept() {
    let given = inputs(vec![(file("a.c"), Answer::Content(Digest::of(b"")))]);
    for made in [&["/w/other.o"][..], &["/w/out.o", "/etc/passwd"], &["/w/../w/x"]] {
        let refused = evidence(&given, made).err();
        assert!(matches!(&refused, Some(Reason::WritesOutside(_))), "{made:?}: {refused:?}");
    }
    assert!(evidence(&given, &[]).is_ok());
}

/// Whoever ran it elsewhere may hand back anything.
#[test]
fn answers_that_are_not_those_of_the_questions_prove_nothing() {
    let mut given = inputs(vec![(file("a.c"), Answer::Nothing), (file("b.c"), Answer::Nothing)]);
    given.answers.pop();
    assert!(matches!(evidence(&given, &[]), Err(Reason::Untraceable(_))));
    given.answers.extend([Answer::Nothing, Answer::Nothing]);
    assert!(matches!(evidence(&given, &[]), Err(Reason::Untraceable(_))));
}

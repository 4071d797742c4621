//! A compile that a build script asked for while it is being recorded: what the compile hangs on is part of what the script does. It
//! is recorded as literal questions, for the script knows nothing of the compile's places.

use crate::inputs::World;
use crate::toolchain::Owned;
use kiln_action::os::OsStrExt;
use kiln_action::wire::Writer;
use kiln_action::{FileKind, Placed, Question, Shape};
use kiln_recorder::Reporter;
use kiln_sys::env;
use kiln_sys::files;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Says all of it; or nothing, and then the script is not kept.
pub fn report(
    reporter: &Reporter,
    shape: &Shape,
    outputs: impl Iterator<Item = PathBuf>,
    world: &World<'_>,
    toolchain: &Owned,
) {
    let Some(own) = env::own_program() else { return };
    let Some(questions) = questions(shape, world, toolchain) else { return };
    reporter.started(&own, &world.invocation.directory);
    outputs.for_each(|path| reporter.wrote(&path));
    for question in questions {
        let mut words = Writer::default();
        question.write(&mut words);
        reporter.question(&words.0);
    }
}

/// What the compile's result is a function of, besides its command line, its directory and its input, which are the script's doing.
/// `None` where that is not possible.
fn questions(shape: &Shape, world: &World<'_>, toolchain: &Owned) -> Option<Vec<Question>> {
    let invocation = world.invocation;
    if invocation.native {
        return None; // the processor counts, and no question asks for it
    }
    let variable = |name: &str| Question::Env(name.as_bytes().to_vec());
    let file = |path: &Path| Question::File(Placed::literal(path));
    let mut questions: Vec<Question> = invocation.environment.iter().map(|name| variable(name)).collect();
    questions.push(variable("LD_PRELOAD"));
    if let Some(name) = invocation.compiler.file_name() {
        questions.push(Question::Program(name.as_bytes().to_vec()));
    }
    questions.push(Question::Real(Placed::literal(&invocation.compiler)));
    questions.push(file(&invocation.compiler));
    for path in toolchain.all() {
        let stat = files::stat(path).ok()?;
        questions.push(match stat.is_some_and(|stat| stat.kind == FileKind::Directory) {
            true => Question::Listing(Placed::literal(path)),
            false => file(path),
        });
    }
    questions.extend(world.responses.iter().map(|path| file(path)));
    for question in shape.questions() {
        questions.extend(literally(question, world)?);
    }
    Some(questions)
}

/// A question of the compile's in the script's words.
fn literally(question: &Question, world: &World<'_>) -> Option<Vec<Question>> {
    let variable = |name: &str| Question::Env(name.as_bytes().to_vec());
    let path = question.path().map(|placed| world.invocation.places.resolve(placed));
    let placed = match path {
        Some(None) => return None,
        Some(Some(path)) => Placed::literal(&path),
        None => Placed::literal(Path::new(OsStr::new("/"))),
    };
    Some(vec![match question {
        Question::File(_) => Question::File(placed),
        Question::Absent(_) => Question::Absent(placed),
        Question::Kind(_) => Question::Kind(placed),
        Question::Mode(_) => Question::Mode(placed),
        Question::Real(_) => Question::Real(placed),
        Question::Listing(_) => Question::Listing(placed),
        Question::Env(name) | Question::Where(name) => Question::Env(name.clone()),
        Question::Library(name) => {
            return Some(vec![Question::Library(name.clone()), variable("LD_LIBRARY_PATH")]);
        }
        Question::Program(_) | Question::Environ | Question::Inherited | Question::Given(_) => {
            question.clone()
        }
        // its own command line and directories
        Question::Arg(_) | Question::Argv | Question::Here => return Some(Vec::new()),
    }])
}

//! A compiler's messages: which of it is about the source, and what of it is the same anywhere.

use crate::evidence::Evidence;
use crate::inputs::World;
use kiln_action::os::OsStrExt;
use kiln_action::template::Spelling;
use kiln_action::{Question, Reason, Stream, Template};
use kiln_exec::Run;

/// The messages of a run, with holes for places; and directories that must stand in no output, because no key holds them.
pub struct Messages {
    /// The streams' pieces, in order.
    pub streams: Vec<(Stream, Template)>,
    /// Paths that messages must not contain, as bytes.
    pub inert: Vec<Vec<u8>>,
}

/// The messages of a run, with holes for places.
pub fn for_anywhere(evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<Messages, Reason> {
    let inert = inert_roots(evidence, world);
    let streams = with_holes(&run.output, world, &inert)?;
    Ok(Messages { streams, inert })
}

/// Whether diagnostics were rendered (anything but cargo's artifact notices), so that the terminal's width counts.
pub fn are_rendered(output: &[(Stream, Vec<u8>)]) -> bool {
    let all: Vec<u8> =
        output.iter().filter(|(s, _)| *s == Stream::Err).flat_map(|(_, text)| text.clone()).collect();
    all.split(|&b| b == b'\n').any(|line| !line.is_empty() && !is_notice(line))
}

/// Whether every error that a failed probe printed is about the source: with a code, or with a place in it.
pub fn are_about_the_source(output: &[(Stream, Vec<u8>)]) -> bool {
    let all: Vec<u8> =
        output.iter().filter(|(s, _)| *s == Stream::Err).flat_map(|(_, text)| text.clone()).collect();
    let lines: Vec<&[u8]> = all.split(|&b| b == b'\n').collect();
    let errors = || lines.iter().enumerate().filter(|(_, line)| line.starts_with(b"error"));
    let placed =
        |at: usize| lines.get(at + 1).is_some_and(|next| next.trim_ascii_start().starts_with(b"--> "));
    let fine = |at: usize, line: &[u8]| {
        line.starts_with(b"error[E") || line.starts_with(b"error: aborting due to ") || placed(at)
    };
    errors().next().is_some() && errors().all(|(at, line)| fine(at, line))
}

/// The streams with holes for this place's directories; neighbouring pieces of one stream are joined first, so that no
/// path is cut in two. Only cargo's artifact notices are known to mean the output directory by its name: in any other
/// line it may be a piece of somebody's source, and the run is not kept.
fn with_holes(
    output: &[(Stream, Vec<u8>)],
    world: &World<'_>,
    inert: &[Vec<u8>],
) -> Result<Vec<(Stream, Template)>, Reason> {
    let mut joined: Vec<(Stream, bool, Vec<u8>)> = Vec::new();
    for (stream, text) in by_stream(output) {
        for line in text.split_inclusive(|&b| b == b'\n') {
            let notice = stream == Stream::Err && is_notice(line);
            match joined.last_mut() {
                Some((last, same, text)) if (*last, *same) == (stream, notice) => text.extend(line),
                _ => joined.push((stream, notice, line.to_vec())),
            }
        }
    }
    let (all, mapped) = (&world.invocation.places, world.invocation.places.remapped());
    let mut templates = Vec::with_capacity(joined.len());
    for (stream, notice, text) in joined {
        let template = Template::cut(&text, if notice { all } else { &mapped }, &[Spelling::Json]);
        let holds = |root: &&Vec<u8>| template.holds(&Spelling::Json.spell(root)) || template.holds(root);
        if let Some(root) = inert.iter().find(holds).filter(|_| !notice) {
            let root = String::from_utf8_lossy(root);
            return Err(Reason::BadOutputs(format!(
                "its messages contain the path {root}, another name of a directory"
            )));
        }
        templates.push((stream, template));
    }
    Ok(templates)
}

/// The output, with neighbouring pieces of one stream joined.
pub fn by_stream(output: &[(Stream, Vec<u8>)]) -> Vec<(Stream, Vec<u8>)> {
    let mut joined: Vec<(Stream, Vec<u8>)> = Vec::new();
    for (stream, bytes) in output {
        match joined.last_mut() {
            Some((last, text)) if last == stream => text.extend(bytes),
            _ => joined.push((*stream, bytes.clone())),
        }
    }
    joined
}

/// Whether a line is one of cargo's artifact notices.
fn is_notice(line: &[u8]) -> bool {
    line.starts_with(br#"{"$message_type":"artifact""#)
}

/// Directories that the key does not hold, because they do not reach the outputs: the output directory, those of
/// dependencies, what is remapped. Where the key holds one all the same (in an argument, or in a variable that was asked
/// for) it may.
fn inert_roots(evidence: &Evidence, world: &World<'_>) -> Vec<Vec<u8>> {
    let invocation = world.invocation;
    let whole = |question| evidence.questions.contains(question);
    if whole(&Question::Argv) || whole(&Question::Environ) {
        return Vec::new();
    }
    let values = evidence.questions.iter().filter_map(|question| match question {
        Question::Env(name) => world.environment.get(std::ffi::OsStr::from_bytes(name)),
        _ => None,
    });
    let remapped = !invocation.places.remapped().roots().is_empty();
    let fields =
        invocation.fields.iter().filter(|field| !(remapped && field.path)).map(|f| f.value.as_os_str());
    let directory = (!remapped).then_some(invocation.directory.as_os_str());
    let literal: Vec<&[u8]> = values.chain(fields).chain(directory).map(OsStrExt::as_bytes).collect();
    let roots = invocation.places.roots().iter().map(|(_, root)| root).chain(&evidence.aliases);
    let roots = roots.map(|root| root.as_os_str().as_bytes());
    let held = |root: &[u8]| literal.iter().any(|text| text.windows(root.len()).any(|part| part == root));
    // `/tmp` stands in every program; a real output directory is longer.
    roots
        .filter(|root| root.iter().filter(|&&b| b == b'/').count() > 1 && !held(root))
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests;

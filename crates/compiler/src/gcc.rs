//! gcc and clang: first what was typed, then what it means.

pub mod depfile;
pub mod environment;

use crate::{Context, Recognised, recognise};
use kiln_action::{Invocation, Reason};

/// Understands a gcc or clang command line, or says why it is run unchanged.
pub fn parse(recognised: &Recognised, context: &Context<'_>) -> Result<Invocation, Reason> {
    if let Some(name) = recognise::passed_by(&recognised.compiler) {
        return Err(Reason::UnknownCompiler(name.to_owned()));
    }
    Err(Reason::UnknownFlag(
        context.args.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default(),
    ))
}

//! gcc and clang: first what was typed ([`args`], by the [`table`] of options), then what it means ([`inputs`],
//! [`outputs`], [`shown`]).

pub mod args;
pub mod asking;
pub mod depfile;
pub mod describe;
pub mod environment;
pub mod inputs;
pub mod language;
pub mod nested;
pub mod outputs;
pub mod shown;
pub mod table;
pub mod wrapping;

pub use describe::describe;

use crate::{Context, Recognised, recognise};
use kiln_action::{Family, Invocation, Reason};

/// Understands a gcc or clang command line, or says why it is run unchanged.
pub fn parse(recognised: &Recognised, family: Family, context: &Context<'_>) -> Result<Invocation, Reason> {
    if let Some(name) = recognise::passed_by(&recognised.compiler) {
        return Err(Reason::UnknownCompiler(name.to_owned()));
    }
    let typed = args::expand(context)?;
    let lexed = args::lex(&typed, family)?;
    inputs::understand((recognised, family), context, &typed, &lexed)
}

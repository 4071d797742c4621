//! rustc, and clippy-driver in front of it: first what was typed ([`args`], by the [`table`] of flags), then what it
//! means ([`inputs`], [`outputs`]).

pub mod args;
pub mod depinfo;
pub mod describe;
pub mod environment;
pub mod inputs;
pub mod linker;
pub mod outputs;
pub mod table;
pub mod toolchain;

pub use describe::describe;

use crate::{Context, Recognised};
use kiln_action::{Field, Invocation, Reason};

/// Understands a rustc command line, or says why it is run unchanged.
pub fn parse(recognised: &Recognised, context: &Context<'_>) -> Result<Invocation, Reason> {
    let typed = args::expand(context, recognised.wrapper.as_deref())?;
    let lexed = args::lex(&typed.words)?;
    let mut invocation = inputs::understand(recognised, context, &lexed)?;
    invocation.fields.extend(typed.files.into_iter().map(|lines| Field {
        name: "arguments in a file",
        value: format!("{} to {}", lines.start, lines.end).into(),
        path: false,
    }));
    Ok(invocation)
}

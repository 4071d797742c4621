//! clang-cl and cl, Microsoft's compiler: first what was typed ([`args`], by the [`table`] of options), then what it means
//! ([`inputs`], [`outputs`]). What clang-cl is clang in (its `-f` options, what its debug information shows) is told by
//! [`crate::gcc`].

pub mod args;
pub mod describe;
pub mod environment;
pub mod inputs;
pub mod outputs;
pub mod table;

pub use describe::describe;

use crate::{Context, Recognised};
use kiln_action::{Family, Invocation, Reason};

/// Understands a clang-cl or cl command line, or says why it is run unchanged.
pub fn parse(recognised: &Recognised, family: Family, context: &Context<'_>) -> Result<Invocation, Reason> {
    let typed = args::expand(context, family)?;
    let lexed = args::lex(&typed, family)?;
    inputs::understand((recognised, family), context, &typed, &lexed)
}

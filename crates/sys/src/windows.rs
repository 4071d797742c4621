//! Windows, which nobody has run this on: it is compiled and checked, no more. Nothing is recorded there, so compiles run unchanged.
//! What is simple is done by std; what is not there is an error that says so, or the answer that nothing hangs on.

pub mod clock;
pub mod files;
pub mod lock;
pub mod process;
pub mod random;
pub mod sandbox;
pub mod socket;

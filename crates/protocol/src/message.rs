//! The messages, in frames: a length and that many bytes, the first of which says what it is. [`crate::Hello`] and [`RETIRE`] are
//! fixed for ever; everything else may change with [`PROTOCOL`].

use kiln_action::wire::Writer;
use std::io::{self, Read, Write};

/// What both sides have to agree on.
pub const PROTOCOL: u32 = 4;
/// "Stop, your time is over": understood by every daemon there ever was.
pub const RETIRE: u8 = 6;

/// No frame is longer.
const LONGEST: u32 = 4 << 20;

/// The first byte of a frame.
pub mod tag {
    /// [`crate::Hello`]; the answer is `TEXT` with the daemon's version, or `REFUSED`.
    pub const HELLO: u8 = 0;
    /// [`crate::Resolve`]; the answer is `RESOLVED`.
    pub const RESOLVE: u8 = 1;
    /// There is something in the queue: a list of numbers, build and milliseconds. No answer.
    pub const KEPT: u8 = 2;
    /// How things are; the answer is `ANSWER` with a [`crate::Status`].
    pub const STATUS: u8 = 3;
    /// Finish uploads, within so many milliseconds (`u64`); the answer is `ANSWER` with a [`crate::Waited`].
    pub const WAIT: u8 = 4;
    /// Stop; the answer is `TEXT`.
    pub const STOP: u8 = 5;
    /// Bring what a workspace needs: a [`crate::Workspace`]; the answer is `ANSWER` with a [`crate::Prefetched`].
    pub const PREFETCH: u8 = 7;
    /// Upload everything that is in the local store; the answer is `ANSWER` with a [`crate::Pushed`].
    pub const PUSH: u8 = 8;
    /// Do a [`crate::Chore`] in every store; the answer is `ANSWER` with a list of [`crate::Maintained`].
    pub const MAINTAIN: u8 = 9;
    /// Ask every store something small; the answer is `ANSWER` with a [`crate::Tried`].
    pub const TRY: u8 = 10;
    /// An answer: still at it. A number goes with it (`u64`) that is another one as soon as anything has come.
    pub const WORKING: u8 = 20;
    /// An answer: [`crate::Resolved`].
    pub const RESOLVED: u8 = 21;
    /// An answer in words.
    pub const TEXT: u8 = 22;
    /// An answer: a [`crate::Message`].
    pub const ANSWER: u8 = 24;
    /// An answer: no, and why.
    pub const REFUSED: u8 = 23;
}

/// Writes one frame, in one piece.
pub fn send(to: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    let mut frame = Writer::default();
    frame.u32(body.len() as u32 + 1);
    frame.u8(tag);
    frame.0.extend(body);
    to.write_all(&frame.0)
}

/// Reads one frame.
pub fn receive(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame)?;
    let tag = frame.remove(0);
    Ok((tag, frame))
}

#[cfg(test)]
mod tests;

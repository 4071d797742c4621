//! The messages, in frames: a length and that many bytes, the first of which says what it is. A message has one frame, or several where
//! its reader expects that ([`send_long`], [`Incoming`]): answers to a person, and room for a farm's inputs and outputs. [`crate::Hello`] and [`RETIRE`] are
//! fixed for ever; everything else may change with [`PROTOCOL`].

use kiln_action::wire::Writer;
use std::io::{self, Read, Write};

/// What both sides have to agree on.
pub const PROTOCOL: u32 = 6;
/// "Stop, your time is over": understood by every daemon there ever was.
pub const RETIRE: u8 = 6;

/// No frame is longer.
const LONGEST: u32 = 4 << 20;
/// Bytes of a body in one frame of several.
pub const PIECE: usize = 1 << 20;
/// In the first byte of a frame: the body goes on in the next frame, which has the same tag.
const MORE: u8 = 0x80;
const _: () = assert!(PIECE < LONGEST as usize, "a piece and its tag fit into a frame");
/// No answer to a person has more bytes.
pub const LONGEST_ANSWER: u64 = 64 << 20;

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
    /// Upload everything that is in the local store and may leave this machine; with it goes a list of the snapshots that may, for only who
    /// asks can read them. The answer is `ANSWER` with a [`crate::Pushed`].
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
    /// An answer, in one frame or several: a [`crate::Message`].
    pub const ANSWER: u8 = 24;
    /// An answer: no, and why.
    pub const REFUSED: u8 = 23;
}

/// Writes a message of one frame, in one piece.
pub fn send(to: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    debug_assert!(body.len() < LONGEST as usize, "a reader refuses a longer frame: send_long is for those");
    let mut frame = Writer::default();
    frame.u32(body.len() as u32 + 1);
    frame.u8(tag);
    frame.0.extend(body);
    to.write_all(&frame.0)
}

/// Reads a message of one frame; one of several is refused.
pub fn receive(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    match receive_frame(from)? {
        (tag, _) if tag & MORE != 0 => Err(io::ErrorKind::InvalidData.into()),
        message => Ok(message),
    }
}

fn receive_frame(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut tag = [0];
    from.read_exact(&mut tag)?;
    let mut body = vec![0; length as usize - 1];
    from.read_exact(&mut body)?;
    Ok((tag[0], body))
}

/// Writes a message whose body may be longer than a frame, in pieces of at most [`PIECE`] bytes, none of which is in memory longer than it
/// takes to write it.
pub fn send_long(to: &mut impl Write, tag: u8, body: &mut impl Read) -> io::Result<()> {
    debug_assert!(tag & MORE == 0, "this bit of a tag is the frames' own");
    let mut piece = next_piece(body)?;
    loop {
        // A full piece may be the last one.
        let next = if piece.len() == PIECE { next_piece(body)? } else { Vec::new() };
        if next.is_empty() {
            return send(to, tag, &piece);
        }
        send(to, tag | MORE, &piece)?;
        piece = next;
    }
}

fn next_piece(body: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    body.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// A message that comes in: its tag, and its body as it comes.
pub struct Incoming<'a, R> {
    from: &'a mut R,
    /// What it says it is.
    pub tag: u8,
    piece: Vec<u8>,
    /// So many bytes of the piece were read.
    taken: usize,
    /// Whether there is a piece after this one.
    more: bool,
    /// So many bytes may still come.
    left: u64,
}

impl<'a, R: Read> Incoming<'a, R> {
    /// The next message, whose body may have `most` bytes: what is longer ends in an error where it is.
    pub fn next(from: &'a mut R, most: u64) -> io::Result<Incoming<'a, R>> {
        let (tag, piece) = receive_frame(from)?;
        let more = tag & MORE != 0;
        let mut incoming = Incoming { from, tag: tag & !MORE, piece: Vec::new(), taken: 0, more, left: most };
        incoming.accept(piece)?;
        Ok(incoming)
    }

    fn accept(&mut self, piece: Vec<u8>) -> io::Result<()> {
        let is_empty = piece.is_empty() && self.more; // pieces of nothing could come for ever
        let left = self.left.checked_sub(piece.len() as u64).filter(|_| !is_empty);
        self.left = left.ok_or(io::ErrorKind::InvalidData)?;
        (self.piece, self.taken) = (piece, 0);
        Ok(())
    }

    /// The rest of the body, in one piece.
    pub fn body(mut self) -> io::Result<Vec<u8>> {
        let mut body = self.piece.split_off(self.taken);
        self.piece.clear();
        self.taken = 0;
        self.read_to_end(&mut body)?;
        Ok(body)
    }
}

impl<R: Read> Read for Incoming<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() {
            if !self.more {
                return Ok(0);
            }
            let (tag, piece) = receive_frame(self.from)?;
            if tag & !MORE != self.tag {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.more = tag & MORE != 0;
            self.accept(piece)?;
        }
        debug_assert!(self.taken < self.piece.len(), "a piece has something left here");
        let length = buffer.len().min(self.piece.len() - self.taken);
        buffer[..length].copy_from_slice(&self.piece[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests;

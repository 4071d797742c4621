//! What a daemon answers a person who asks: how it and its stores do, and what came of a task.

use kiln_action::SnapshotKey;
use kiln_action::wire::{Malformed, Reader, Writer, seal, unseal};

/// A value that goes over the socket.
pub trait Message: Sized {
    /// Writes it.
    fn write(&self, to: &mut Writer);

    /// Reads it.
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// As it is sent.
    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        self.write(&mut to);
        to.0
    }

    /// Reads one that has nothing behind it.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader(bytes);
        let value = Self::read(&mut from)?;
        from.end()?;
        Ok(value)
    }
}

impl Message for SnapshotKey {
    fn write(&self, to: &mut Writer) {
        SnapshotKey::write(self, to);
    }

    fn read(from: &mut Reader<'_>) -> Result<SnapshotKey, Malformed> {
        SnapshotKey::read(from)
    }
}

impl Message for u32 {
    fn write(&self, to: &mut Writer) {
        to.u32(*self);
    }

    fn read(from: &mut Reader<'_>) -> Result<u32, Malformed> {
        from.u32()
    }
}

impl Message for u64 {
    fn write(&self, to: &mut Writer) {
        to.u64(*self);
    }

    fn read(from: &mut Reader<'_>) -> Result<u64, Malformed> {
        from.u64()
    }
}

impl Message for f64 {
    fn write(&self, to: &mut Writer) {
        to.u64(self.to_bits());
    }

    fn read(from: &mut Reader<'_>) -> Result<f64, Malformed> {
        from.u64().map(f64::from_bits)
    }
}

impl Message for bool {
    fn write(&self, to: &mut Writer) {
        to.u8(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Result<bool, Malformed> {
        match from.u8()? {
            flag @ (0 | 1) => Ok(flag == 1),
            _ => Err(Malformed),
        }
    }
}

impl Message for String {
    fn write(&self, to: &mut Writer) {
        to.bytes(self.as_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<String, Malformed> {
        String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Malformed)
    }
}

impl<T: Message> Message for Vec<T> {
    fn write(&self, to: &mut Writer) {
        to.u32(self.len() as u32);
        self.iter().for_each(|value| value.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Vec<T>, Malformed> {
        from.list(T::read)
    }
}

impl<T: Message, E: Message> Message for Result<T, E> {
    fn write(&self, to: &mut Writer) {
        self.is_ok().write(to);
        match self {
            Ok(value) => value.write(to),
            Err(error) => error.write(to),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Result<T, E>, Malformed> {
        Ok(if bool::read(from)? { Ok(T::read(from)?) } else { Err(E::read(from)?) })
    }
}

/// Structs that are sent field by field.
macro_rules! messages {
    ($($(#[$outer:meta])* pub struct $name:ident { $($(#[$inner:meta])* pub $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$outer])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name { $($(#[$inner])* pub $field: $type,)* }

            impl Message for $name {
                fn write(&self, to: &mut Writer) {
                    $(self.$field.write(to);)*
                }

                fn read(from: &mut Reader<'_>) -> Result<$name, Malformed> {
                    Ok($name { $($field: <$type>::read(from)?,)* })
                }
            }
        )*
    };
}

messages! {
    /// What a store counted, and how it does.
    #[derive(Default)]
    pub struct Health {
        /// Calls that were answered.
        pub answered: u64,
        /// Calls that failed, other than for want of time.
        pub failed: u64,
        /// Calls that were not answered in time.
        pub late: u64,
        /// Objects that were found.
        pub found: u64,
        /// Objects that were asked for and not there.
        pub absent: u64,
        /// Objects that were not what their name says.
        pub wrong: u64,
        /// Objects that were kept.
        pub kept: u64,
        /// How many bytes were downloaded.
        pub bytes_in: u64,
        /// How many bytes were uploaded.
        pub bytes_out: u64,
        /// Milliseconds until a call is answered, lately.
        pub latency_ms: f64,
        /// Whether it is left alone at the moment.
        pub given_up: bool,
        /// Whether it is not written to at the moment, since it refuses that or is full.
        pub writes_given_up: bool,
        /// How often it was given up on.
        pub given_up_times: u64,
        /// The last error in words; empty if there was none.
        pub last_fault: String,
        /// When that was, in milliseconds since the epoch.
        pub last_fault_ms: u64,
    }

    /// A remote store, as its daemon sees it.
    pub struct StoreStatus {
        /// As the user wrote it, without secrets.
        pub url: String,
        /// Whether it may be written to.
        pub writable: bool,
        /// Counts of the store's answers and errors.
        pub health: Health,
    }

    /// How a daemon does.
    pub struct Status {
        /// The version of the daemon's program.
        pub version: String,
        /// The [`crate::message::PROTOCOL`] that the daemon speaks.
        pub protocol: u32,
        /// The number of its process.
        pub process: u32,
        /// Milliseconds since it started.
        pub up_ms: u64,
        /// How many things wait for upload to these stores.
        pub queue: u64,
        /// What is wrong with the settings.
        pub complaints: Vec<String>,
        /// The stores, near to far.
        pub stores: Vec<StoreStatus>,
    }

    /// What came of waiting for uploads.
    pub struct Waited {
        /// How many things still wait.
        pub left: u64,
        /// Whether everything is uploaded, bundles included.
        pub done: bool,
    }

    /// What a workspace's bundle brought.
    pub struct Prefetched {
        /// How many segments it has.
        pub segments: u64,
        /// How many of them were fetched; the others were here.
        pub fetched_segments: u64,
        /// How many results it has.
        pub results: u64,
        /// Bytes that were fetched.
        pub bytes: u64,
    }

    /// What came of uploading everything.
    pub struct Pushed {
        /// How many results may leave this machine.
        pub results: u64,
        /// How many results and snapshots may not: what they hang on is nobody else's to ask.
        pub stayed: u64,
        /// How many uploads failed.
        pub failed: u64,
    }

    /// What a store was found to hold, and what was removed from it.
    pub struct Swept {
        /// How many objects there were.
        pub objects: u64,
        /// How many bytes they had.
        pub bytes: u64,
        /// How many of them were not what their name says.
        pub damaged: u64,
        /// How many were removed.
        pub removed: u64,
        /// How many bytes those had.
        pub removed_bytes: u64,
    }

    /// What came of a [`Chore`] in one store.
    pub struct Maintained {
        /// The store's URL, without secrets.
        pub url: String,
        /// What came of it, or why nothing did.
        pub outcome: Result<Swept, String>,
    }

    /// Whether the stores answer.
    pub struct Tried {
        /// What is wrong with the settings.
        pub complaints: Vec<String>,
        /// The stores, near to far.
        pub stores: Vec<TriedStore>,
    }

    /// Whether one store answers.
    pub struct TriedStore {
        /// The store's URL, without secrets.
        pub url: String,
        /// Whether it may be written to.
        pub writable: bool,
        /// Milliseconds until it answered, or why it did not.
        pub outcome: Result<f64, String>,
    }
}

/// What is done to remote stores for a person who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Holds every object against its name.
    Verify,
    /// Removes objects that were written so many seconds ago or earlier.
    Collect {
        /// Seconds.
        older_than_s: u64,
    },
    /// Removes everything.
    Clear,
}

impl Message for Chore {
    fn write(&self, to: &mut Writer) {
        match self {
            Chore::Verify => to.u8(0),
            Chore::Collect { older_than_s } => {
                to.u8(1);
                to.u64(*older_than_s);
            }
            Chore::Clear => to.u8(2),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Chore, Malformed> {
        match from.u8()? {
            0 => Ok(Chore::Verify),
            1 => Ok(Chore::Collect { older_than_s: from.u64()? }),
            2 => Ok(Chore::Clear),
            _ => Err(Malformed),
        }
    }
}

impl Health {
    /// What this and a later one counted together; of what is no count the later one counts.
    #[must_use]
    pub fn and(&self, later: &Health) -> Health {
        Health {
            answered: self.answered.saturating_add(later.answered),
            failed: self.failed.saturating_add(later.failed),
            late: self.late.saturating_add(later.late),
            found: self.found.saturating_add(later.found),
            absent: self.absent.saturating_add(later.absent),
            wrong: self.wrong.saturating_add(later.wrong),
            kept: self.kept.saturating_add(later.kept),
            bytes_in: self.bytes_in.saturating_add(later.bytes_in),
            bytes_out: self.bytes_out.saturating_add(later.bytes_out),
            given_up_times: self.given_up_times.saturating_add(later.given_up_times),
            ..later.clone()
        }
    }
}

const MAGIC: [u8; 4] = *b"KCNT";
const FORMAT: u8 = 1;

/// The file of what stores counted over all daemons that there were, for `kiln stats`.
pub fn encode_counters(stores: &Vec<StoreStatus>) -> Vec<u8> {
    seal(MAGIC, FORMAT, &[], &stores.encode())
}

/// Reads it.
pub fn decode_counters(file: &[u8]) -> Result<Vec<StoreStatus>, Malformed> {
    Vec::decode(unseal(MAGIC, FORMAT, &[], file)?)
}

#[cfg(test)]
mod tests;

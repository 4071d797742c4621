//! What a client says first. Protocol and version of it are read by every daemon there ever was.

use crate::message::PROTOCOL;
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{Digest, schemes};
use kiln_sys::env::Environment;

/// The first thing a client says: which protocol it speaks, and which remotes it means with whose credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The [`crate::message::PROTOCOL`] of whoever says Hello.
    pub protocol: u32,
    /// Its version, for people.
    pub version: String,
    /// Remotes, near to far.
    pub urls: Vec<String>,
    /// The namespaces that may be read, the client's own first.
    pub namespaces: Vec<String>,
    /// Variables that a kind of storage reads, with their values.
    pub variables: Vec<(String, String)>,
}

const MAGIC: [u8; 4] = *b"KILN";

fn strings(to: &mut Writer, all: &[String]) {
    to.u32(all.len() as u32);
    all.iter().for_each(|text| to.bytes(text.as_bytes()));
}

fn string(from: &mut Reader<'_>) -> Result<String, Malformed> {
    String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Malformed)
}

impl Hello {
    /// A client's: it names these remotes and namespaces, and hands on those of its variables that their kinds of storage read.
    pub fn new(urls: &[String], namespaces: &[String], environment: &Environment) -> Hello {
        let value = |name: &str| Some((name.to_owned(), environment.get(name)?.to_str()?.to_owned()));
        let read = schemes::variables(urls.iter().map(String::as_str));
        Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            urls: urls.to_owned(),
            namespaces: namespaces.to_owned(),
            variables: read.into_iter().filter_map(value).collect(),
        }
    }

    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(MAGIC);
        to.u32(self.protocol);
        to.bytes(self.version.as_bytes());
        to.0.extend(self.meaning());
        to.0
    }

    fn meaning(&self) -> Vec<u8> {
        let mut to = Writer::default();
        strings(&mut to, &self.urls);
        strings(&mut to, &self.namespaces);
        to.u32(self.variables.len() as u32);
        for (name, value) in &self.variables {
            to.bytes(name.as_bytes());
            to.bytes(value.as_bytes());
        }
        to.0
    }

    /// Names the remotes and credentials, without telling them.
    pub fn print(&self) -> [u8; 32] {
        Digest::of(&self.meaning()).hash
    }

    /// Names the stores alone: what was made with one set of credentials may be uploaded with the next, and those that companies hand
    /// out are others every hour.
    pub fn stores(&self) -> [u8; 32] {
        let place = |(name, _): &&(String, String)| schemes::says_where(name);
        let variables = self.variables.iter().filter(place).cloned().collect();
        Hello { variables, ..self.clone() }.print()
    }

    /// Reads one. Of another protocol only protocol and version are read.
    pub fn decode(bytes: &[u8]) -> Result<Hello, Malformed> {
        let mut from = Reader(bytes);
        if from.array::<4>()? != MAGIC {
            return Err(Malformed);
        }
        let (protocol, version) = (from.u32()?, string(&mut from)?);
        if protocol != PROTOCOL {
            return Ok(Hello { protocol, version, ..Hello::default() });
        }
        let (urls, namespaces) = (from.list(string)?, from.list(string)?);
        let variables = from.list(|from| Ok((string(from)?, string(from)?)))?;
        from.end()?;
        Ok(Hello { protocol, version, urls, namespaces, variables })
    }
}

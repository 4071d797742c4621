//! Text that names directories of one place (dep-info, diagnostics), with holes where those directories stood, so that
//! it can be filled in elsewhere.

use crate::os::OsStrExt;
use crate::place::{Place, Places};
use crate::wire::{Malformed, Reader, Writer};

/// How a path is written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it is.
    Plain,
    /// Inside a JSON string (rustc's `--error-format=json`): `"` and `\` escaped, control characters as `\uXXXX`.
    Json,
    /// In a make rule, as rustc and gcc write dep-info: a space is `\ `.
    Make,
}

impl Spelling {
    fn code(self) -> u8 {
        match self {
            Spelling::Plain => 0,
            Spelling::Json => 1,
            Spelling::Make => 2,
        }
    }

    fn from_code(code: u8) -> Result<Spelling, Malformed> {
        match code {
            0 => Ok(Spelling::Plain),
            1 => Ok(Spelling::Json),
            2 => Ok(Spelling::Make),
            _ => Err(Malformed),
        }
    }

    /// The bytes of `path` in this spelling. Non-UTF-8 bytes become U+FFFD in JSON, as rustc writes them.
    pub fn spell(self, path: &[u8]) -> Vec<u8> {
        match self {
            Spelling::Plain => path.to_vec(),
            Spelling::Make => path
                .iter()
                .flat_map(|&b| [b"\\".as_slice(), &[b]][usize::from(b != b' ')..].concat())
                .collect(),
            Spelling::Json => {
                let text = String::from_utf8_lossy(path);
                let mut out = Vec::with_capacity(text.len());
                for c in text.chars() {
                    match c {
                        '"' => out.extend(b"\\\""),
                        '\\' => out.extend(b"\\\\"),
                        c if (c as u32) < 0x20 => out.extend(format!("\\u{:04x}", c as u32).into_bytes()),
                        c => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                }
                out
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Hole(Place, Spelling),
}

/// Text with holes. See the module's page.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Template(Vec<Piece>);

impl Template {
    /// `text`, with every occurrence of a place's directory (as a whole: followed by `/`, a quote or the end of a word) in
    /// one of the spellings made a hole.
    pub fn cut(text: &[u8], places: &Places, spellings: &[Spelling]) -> Template {
        let mut roots: Vec<(Place, Spelling, Vec<u8>)> = Vec::new();
        for (place, root) in places.roots() {
            for spelling in spellings {
                let spelled = spelling.spell(root.as_os_str().as_bytes());
                if spelled.len() > 1 && !roots.iter().any(|(_, _, known)| *known == spelled) {
                    roots.push((*place, *spelling, spelled));
                }
            }
        }
        let mut pieces = Vec::new();
        let (mut done, mut at) = (0, 0);
        while at < text.len() {
            let hole = (text[at] == b'/').then(|| hole_at(text, at, &roots)).flatten();
            match hole {
                Some((place, spelling, length)) => {
                    if done < at {
                        pieces.push(Piece::Text(text[done..at].to_vec()));
                    }
                    pieces.push(Piece::Hole(place, spelling));
                    at += length;
                    done = at;
                }
                None => at += 1,
            }
        }
        if done < text.len() {
            pieces.push(Piece::Text(text[done..].to_vec()));
        }
        let template = Template(pieces);
        debug_assert_eq!(
            template.fill(places).as_deref(),
            Some(text),
            "told again in its own place it is the same"
        );
        template
    }

    /// The text for today's places; `None` if a hole's place is not among them.
    pub fn fill(&self, places: &Places) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(bytes) => text.extend(bytes),
                Piece::Hole(place, spelling) => {
                    let (_, root) = places.roots().iter().find(|(known, _)| known == place)?;
                    text.extend(spelling.spell(root.as_os_str().as_bytes()));
                }
            }
        }
        Some(text)
    }

    /// Whether `needle` stands in the text between the holes.
    pub fn holds(&self, needle: &[u8]) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(text) => text.windows(needle.len().max(1)).any(|part| part == needle),
            Piece::Hole(..) => false,
        })
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the wire form.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.0.len() as u32);
        for piece in &self.0 {
            match piece {
                Piece::Text(bytes) => {
                    to.u8(0);
                    to.bytes(bytes);
                }
                Piece::Hole(place, spelling) => {
                    to.u8(1);
                    place.write(to);
                    to.u8(spelling.code());
                }
            }
        }
    }

    /// Takes the wire form.
    pub fn read(from: &mut Reader<'_>) -> Result<Template, Malformed> {
        let pieces = from.list(|r| match r.u8()? {
            0 => Ok(Piece::Text(r.bytes()?.to_vec())),
            1 => Ok(Piece::Hole(Place::read(r)?, Spelling::from_code(r.u8()?)?)),
            _ => Err(Malformed),
        })?;
        Ok(Template(pieces))
    }
}

/// Whether a text ends with a terminal's word for a colour (`ESC [ 1 m`) or for the rest of a line (`ESC [ K`).
fn ends_with_colour(text: &[u8]) -> bool {
    let Some(text) = text.strip_suffix(b"m").or_else(|| text.strip_suffix(b"K")) else { return false };
    let digits = text.iter().rev().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
    text[..text.len() - digits].ends_with(b"\x1b[")
}

/// The root that begins at `at`, if one does and ends with its component.
fn hole_at(text: &[u8], at: usize, roots: &[(Place, Spelling, Vec<u8>)]) -> Option<(Place, Spelling, usize)> {
    let starts_word = at == 0
        || !matches!(text[at - 1], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/');
    if !starts_word && !ends_with_colour(&text[..at]) {
        return None;
    }
    roots.iter().find_map(|(place, spelling, root)| {
        // (not `+`, `@`, `~`, …: `/w+x` is another directory than `/w`)
        let ends = |next: Option<&u8>| {
            next.is_none_or(|b| {
                matches!(b, b'/' | b'"' | b'\'' | b'`' | b'\\' | b':' | b',' | b';' | b')')
                    || b.is_ascii_whitespace()
            })
        };
        (text[at..].starts_with(root) && ends(text.get(at + root.len()))).then_some((
            *place,
            *spelling,
            root.len(),
        ))
    })
}

#[cfg(test)]
mod tests;

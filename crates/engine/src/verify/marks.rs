//! What a compiler draws or takes from the clock, and writes into its outputs: two runs are compared without it.

use memchr::memmem;

/// Whether two runs made the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    /// The same bytes, beside the marks.
    Yes,
    /// Something else differs.
    No,
    /// A mark is longer in one of them, which moves what is behind it.
    CannotSay,
}

/// Compares the files of two runs, in the same order.
pub fn compare(ours: &[Vec<u8>], theirs: &[Vec<u8>]) -> Alike {
    if ours == theirs {
        return Alike::Yes;
    }
    let (mine, other) = (marks(ours), marks(theirs));
    if mine.is_empty() || mine.len() != other.len() {
        return Alike::No;
    }
    if mine.iter().zip(&other).any(|(mine, other)| mine.len() != other.len()) {
        return Alike::CannotSay;
    }
    let same = |(ours, theirs): (&Vec<u8>, &Vec<u8>)| without(ours, &mine) == without(theirs, &other);
    match ours.len() == theirs.len() && ours.iter().zip(theirs).all(same) {
        true => Alike::Yes,
        false => Alike::No,
    }
}

/// The marks of a run, in the order in which they are found, each once.
fn marks(files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for mark in files.iter().flat_map(|file| seeds(file).chain(stamp(file)).chain(moment(file))) {
        if !found.iter().any(|known| known == mark) {
            found.push(mark.to_vec());
        }
    }
    found
}

/// gcc's random seed: the end of the names of its sections for link-time optimisation (lto-streamer.cc,
/// `lto_get_section_name`), in hexadecimal without leading zeros.
fn seeds(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    memmem::find_iter(file, b".gnu.lto_").filter_map(|at| {
        let name = file[at..].split(|&byte| byte == 0).next()?;
        let seed = name.rsplit(|&byte| byte == b'.').next()?;
        (seed.len() > 8 && seed.iter().all(u8::is_ascii_hexdigit)).then_some(seed)
    })
}

/// The stamp by which gcc tells whether notes and counts of coverage belong together: the time of day (coverage.cc,
/// `coverage_init`); behind the version at the beginning of the notes, and in the object.
fn stamp(file: &[u8]) -> Option<&[u8]> {
    file.starts_with(b"oncg").then(|| file.get(8..12)).flatten()
}

/// The time of day at the beginning of an object for Windows (PE format, `TimeDateStamp`), behind its kind of machine; in the
/// larger form behind more.
fn moment(file: &[u8]) -> Option<&[u8]> {
    const MACHINES: [[u8; 2]; 4] = [[0x64, 0x86], [0x4c, 0x01], [0x64, 0xaa], [0xc4, 0x01]]; // x64, x86, arm64, arm
    match file.first_chunk()? {
        [0, 0, 0xff, 0xff] => file.get(8..12),
        [one, two, _, _] if MACHINES.contains(&[*one, *two]) => file.get(4..8),
        _ => None,
    }
}

fn without(file: &[u8], marks: &[Vec<u8>]) -> Vec<u8> {
    let mut blank = file.to_vec();
    for mark in marks {
        let places: Vec<usize> = memmem::find_iter(file, mark).collect();
        places.into_iter().for_each(|at| blank[at..at + mark.len()].fill(0));
    }
    blank
}

#[cfg(test)]
mod tests;

//! Functions of libc that a program asks for and that nobody knows. The recorder sees what goes through its hooks; what else libc offers is in
//! a table if it looks at nothing, so that a name in neither may look at anything. Of some mathematics the table says that they come out
//! otherwise on another processor.

use kiln_action::wire::{seal, unseal};
use kiln_action::{Digest, Reason};
use kiln_recorder::known;
use kiln_sys::files;
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{ElfFile, Sym};
use object::{Endianness, Object, ObjectSymbol};
use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;

const MAGIC: [u8; 4] = *b"KIMP";
/// Raised when the examination changes. (What is known is in the note.)
const VERSION: u8 = 3;
const LONGEST_NOTE: u64 = 512;

/// What a program or a library imports of libc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// A function that nobody knows, if there is one.
    pub unknown: Option<String>,
    /// Whether there is one among them that comes out otherwise on another processor.
    pub arithmetic: bool,
}

/// What a file imports, remembered by its digest.
pub fn of(path: &Path, digest: &Digest, memory: &Path) -> Result<Imports, Reason> {
    let note = memory.join(format!("{}-imports", digest.hex()));
    if let Ok(file) = files::read_own(&note, LONGEST_NOTE)
        && let Ok(body) = unseal(MAGIC, VERSION, &digest.hash, &file)
        && let Some([arithmetic, name @ ..]) = body.strip_prefix(known::VERSION.as_bytes())
    {
        let unknown = (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned());
        return Ok(Imports { unknown, arithmetic: *arithmetic != 0 });
    }
    let bytes = files::read(path).map_err(|error| Reason::Untrusted(error.to_string()))?;
    let found = examine(path, &bytes)
        .ok_or_else(|| Reason::Untrusted(format!("{} cannot be examined", path.display())))?;
    let name = found.unknown.as_deref().unwrap_or_default().as_bytes();
    let body = [known::VERSION.as_bytes(), &[u8::from(found.arithmetic)], name].concat();
    let _ = files::write_atomic(&note, &seal(MAGIC, VERSION, &digest.hash, &body));
    Ok(found)
}

type Elf<'a> = ElfFile<'a, FileHeader64<Endianness>>;

/// The same of a file's bytes; nothing at all if the file cannot be understood.
fn examine(path: &Path, bytes: &[u8]) -> Option<Imports> {
    let file = Elf::parse(bytes).ok()?;
    if is_part_of_libc(path, &file) {
        return Some(Imports::default());
    }
    // (whoever takes the tables of sections out hides what is imported)
    file.dynamic_symbols().next()?;
    let (endian, data) = (file.endian(), file.data());
    let versions = file.elf_section_table().versions(endian, data).ok()?.unwrap_or_default();
    let alone = needs_only_libc(&file)?;
    let mut found = Imports::default();
    for (index, symbol) in file.elf_dynamic_symbol_table().enumerate() {
        let name = symbol.name(endian, file.elf_dynamic_symbol_table().strings()).ok()?;
        let name = std::str::from_utf8(name).ok()?;
        let hangs = hangs_on_processor(name);
        if name.is_empty() || !symbol.is_undefined(endian) || is_known(name) && !hangs {
            continue;
        }
        let version = versions.version(versions.version_index(endian, index).index()).ok()?;
        // (a weak one without a version is one that was not there when this was linked)
        let bare = || alone && !symbol.is_weak();
        let of_libc = version.map_or_else(bare, |version| version.name().starts_with(b"GLIBC_"));
        found.arithmetic |= of_libc && hangs;
        if of_libc && !hangs {
            return Some(Imports { unknown: Some(name.to_owned()), ..found });
        }
    }
    Some(found)
}

/// Whether whatever it imports can only be of libc, as with musl, whose names have no versions.
fn needs_only_libc(file: &Elf<'_>) -> Option<bool> {
    const PARTS: [&str; 10] = [
        "libc.",
        "libm.",
        "libpthread.",
        "libdl.",
        "librt.",
        "libutil.",
        "libresolv.",
        "libgcc_s.",
        "ld-linux",
        "ld-musl",
    ];
    let table = file.elf_dynamic_table().ok()?;
    for entry in table.iter().filter(|entry| entry.tag == DT_NEEDED) {
        let name = table.string(entry).ok()?;
        if !PARTS.iter().any(|part| name.starts_with(part.as_bytes())) {
            return Some(false);
        }
    }
    Some(true)
}

fn is_known(name: &str) -> bool {
    static KNOWN: OnceLock<HashSet<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| known::harmless().chain(hooks()).collect()).contains(name)
}

fn hangs_on_processor(name: &str) -> bool {
    static KNOWN: OnceLock<HashSet<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| known::of_processor().collect()).contains(name)
}

/// What the recorder's object exports.
fn hooks() -> impl Iterator<Item = &'static str> {
    let file = Elf::parse(known::object()).ok();
    let exported = |file: Elf<'static>| {
        let named = |symbol: object::read::elf::ElfSymbol<'static, '_, _>| symbol.name().ok();
        file.dynamic_symbols().filter(|it| it.is_definition()).filter_map(named).collect::<Vec<_>>()
    };
    file.map(exported).unwrap_or_default().into_iter()
}

/// Whether it is a part of glibc itself, whose parts import names of each other that are nobody else's: only they define names with a version
/// of glibc's. (A part need not define private ones: libm and libmvec of 2.36 only import some.)
fn is_part_of_libc(path: &Path, file: &Elf<'_>) -> bool {
    let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    let called = [
        "libc.",
        "libm.",
        "libm-",
        "libpthread.",
        "libdl.",
        "librt.",
        "libutil.",
        "libresolv.",
        "libanl.",
        "libnsl.",
        "libnss_",
        "libmvec.",
        "libc_malloc_debug.",
        "libthread_db.",
        "libBrokenLocale.",
        "ld-",
    ];
    called.iter().any(|part| name.starts_with(part.as_bytes()))
        && defines_names_of_glibc(file).unwrap_or(false)
}

fn defines_names_of_glibc(file: &Elf<'_>) -> Option<bool> {
    let versions = file.elf_section_table().versions(file.endian(), file.data()).ok()??;
    let of = |index| versions.version(versions.version_index(file.endian(), index).index()).ok().flatten();
    let mut symbols = file.elf_dynamic_symbol_table().enumerate();
    Some(symbols.any(|(index, symbol)| {
        !symbol.is_undefined(file.endian())
            && of(index).is_some_and(|version| version.name().starts_with(b"GLIBC_"))
    }))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;

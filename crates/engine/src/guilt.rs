//! The third ring of evidence: reasons to distrust what the recorder saw of a macro. What a macro's file imports and
//! contains can prove guilt, never innocence; what stays unprovable is in docs/design/0002-evidence.md.

use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use kiln_action::wire::{seal, unseal};
use kiln_action::{Digest, Reason};
use kiln_sys::files;
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget,
    SectionKind,
};
use std::path::Path;

/// What a macro's code could do that the recorder does not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guilt {
    /// It can walk the environment (imports `environ`): `std::env::vars`.
    pub environment: bool,
    /// It can read the process's arguments: `std::env::args`, which std keeps in a static of its own.
    pub arguments: bool,
    /// It can see the real paths of sources (`Span::local_file`), which the remap setting hides from everybody else.
    pub locations: bool,
    /// A program of Rust: its own code walks the environment. (Starting a program imports `environ` as well.)
    pub walk: bool,
    /// It contains system calls, or asks the loader for functions: it can look at anything unseen.
    pub unseen: bool,
    /// The same of a program: whoever opens no library and asks the loader for a function gets the recorder's, which comes first. (std
    /// asks so where it starts a thread.)
    pub unseen_alone: bool,
}

/// Imports through which code reaches functions or system calls past the recorder.
const UNSEEN: [&str; 6] = ["dlsym", "dlvsym", "dlmopen", "__libc_dlsym", "io_uring_setup", "io_uring_enter"];
/// Those of them that ask for a function by name, among the libraries that are there or in one that was opened.
const ASKING: [&str; 3] = ["dlsym", "dlvsym", "__libc_dlsym"];
const OPENING: [&str; 3] = ["dlopen", "dlmopen", "__libc_dlopen_mode"];
/// Imports of the environment as a whole.
const ENVIRONMENT: [&str; 3] = ["environ", "__environ", "_environ"];
/// Imports of the arguments as a whole.
const ARGUMENTS: [&str; 4] =
    ["_dl_argv", "__libc_argv", "program_invocation_name", "program_invocation_short_name"];

impl Guilt {
    fn bits(self) -> u8 {
        u8::from(self.environment)
            | u8::from(self.arguments) << 1
            | u8::from(self.unseen) << 2
            | u8::from(self.locations) << 3
            | u8::from(self.walk) << 4
            | u8::from(self.unseen_alone) << 5
    }

    fn from_bits(bits: u8) -> Guilt {
        Guilt {
            environment: bits & 1 != 0,
            arguments: bits & 2 != 0,
            unseen: bits & 4 != 0,
            locations: bits & 8 != 0,
            walk: bits & 16 != 0,
            unseen_alone: bits & 32 != 0,
        }
    }
}

const MAGIC: [u8; 4] = *b"KGLT";
/// Raised when the examination changes.
const VERSION: u8 = 5;
const LONGEST_NOTE: u64 = 64;

/// The guilt of a macro's file, remembered by its digest below `memory`.
pub fn of(path: &Path, digest: &Digest, memory: &Path) -> Result<Guilt, Reason> {
    let note = memory.join(digest.hex());
    if let Ok(file) = files::read_own(&note, LONGEST_NOTE)
        && let Ok(&[bits]) = unseal(MAGIC, VERSION, &digest.hash, &file)
    {
        return Ok(Guilt::from_bits(bits));
    }
    let bytes = files::read(path).map_err(|error| Reason::Untrusted(error.to_string()))?;
    let guilt =
        examine(&bytes).ok_or_else(|| Reason::Untrusted(format!("{} cannot be examined", path.display())))?;
    let _ = files::write_atomic(&note, &seal(MAGIC, VERSION, &digest.hash, &[guilt.bits()]));
    Ok(guilt)
}

/// Examines a shared object; `None` if it is not one that can be understood.
pub fn examine(bytes: &[u8]) -> Option<Guilt> {
    let file = object::File::parse(bytes).ok()?;
    let mut guilt = Guilt::default();
    let (mut asks, mut opens) = (false, false);
    for symbol in file.dynamic_symbols().filter(|symbol| symbol.is_undefined()) {
        let name = symbol.name().ok()?;
        let name = name.split('@').next().unwrap_or(name);
        guilt.environment |= ENVIRONMENT.contains(&name);
        guilt.arguments |= ARGUMENTS.contains(&name);
        guilt.unseen |= UNSEEN.contains(&name);
        asks |= ASKING.contains(&name);
        opens |= OPENING.contains(&name);
        guilt.unseen_alone |= UNSEEN.contains(&name) && !ASKING.contains(&name);
    }
    guilt.unseen_alone |= asks && opens;
    let mut named = 0;
    for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
        named += 1;
        guilt.arguments |= symbol.name().is_ok_and(names_arguments);
        guilt.locations |= symbol.name().is_ok_and(|name| name.contains("4Span10local_file"));
        guilt.walk |= symbol.name().is_ok_and(names_walk);
    }
    guilt.walk |= guilt.environment && (named == 0 || !only_std_reads_the_environment(&file));
    // Stripped of its symbols, it does not show what of std it contains.
    guilt.arguments |= named == 0;
    guilt.locations |= named == 0;
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let calls = has_system_call(file.architecture(), section.data().ok()?);
        guilt.unseen |= calls;
        guilt.unseen_alone |= calls;
    }
    Some(guilt)
}

/// `std::env::args`, `std::env::args_os` or what is below them, in the legacy and the v0 mangling.
fn names_arguments(symbol: &str) -> bool {
    ["3std3env4args", "3std3env7args_os", "3env4args", "3env7args_os", "4args3imp4args", "4args4unix4args"]
        .iter()
        .any(|part| symbol.contains(part))
        || symbol.contains("3sys4args") && symbol.contains("4args17h") && !symbol.contains("really_init")
}

/// What `std::env::vars` and `std::env::vars_os` come to: stepping through what they give. (std steps by itself, inlined, where it puts
/// together the environment of a child, so that `vars_os` alone says nothing. Measured with rustc 1.95: the symbols of four
/// programs.)
fn names_walk(symbol: &str) -> bool {
    let of_vars = ["4Vars", "6VarsOs", "env..Vars"].iter().any(|part| symbol.contains(part));
    let steps = of_vars && symbol.contains("env") && !symbol.contains("drop_in_place");
    steps || symbol.contains("3std3env4vars17h") || symbol.ends_with("3std3env4vars")
}

fn has_system_call(architecture: Architecture, text: &[u8]) -> bool {
    match architecture {
        Architecture::X86_64 => has_system_call_x86(text),
        // svc #imm: 1101_0100_000x_…_00001
        Architecture::Aarch64 => text.chunks_exact(4).any(|code| {
            u32::from_le_bytes([code[0], code[1], code[2], code[3]]) & 0xffe0_001f == 0xd400_0001
        }),
        _ => true, // no decoder: guilty
    }
}

/// Whether no code but std's reads `environ`, as far as the instructions show: each goes through the slot into which the loader writes
/// where that is. What cannot be read so is guilty.
fn only_std_reads_the_environment(file: &object::File<'_>) -> bool {
    let slots = slots_of_the_environment(file);
    let (Some(slots), Architecture::X86_64) = (slots, file.architecture()) else { return false };
    let mut names: Vec<(u64, &str)> =
        file.symbols().filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?))).collect();
    names.sort_unstable();
    let is_std = |address: u64| {
        let at = names.partition_point(|(start, _)| *start <= address);
        at.checked_sub(1).is_some_and(|at| names[at].1.contains("3std"))
    };
    file.sections().filter(|section| section.kind() == SectionKind::Text).all(|section| {
        let Ok(text) = section.data() else { return false };
        let mut decoder = Decoder::with_ip(64, text, section.address(), DecoderOptions::NONE);
        let mut instruction = iced_x86::Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let reads = instruction.is_ip_rel_memory_operand()
                && slots.contains(&instruction.ip_rel_memory_address());
            if reads && !is_std(instruction.ip()) {
                return false;
            }
        }
        true
    })
}

/// Where the loader writes the address of `environ`; `None` where it is asked for in another way.
fn slots_of_the_environment(file: &object::File<'_>) -> Option<Vec<u64>> {
    let symbols = file.dynamic_symbol_table()?;
    let mut slots = Vec::new();
    for (address, relocation) in file.dynamic_relocations()? {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let Ok(symbol) = symbols.symbol_by_index(index) else { continue };
        let name = symbol.name().unwrap_or_default();
        if ENVIRONMENT.contains(&name.split('@').next().unwrap_or(name)) {
            match relocation.flags() {
                RelocationFlags::Elf { r_type } if r_type == object::elf::R_X86_64_GLOB_DAT => {
                    slots.push(address)
                }
                _ => return None,
            }
        }
    }
    Some(slots)
}

/// The two bytes of `syscall` also occur inside other instructions, so where they occur the code around is decoded.
fn has_system_call_x86(text: &[u8]) -> bool {
    let pairs = [[0x0f, 0x05], [0x0f, 0x34], [0xcd, 0x80]];
    if !text.windows(2).any(|pair| pairs.iter().any(|known| pair == known)) {
        return false;
    }
    let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
    let mut instruction = iced_x86::Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let interrupt = || instruction.mnemonic() == Mnemonic::Int && instruction.immediate8() == 0x80;
        if matches!(instruction.mnemonic(), Mnemonic::Syscall | Mnemonic::Sysenter) || interrupt() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;

//! The third ring of evidence: static inspection of a file of code, for reasons to distrust what the recorder saw of it.
//! What a file imports and contains can show that it may look at things unseen; it cannot show that it does not. What stays unprovable is in
//! docs/design/0002-evidence.md.

use iced_x86::{Decoder, DecoderOptions, Mnemonic, OpKind};
use kiln_action::wire::{seal, unseal};
use kiln_action::{Digest, Reason};
use kiln_sys::files;
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget,
    SectionKind,
};
use std::path::Path;

/// What the code of a macro or of a build script could do that the recorder does not see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// It can walk the environment (imports `environ`): `std::env::vars`.
    pub environment: bool,
    /// It can read the process's arguments: `std::env::args`, which std keeps in a static of its own.
    pub arguments: bool,
    /// It can see the real paths of sources (`Span::local_file`), which the remap setting hides from everybody else.
    pub locations: bool,
    /// A program of Rust: its own code walks the environment. (Starting a program imports `environ` as well.)
    pub walk: bool,
    /// The same, and it is only the crate `cc` that does so, to look for names of its own there and to hand all of it on.
    pub handing: bool,
    /// It asks the processor for the time, past everybody.
    pub time: bool,
    /// It asks the processor what it is.
    pub processor: bool,
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

impl Inspection {
    fn flags(&mut self) -> [&mut bool; 9] {
        [
            &mut self.environment,
            &mut self.arguments,
            &mut self.unseen,
            &mut self.locations,
            &mut self.walk,
            &mut self.unseen_alone,
            &mut self.handing,
            &mut self.time,
            &mut self.processor,
        ]
    }

    fn bits(mut self) -> [u8; 2] {
        let flags = self.flags().into_iter().enumerate();
        flags.fold(0_u16, |bits, (at, flag)| bits | u16::from(*flag) << at).to_le_bytes()
    }

    fn from_bits(bits: [u8; 2]) -> Inspection {
        let (bits, mut found) = (u16::from_le_bytes(bits), Inspection::default());
        for (at, flag) in found.flags().into_iter().enumerate() {
            *flag = bits >> at & 1 != 0;
        }
        found
    }
}

const MAGIC: [u8; 4] = *b"KGLT";
/// Raised when the inspection changes.
const VERSION: u8 = 6;
const LONGEST_NOTE: u64 = 64;

/// Inspects a file of code; the result is remembered by its digest below `memory`.
pub fn of(path: &Path, digest: &Digest, memory: &Path) -> Result<Inspection, Reason> {
    let note = memory.join(digest.hex());
    if let Ok(file) = files::read_own(&note, LONGEST_NOTE)
        && let Ok(&[low, high]) = unseal(MAGIC, VERSION, &digest.hash, &file)
    {
        return Ok(Inspection::from_bits([low, high]));
    }
    let bytes = files::read(path).map_err(|error| Reason::Untrusted(error.to_string()))?;
    let found =
        inspect(&bytes).ok_or_else(|| Reason::Untrusted(format!("{} cannot be examined", path.display())))?;
    let _ = files::write_atomic(&note, &seal(MAGIC, VERSION, &digest.hash, &found.bits()));
    Ok(found)
}

/// Inspects a shared object; `None` if it is not one that can be understood.
pub fn inspect(bytes: &[u8]) -> Option<Inspection> {
    let file = object::File::parse(bytes).ok()?;
    let mut found = Inspection::default();
    let (mut asks, mut opens) = (false, false);
    for symbol in file.dynamic_symbols().filter(|symbol| symbol.is_undefined()) {
        let name = symbol.name().ok()?;
        let name = name.split('@').next().unwrap_or(name);
        found.environment |= ENVIRONMENT.contains(&name);
        found.arguments |= ARGUMENTS.contains(&name);
        found.unseen |= UNSEEN.contains(&name);
        asks |= ASKING.contains(&name);
        opens |= OPENING.contains(&name);
        found.unseen_alone |= UNSEEN.contains(&name) && !ASKING.contains(&name);
    }
    found.unseen_alone |= asks && opens;
    let mut named = 0;
    for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
        named += 1;
        found.arguments |= symbol.name().is_ok_and(names_arguments);
        found.locations |= symbol.name().is_ok_and(|name| name.contains("4Span10local_file"));
        found.walk |= symbol.name().is_ok_and(names_walk);
    }
    // Stripped of its symbols, it does not show what of std it contains.
    found.arguments |= named == 0;
    found.locations |= named == 0;
    let code = Code::of(&file, found.environment)?;
    found.unseen |= code.system_calls;
    found.unseen_alone |= code.system_calls;
    found.time |= code.time;
    found.processor |= code.processor;
    found.handing = found.walk && code.only_cc_walks && !shows_what_is_handed_on(&file);
    found.walk &= !found.handing;
    found.walk |= found.environment && (named == 0 || code.others_read_the_environment);
    Some(found)
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

/// What std's functions that begin a walk are called.
fn begins_walk(symbol: &str) -> bool {
    ["3std3env7vars_os", "3std3env4vars17h"].iter().any(|part| symbol.contains(part))
        || symbol.ends_with("3std3env4vars")
}

/// Whether this is the crate `cc` where it takes its snapshot (cc 1.11), or std where it puts together the environment of a child.
fn hands_on(symbol: &str) -> bool {
    let of_std = || ["11capture_env", "10CommandEnv"].iter().any(|part| symbol.contains(part));
    symbol.contains("2cc9build_env") || symbol.contains("3std3sys") && of_std()
}

/// Whether it goes through the variables that a child would get: cc's commands have all of them.
fn shows_what_is_handed_on(file: &object::File<'_>) -> bool {
    file.symbols().any(|symbol| symbol.name().is_ok_and(|name| name.contains("CommandEnvs")))
}

/// What the instructions show.
#[derive(Default)]
struct Code {
    system_calls: bool,
    time: bool,
    processor: bool,
    /// Code other than std's reads `environ`, as far as the instructions show: each goes through the slot into which the loader writes
    /// where that is. Code that cannot be read so counts as code that reads it.
    others_read_the_environment: bool,
    /// All walks by std's functions are begun by [`hands_on`], and there is one.
    only_cc_walks: bool,
}

impl Code {
    fn of(file: &object::File<'_>, environment: bool) -> Option<Code> {
        match file.architecture() {
            Architecture::X86_64 => Code::of_x86(file, environment),
            Architecture::Aarch64 => Code::of_arm(file),
            // without a decoder everything is assumed
            _ => Some(Code { system_calls: true, others_read_the_environment: true, ..Code::default() }),
        }
    }

    fn of_arm(file: &object::File<'_>) -> Option<Code> {
        let mut code = Code { others_read_the_environment: true, ..Code::default() };
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            for word in section.data().ok()?.chunks_exact(4) {
                let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                code.system_calls |= word & 0xffe0_001f == 0xd400_0001; // svc
                // mrs: the counters; what the processor is and can
                code.time |= [0xd53b_e020, 0xd53b_e040, 0xd53b_e0a0, 0xd53b_e0c0].contains(&(word & !31));
                code.processor |= word & !31 == 0xd538_0000 || word & 0xffff_fc00 == 0xd538_0400;
            }
        }
        Some(code)
    }

    /// The bytes of an instruction also occur inside others, so that where they occur the code is decoded.
    fn of_x86(file: &object::File<'_>, environment: bool) -> Option<Code> {
        /// `syscall`, `sysenter`, `int 0x80`, `rdtsc`, `rdpmc`, `rdtscp` (and what is like it), `cpuid`.
        const PAIRS: [[u8; 2]; 7] = [
            [0x0f, 0x05],
            [0x0f, 0x34],
            [0xcd, 0x80],
            [0x0f, 0x31],
            [0x0f, 0x33],
            [0x0f, 0x01],
            [0x0f, 0xa2],
        ];
        let names = Names::of(file);
        let watched = environment.then(|| Watched::of(file, &names));
        let mut code = Code {
            others_read_the_environment: watched.as_ref().is_some_and(|it| it.unclear),
            ..Code::default()
        };
        let mut walks: Vec<&str> = Vec::new();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            let text = section.data().ok()?;
            if watched.is_none() && !text.windows(2).any(|pair| PAIRS.iter().any(|known| pair == known)) {
                continue;
            }
            let mut decoder = Decoder::with_ip(64, text, section.address(), DecoderOptions::NONE);
            let mut instruction = iced_x86::Instruction::default();
            while decoder.can_decode() {
                decoder.decode_out(&mut instruction);
                code.take(&instruction);
                let Some(watched) = &watched else { continue };
                let looked_at = referred(&instruction);
                let is_in = |list: &[u64]| looked_at.is_some_and(|address| list.contains(&address));
                if is_in(&watched.environ) && !names.at(instruction.ip()).contains("3std") {
                    code.others_read_the_environment = true;
                }
                if is_in(&watched.walks) {
                    walks.push(names.at(instruction.ip()));
                }
            }
        }
        let known = watched.is_some_and(|watched| !watched.unclear && !watched.walked_from_data);
        code.only_cc_walks = known && !walks.is_empty() && walks.iter().all(|name| hands_on(name));
        Some(code)
    }

    fn take(&mut self, instruction: &iced_x86::Instruction) {
        match instruction.mnemonic() {
            Mnemonic::Syscall | Mnemonic::Sysenter => self.system_calls = true,
            Mnemonic::Int if instruction.immediate8() == 0x80 => self.system_calls = true,
            Mnemonic::Rdtsc | Mnemonic::Rdtscp | Mnemonic::Rdpmc => self.time = true,
            Mnemonic::Cpuid | Mnemonic::Xgetbv => self.processor = true,
            _ => {}
        }
    }
}

/// The address that an instruction goes to, or takes something from.
fn referred(instruction: &iced_x86::Instruction) -> Option<u64> {
    if instruction.is_ip_rel_memory_operand() {
        return Some(instruction.ip_rel_memory_address());
    }
    (instruction.op0_kind() == OpKind::NearBranch64).then(|| instruction.near_branch_target())
}

/// The symbols of a file by where they begin.
struct Names<'a>(Vec<(u64, &'a str)>);

impl<'a> Names<'a> {
    fn of(file: &object::File<'a>) -> Names<'a> {
        let mut names: Vec<(u64, &str)> =
            file.symbols().filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?))).collect();
        names.sort_unstable();
        Names(names)
    }

    /// What the code at an address belongs to.
    fn at(&self, address: u64) -> &'a str {
        let at = self.0.partition_point(|(start, _)| *start <= address);
        at.checked_sub(1).map_or("", |at| self.0[at].1)
    }
}

/// What is looked for in the operands of instructions.
struct Watched {
    /// Where the loader writes the address of `environ`.
    environ: Vec<u64>,
    /// std's functions that begin a walk, and the slots through which they are called.
    walks: Vec<u64>,
    /// `environ` is asked for in another way.
    unclear: bool,
    /// Data names a function that begins a walk: who calls it does not show.
    walked_from_data: bool,
}

impl Watched {
    fn of(file: &object::File<'_>, names: &Names<'_>) -> Watched {
        let environ = slots_of_the_environment(file);
        let begins = names.0.iter().filter(|(_, name)| begins_walk(name)).map(|(address, _)| *address);
        let mut watched = Watched {
            unclear: environ.is_none(),
            environ: environ.unwrap_or_default(),
            walks: begins.collect(),
            walked_from_data: false,
        };
        let table = file.section_by_name(".got");
        let is_in_table = |address: u64| {
            let table = table.as_ref().map(|table| table.address()..table.address() + table.size());
            table.is_some_and(|table| table.contains(&address))
        };
        let begins = watched.walks.clone();
        for (address, relocation) in file.dynamic_relocations().into_iter().flatten() {
            if begins.contains(&relocation.addend().cast_unsigned()) {
                watched.walks.push(address);
                watched.walked_from_data |= !is_in_table(address);
            }
        }
        watched
    }
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

#[cfg(test)]
mod tests;

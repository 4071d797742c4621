//! A call, understood: which compiler it is, what its command line means, and whether the cache is for it at all.

use crate::argfile;
use crate::call::Call;
use crate::events::{self, bypass, c_name, crate_name, event_of};
use crate::inputs::{self, World};
use crate::journal;
use crate::project;
use crate::script;
use crate::switches;
use crate::workshop::Workshop;
use kiln_action::{Event, Family, Invocation, Mode, Outcome, Reason};
use kiln_compiler::{Context, Recognised, Remap};
use kiln_sys::files;
use kiln_sys::process::{self, Channel};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What was asked of the compiler, understood.
pub struct Request<'a> {
    /// The call, as it came.
    pub call: &'a Call<'a>,
    /// The cache.
    pub shop: Workshop,
    /// What the command line means.
    pub invocation: Invocation,
    /// The files that gave words of the command line.
    pub responses: Vec<PathBuf>,
    /// Standard input, where the source comes from there and it has been read.
    pub input: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// Understands a call. A reason where the compiler is to run unchanged; an event says so.
    pub fn parse(call: &'a Call<'a>, recognised: &Recognised, shop: Workshop) -> Result<Request<'a>, Reason> {
        let found = found(recognised, call);
        let recognised = found.as_ref().unwrap_or(recognised);
        let understood =
            found.as_ref().map_err(Clone::clone).and_then(|recognised| understand(call, recognised, &shop));
        let (invocation, responses) = understood.inspect_err(|reason| {
            let name = match recognised.family.is_c() {
                true => c_name(call.argv),
                false => crate_name(&argfile::words(call.argv, call.directory)),
            };
            events::tell(&shop, call, bypass(call, &name, reason));
        })?;
        let refused = script::refused(&invocation, call.settings);
        match refused.or_else(|| kept_out(call, recognised, &invocation)) {
            None => Ok(Request { call, shop, invocation, responses, input: None }),
            Some(reason) => {
                events::tell(&shop, call, event_of(call, &invocation, Outcome::Bypass, &reason));
                Err(reason)
            }
        }
    }

    /// Understands a call that was made before. None that would read words from a file: cargo makes no such calls, and what is in a file
    /// would be told by the key.
    pub fn parse_again(call: &'a Call<'a>, recognised: &Recognised) -> Option<Request<'a>> {
        let of_file = |word: &OsString| word.as_bytes().starts_with(b"@");
        if call.argv.iter().any(of_file) {
            return None;
        }
        let shop = Workshop::open(call.settings).ok()?;
        let recognised = found(recognised, call).ok()?;
        let (invocation, responses) = understand(call, &recognised, &shop).ok()?;
        let full = || invocation.outputs.tree.as_deref().is_some_and(|out| !script::is_empty(out));
        if kept_out(call, &recognised, &invocation).is_some() || full() {
            return None;
        }
        Some(Request { call, shop, invocation, responses, input: None })
    }

    /// Whether it only asks the compiler something, and the answer is on the standard streams.
    pub fn is_question(&self) -> bool {
        self.invocation.mode == Mode::Probe && self.invocation.outputs.is_empty()
    }

    /// Standard input, where the compiler reads its source from it.
    pub fn read_input(&self) -> Result<Option<Vec<u8>>, Reason> {
        match self.invocation.stdin {
            false => Ok(None),
            true if process::is_terminal_input() => Err(Reason::Terminal),
            true => match process::read_standard_input() {
                Ok(input) => Ok(Some(input)),
                Err(error) => Err(Reason::BadArguments(format!("standard input: {error}"))),
            },
        }
    }

    /// What questions are answered from.
    pub fn world(&self) -> World<'_> {
        World {
            invocation: &self.invocation,
            environment: self.call.environment,
            argv: self.call.argv,
            responses: &self.responses,
            settings: self.call.settings,
            memo: self.shop.store.memo(),
        }
    }

    /// A line of the log that the user asked for.
    pub fn step(&self, what: impl FnOnce() -> String) {
        let took = || self.call.started.elapsed().as_secs_f64() * 1000.0;
        journal::step(self.call.settings.log.as_ref(), &self.invocation.unit, || {
            format!("{} after {:.1} ms", what(), took())
        });
    }

    /// An event about it.
    pub fn event(&self, outcome: Outcome, reason: &Reason) -> Event {
        event_of(self.call, &self.invocation, outcome, reason)
    }

    /// Appends an event to the log.
    pub fn tell(&self, event: Event) {
        events::tell(&self.shop, self.call, event);
    }
}

/// The compiler by its path: without rustup cargo runs a bare `rustc`, the one that `$PATH` leads to, and so does make
/// with a bare `cc`, which is gcc or clang as the link says. clang looks at its own name: called `clang-cl` it is another.
fn found(recognised: &Recognised, call: &Call<'_>) -> Result<Recognised, Reason> {
    let bare = !recognised.compiler.as_os_str().as_bytes().contains(&b'/');
    let found =
        bare.then(|| inputs::find_program(recognised.compiler.as_os_str(), call.environment)).flatten();
    let mut recognised = recognised.clone();
    if let Some(compiler) = found.filter(|path| path.is_absolute()) {
        recognised.compiler = compiler;
    }
    if recognised.family.is_c() {
        recognised.compiler = call.directory.join(&recognised.compiler);
        let real = files::real_path(&recognised.compiler).ok().flatten();
        let family = real.as_deref().and_then(Path::file_name).and_then(kiln_compiler::family_of);
        let real = || real.as_deref().unwrap_or(&recognised.compiler).display().to_string();
        let called = recognised.compiler.file_name().unwrap_or_default();
        let family = family.map(|family| kiln_compiler::speaks(family, called));
        recognised.family = family.ok_or_else(|| Reason::UnknownCompiler(real()))?;
    }
    Ok(recognised)
}

/// The command line, and the files that gave words of it.
fn understand(
    call: &Call<'_>,
    recognised: &Recognised,
    shop: &Workshop,
) -> Result<(Invocation, Vec<PathBuf>), Reason> {
    let base = || project::of(call.settings, call.directory, shop.store.memo());
    let base = recognised.family.is_c().then(base);
    let remap = match (&base, call.settings.remap) {
        (_, false) => None,
        (None, true) => remap_of(call),
        (Some(base), true) => Some(Remap { work: base.clone(), target: None }),
    };
    let responses = RefCell::new(Vec::new());
    let response = |path: &Path| {
        let path = call.directory.join(path);
        let words = argfile::content(&path);
        responses.borrow_mut().extend(words.is_some().then_some(path));
        words
    };
    let getenv = |name: &str| call.environment.get(name).map(OsStr::to_owned);
    let args = &call.argv[1 + recognised.skip..];
    let context = Context {
        args,
        directory: call.directory,
        response: &response,
        remap: remap.as_ref(),
        base: base.as_deref(),
        getenv: &getenv,
    };
    let mut invocation = kiln_compiler::parse(recognised, &context)?;
    if invocation.family.is_c() {
        project::pin(&mut invocation, base.as_deref().unwrap_or(call.directory));
        project::place(&mut invocation, call.environment);
        project::adapt_to_terminal(&mut invocation, args, call.environment);
    }
    Ok((invocation, responses.into_inner()))
}

/// Why a compile that is understood is none for the cache, if it is not, whatever is there.
fn kept_out(call: &Call<'_>, recognised: &Recognised, invocation: &Invocation) -> Option<Reason> {
    if invocation.family == Family::Msvc {
        return Some(Reason::Unrecorded("cl runs on Windows, where nothing is recorded yet".into()));
    }
    let rustc = invocation.family == Family::Rustc;
    let words = argfile::words(&call.argv[1 + recognised.skip..], call.directory);
    let human = rustc && !words.iter().any(|arg| arg.as_encoded_bytes().starts_with(b"--error-format=json"));
    if human && invocation.mode == Mode::Compile && process::is_terminal(Channel::Err) {
        return Some(Reason::Terminal);
    }
    let never = switches::never(call.settings, invocation, call.environment)?;
    Some(Reason::NeverCached(never.to_owned()))
}

/// What the remap setting maps: cargo runs the compiler for a workspace's members in the workspace's directory, for
/// other packages in theirs, so the workspace is found from the output directory, which cargo puts below it.
fn remap_of(call: &Call<'_>) -> Option<Remap> {
    let words = argfile::words(call.argv, call.directory);
    let out = words.iter().zip(words.iter().skip(1)).find(|(flag, _)| *flag == "--out-dir");
    let out = out.map(|(_, directory)| call.directory.join(directory));
    let target = out.as_deref().and_then(target_directory);
    let beside = target.as_deref().and_then(Path::parent).filter(|root| has_manifest(root));
    let work = if has_manifest(call.directory) && !is_of_a_registry(call.directory) {
        Some(call.directory.to_owned())
    } else {
        beside.map(Path::to_owned)
    };
    Some(Remap { work: work?, target })
}

fn has_manifest(directory: &Path) -> bool {
    files::stat(&directory.join("Cargo.toml")).is_ok_and(|found| found.is_some())
}

/// Sources that cargo unpacked are the same for every workspace.
fn is_of_a_registry(directory: &Path) -> bool {
    files::stat(&directory.join(".cargo-ok")).is_ok_and(|found| found.is_some())
}

/// The target directory: the nearest one above the outputs that cargo has marked.
fn target_directory(out: &Path) -> Option<PathBuf> {
    let marked =
        |directory: &&Path| files::stat(&directory.join("CACHEDIR.TAG")).is_ok_and(|found| found.is_some());
    out.ancestors().find(marked).map(Path::to_owned)
}

//! A call, understood: which compiler it is, what its command line means, and whether the cache is for it at all.

use crate::argfile;
use crate::cache_dir::CacheDir;
use crate::call::Call;
use crate::events::{self, bypass, event_of};
use crate::families::{self, build_script};
use crate::inputs::{self, World};
use crate::journal;
use crate::switches;
use kiln_action::os::OsStrExt;
use kiln_action::{Event, Invocation, Mode, Outcome, Reason};
use kiln_compiler::{Context, Recognised};
use kiln_sys::process;
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What was asked of the compiler, understood.
pub struct Request<'a> {
    /// The call, as it came.
    pub call: &'a Call<'a>,
    /// The cache directory, open.
    pub cache: CacheDir,
    /// What the command line means.
    pub invocation: Invocation,
    /// The files that gave words of the command line.
    pub responses: Vec<PathBuf>,
    /// Standard input, where the source comes from there and it has been read.
    pub input: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// Understands a call. A reason where the compiler is to run unchanged; an event says so.
    pub fn parse(
        call: &'a Call<'a>,
        recognised: &Recognised,
        cache: CacheDir,
    ) -> Result<Request<'a>, Reason> {
        let found = found(recognised, call);
        let recognised = found.as_ref().unwrap_or(recognised);
        let understood =
            found.as_ref().map_err(Clone::clone).and_then(|recognised| understand(call, recognised, &cache));
        let (invocation, responses) = understood.inspect_err(|reason| {
            let name = families::of(recognised.subject).name_of_unparsed(call);
            events::tell(&cache, call, bypass(call, &name, reason));
        })?;
        let ready = families::of(invocation.subject).make_ready(call, &invocation);
        match ready.err().or_else(|| refused(call, recognised, &invocation)) {
            None => Ok(Request { call, cache, invocation, responses, input: None }),
            Some(reason) => {
                events::tell(&cache, call, event_of(call, &invocation, Outcome::Bypass, &reason));
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
        let cache = CacheDir::open(call.settings).ok()?;
        let recognised = found(recognised, call).ok()?;
        let (invocation, responses) = understand(call, &recognised, &cache).ok()?;
        let full = || invocation.outputs.tree.as_deref().is_some_and(|out| !build_script::is_empty(out));
        if refused(call, &recognised, &invocation).is_some() || full() {
            return None;
        }
        Some(Request { call, cache, invocation, responses, input: None })
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
            memo: self.cache.store.memo(),
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
        events::tell(&self.cache, self.call, event);
    }
}

/// The compiler by its path: without rustup cargo runs a bare `rustc`, the one that `$PATH` leads to, and so does make
/// with a bare `cc`.
fn found(recognised: &Recognised, call: &Call<'_>) -> Result<Recognised, Reason> {
    let bare = !recognised.compiler.as_os_str().as_bytes().contains(&b'/');
    let found =
        bare.then(|| inputs::find_program(recognised.compiler.as_os_str(), call.environment)).flatten();
    let mut recognised = recognised.clone();
    if let Some(compiler) = found.filter(|path| path.is_absolute()) {
        recognised.compiler = compiler;
    }
    families::of(recognised.subject).resolve(recognised, call)
}

/// The command line, and the files that gave words of it.
fn understand(
    call: &Call<'_>,
    recognised: &Recognised,
    cache: &CacheDir,
) -> Result<(Invocation, Vec<PathBuf>), Reason> {
    let rules = families::of(recognised.subject);
    let base = rules.base(call, cache.store.memo());
    let remap = call.settings.remap.then(|| rules.remap(call, base.as_deref())).flatten();
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
    families::of(invocation.subject).complete(&mut invocation, base.as_deref(), call, args);
    Ok((invocation, responses.into_inner()))
}

/// Why a compile that is understood is none for the cache, if it is not, whatever is there.
fn refused(call: &Call<'_>, recognised: &Recognised, invocation: &Invocation) -> Option<Reason> {
    let args = &call.argv[1 + recognised.skip..];
    if let Some(reason) = families::of(invocation.subject).refuse(call, args, invocation) {
        return Some(reason);
    }
    let never = switches::never(call.settings, invocation, call.environment)?;
    Some(Reason::NeverCached(never.to_owned()))
}

//! One compile, in an order that can be read aloud.

use crate::afar::{self, Afar, Brought, Made, Wanted};
use crate::argfile;
use crate::asked::{Asked, Run, channel};
use crate::baseline::{self, Missed};
use crate::capture::{self, Kept, Ran, Shelf};
use crate::events::{bypass, c_name, crate_name, event_of, tell};
use crate::fill;
use crate::inputs;
use crate::lookup::{self, Looked, lookup, shape_of};
use crate::nested;
use crate::note;
use crate::project;
use crate::restore::{self, Restored, Way};
use crate::script;
use crate::switches;
use crate::toolchain::{self, Known, Owned};
use crate::verify::{self, Finding, Hit};
use crate::workshop::{self, Workshop};
use kiln_action::os::OsStrExt;
use kiln_action::{
    ActionKey, ActionResult, Digest, Event, Family, Invocation, KeyInputs, Mode, Outcome, OutputPlan, Reason,
    Shape, Stream, WeakKey, digest,
};
use kiln_compiler::{Context, Recognised, Remap};
use kiln_config::Settings;
use kiln_exec::Executor;
use kiln_exec::single_flight::{self, Entered, Flight};
use kiln_recorder::Reporter;
use kiln_report::cause::{self, Difference};
use kiln_store::{Content, Key, Store};
use kiln_sys::clock::Moment;
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Beneath};
use kiln_sys::identity::{self, Found};
use kiln_sys::process::{self, Channel, Side};
use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A call of the wrapper, read once.
pub struct Call<'a> {
    /// The compiler and its arguments.
    pub argv: &'a [OsString],
    /// What the compiler is called by whoever started it, where that is not its path.
    pub called: Option<&'a OsStr>,
    /// The environment.
    pub environment: &'a Environment,
    /// That of the program that calls, where notes are asked for.
    pub caller: Option<&'a Environment>,
    /// The directory; absolute.
    pub directory: &'a Path,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The number of the build that it is part of.
    pub build: u32,
    /// No build tool started it.
    pub by_hand: bool,
    /// When the wrapper started.
    pub started: Moment,
    /// Runs compiles.
    pub executor: &'a dyn Executor,
    /// The remote side, where there is one.
    pub afar: Option<&'a dyn Afar>,
    /// The record of the build script's run that this call is part of, if it is.
    pub reporter: Option<&'a Reporter>,
}

/// How a call ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By becoming the compiler, unchanged; the reason says why.
    Unchanged(Reason),
}

/// Does what the compiler would do, from the cache if that is sound.
pub fn wrap(call: &Call<'_>, recognised: &Recognised) -> Ending {
    if call.settings.off {
        return Ending::Unchanged(Reason::Disabled);
    }
    let taken = fill::before_cargo(call);
    let ending = wrap_this(call, recognised);
    let leaves = !taken.is_empty() && matches!(ending, Ending::Code(_));
    if !leaves || process::go_on_behind() == Side::Behind {
        fill::put_back(call, &taken);
    }
    ending
}

fn wrap_this(call: &Call<'_>, recognised: &Recognised) -> Ending {
    let shop = match Workshop::open(call.settings) {
        Ok(shop) => shop,
        Err(reason) => return Ending::Unchanged(reason),
    };
    let found = found(recognised, call);
    let recognised = found.as_ref().unwrap_or(recognised);
    match found.as_ref().map_err(Clone::clone).and_then(|recognised| understand(call, recognised, &shop)) {
        Ok((invocation, responses)) => match refused(call, recognised, &invocation) {
            None => {
                let asked = Asked { call, shop, invocation, responses, input: None };
                asked.answer().unwrap_or_else(Ending::Unchanged)
            }
            Some(reason) => {
                tell(&shop, call, event_of(call, &invocation, Outcome::Bypass, &reason));
                Ending::Unchanged(reason)
            }
        },
        Err(reason) => {
            let name = match recognised.family.is_c() {
                true => c_name(call.argv),
                false => crate_name(&argfile::words(call.argv, call.directory)),
            };
            tell(&shop, call, bypass(call, &name, &reason));
            Ending::Unchanged(reason)
        }
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

/// A call that was served although nobody makes it now.
pub struct Served<'a> {
    /// What it means.
    pub invocation: Invocation,
    /// What the store has no more for it.
    pub taken: Vec<(Digest, PathBuf)>,
    /// What it said.
    pub said: Vec<(Stream, Vec<u8>)>,
    /// What it took to compile.
    pub saved: Duration,
    compile: Compile<'a>,
    key: ActionKey,
}

impl Served<'_> {
    /// Whether it would still be served by the same result.
    pub fn holds(&self) -> bool {
        let (_, keys) = lookup::candidates(
            &self.compile.weak,
            &self.compile.asked.world(),
            &self.compile.asked.shop.store,
        );
        keys.contains(&self.key)
    }
}

/// A call that was made before, understood anew. None that would read words from a file: cargo makes no such calls, and what is in a file
/// would be told by the key.
fn again<'a>(call: &'a Call<'a>, recognised: &Recognised) -> Option<Asked<'a>> {
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
    Some(Asked { call, shop, invocation, responses, input: None })
}

/// Makes a call that was made before: its outputs are put in place, if they are those that came of it then, and all of them are below a
/// directory. What it said is not said again.
pub fn serve_again<'a>(
    call: &'a Call<'a>,
    recognised: &Recognised,
    key: &ActionKey,
    beneath: &Beneath,
) -> Option<Served<'a>> {
    let asked = again(call, recognised)?;
    let invocation = asked.invocation.clone();
    if invocation.stdin || !is_below(&invocation.outputs, beneath) {
        return None;
    }
    let (toolchain, owned) = asked.loaded(asked.known().ok()?).ok()?;
    let compile = asked.of(toolchain, owned);
    let restored = compile.restore_again(key, beneath);
    let what =
        if restored.is_some() { "filled" } else { "not filled: its key is another today, or nobody has it" };
    compile.asked.step(|| what.to_owned());
    let (restored, saved) = restored?;
    Some(Served { invocation, taken: restored.taken, said: restored.said, saved, compile, key: *key })
}

/// Whether all that a command line may write is named as something below a directory.
fn is_below(outputs: &OutputPlan, beneath: &Beneath) -> bool {
    let mut ends =
        outputs.files.iter().chain(&outputs.private).chain(&outputs.tree).chain([&outputs.directory]);
    ends.all(|end| beneath.is_spelled_below(end))
}

/// Whether a question that was asked before has the same answer today: the name under which it is told, given these Shapes, is `key`. The
/// answer, which came with them, is put where it is looked for.
pub fn answer_again(
    call: &Call<'_>,
    recognised: &Recognised,
    (weak, key): (&WeakKey, &ActionKey),
    shapes: Vec<Shape>,
    result: &ActionResult,
) -> Option<()> {
    let mut asked = again(call, recognised)?;
    if !asked.is_question() || !result.outputs.is_empty() {
        return None;
    }
    let (toolchain, owned) = asked.loaded(asked.known().ok()?).ok()?;
    asked.input = asked.invocation.stdin.then(Vec::new); // cargo gives its questions an empty one
    let compile = asked.of(toolchain, owned);
    let (world, store) = (compile.asked.world(), &compile.asked.shop.store);
    let bounds = kiln_sys::env::bounds(); // whoever took the picture
    let shapes = shapes.into_iter().filter(|shape| bounds.hold(shape.questions()).is_ok());
    let shape = shapes.into_iter().find(|shape| lookup::key_under(weak, shape, &world) == Some(*key));
    let shape = shape.filter(|_| compile.weak == *weak)?;
    if matches!(lookup(weak, &world, store), Looked::Found(known, _) if known == *key) {
        return Some(());
    }
    store.put(&Key::Result(*key), Content::Bytes(&result.encode(key))).ok()?;
    kiln_store::add_shape(store, weak, shape).ok()
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

/// Why a compile that is understood is none for the cache, if it is not.
fn refused(call: &Call<'_>, recognised: &Recognised, invocation: &Invocation) -> Option<Reason> {
    if let Some(reason) = script::refused(invocation, call.settings) {
        return Some(reason);
    }
    kept_out(call, recognised, invocation)
}

/// The same, whatever is there.
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

impl<'a> Asked<'a> {
    fn answer(mut self) -> Result<Ending, Reason> {
        let prepared = self.prepare();
        let told = |reason: &Reason| tell(&self.shop, self.call, self.event(Outcome::Bypass, reason));
        match prepared.inspect_err(told)? {
            Some((toolchain, owned)) => Ok(self.of(toolchain, owned).go()),
            None => Ok(self.run_first()),
        }
    }

    /// The toolchain, and what belongs to it; `None` if it is better identified once the compiler has run. Everything that can still
    /// turn out to be a bypass comes before standard input is read.
    fn prepare(&mut self) -> Result<Option<(Digest, Owned)>, Reason> {
        let met = toolchain::met(&self.invocation, &self.shop.whereabouts())?;
        let loaded = match met {
            None if !self.may_run_first() => Some(self.known()?),
            met => met,
        };
        let loaded = loaded.map(|known| self.loaded(known)).transpose()?;
        self.input = self.read_input()?;
        Ok(loaded)
    }

    /// The toolchain, identified if it must be.
    fn known(&self) -> Result<Known, Reason> {
        let whereabouts = self.shop.whereabouts();
        match toolchain::met(&self.invocation, &whereabouts)? {
            Some(known) => Ok(known),
            None => toolchain::identify(&self.invocation, &whereabouts),
        }
    }

    /// Whether nothing is gained by identifying a compiler that this cache has not met before it runs: it is a question, of which cargo
    /// asks some before a build begins, or nothing could be found anyway. Not beside a remote: units would come sooner than what is
    /// fetched for them meanwhile, and some would be compiled (measured).
    fn may_run_first(&self) -> bool {
        let nothing_to_find = || self.shop.store.is_empty();
        let heard = self.call.reporter.is_some(); // which is to be told what it hung on before the caller goes on
        !heard
            && !self.call.settings.read_only
            && self.call.afar.is_none()
            && (self.is_question() || nothing_to_find())
    }

    fn is_question(&self) -> bool {
        self.invocation.mode == Mode::Probe && self.invocation.outputs.is_empty()
    }

    /// Its digest and what belongs to it, if that is what is loaded here.
    fn loaded(&self, known: Known) -> Result<(Digest, Owned), Reason> {
        known.loaded_in(self.call.directory, self.call.environment)
    }

    fn of(self, toolchain: Digest, owned: Owned) -> Compile<'a> {
        let input = self.input.as_deref();
        let weak = told(&self.invocation, &toolchain, input, self.call, |key| key.weak_key());
        Compile {
            asked: self,
            toolchain,
            owned,
            weak,
            verified: RefCell::default(),
            remote: Cell::new(false),
        }
    }

    /// Runs a compiler that this cache has not met before half a gigabyte of it is read. Behind the caller's back, if that is all the
    /// caller waits for; outputs must be taken before the caller goes on, who may change them.
    fn run_first(self) -> Ending {
        let before = toolchain::state(&self.invocation);
        let ran = match self.run() {
            Run::Done(ran) => ran,
            Run::Failed(ending, ran) => {
                let event = Event {
                    compile_ms: ran.took.as_millis() as u64,
                    ..self.event(Outcome::Failed, &Reason::Failed)
                };
                tell(&self.shop, self.call, event);
                return ending;
            }
            Run::NotStarted(ending) => return ending,
        };
        let ending = Ending::Code(i32::from(ran.exit_code));
        if self.is_question() && process::go_on_behind() == Side::Caller {
            return ending;
        }
        let missed = if self.call.settings.recache { Reason::Recache } else { Reason::NotSeen };
        let whereabouts = self.shop.whereabouts();
        let known = toolchain::identify(&self.invocation, &whereabouts).and_then(|known| {
            let one = before.is_some() && toolchain::state(&self.invocation) == before;
            one.then_some(known).ok_or_else(|| Reason::InputChanged("the compiler".into()))
        });
        match known.and_then(|known| self.loaded(known)) {
            Ok((toolchain, owned)) => self.of(toolchain, owned).keep(&ran, &missed),
            Err(reason) => tell(&self.shop, self.call, self.event(Outcome::Bypass, &reason)),
        }
        ending
    }
}

/// A compile, ready to be looked up.
struct Compile<'a> {
    asked: Asked<'a>,
    toolchain: Digest,
    owned: Owned,
    weak: WeakKey,
    /// In verify mode: what was found, and the Shape that the hit was found by.
    verified: RefCell<Option<(Finding, Shape)>>,
    /// What is served now came from the remote side.
    remote: Cell<bool>,
}

impl Compile<'_> {
    fn go(self) -> Ending {
        self.asked.step(|| format!("{:?}, toolchain {:?},", self.weak, self.toolchain));
        let reason = match self.serve_from_cache() {
            Ok(ending) => return ending,
            Err(reason) => reason,
        };
        if self.asked.call.settings.read_only {
            // nobody waits for what is not stored
            return self.serve_from_afar().unwrap_or_else(|| self.compile(&reason));
        }
        let _flight: Flight = match self.enter() {
            Entered::Alone(flight) => flight,
            Entered::Waited(flight) => match self.serve_from_cache() {
                Ok(ending) => return ending,
                Err(_) => flight,
            },
        };
        self.serve_from_afar().unwrap_or_else(|| self.compile(&reason))
    }

    /// What the remote side knows this by, and what it is taken to cost, in milliseconds (0: nobody knows); `None` if it is not asked.
    fn workspace(&self) -> Option<(Option<afar::Workspace>, u32)> {
        const PROBE_MS: u32 = 40;
        if self.asked.call.reporter.is_some() {
            // What the script comes to is kept, too, and travels with the workspace: this is for those whose script has to run.
            let known = self.asked.invocation.mode == Mode::Compile;
            return Some((None, if known { 0 } else { PROBE_MS }));
        }
        let memo = self.asked.shop.store.memo();
        let (invocation, environment) = (&self.asked.invocation, self.asked.call.environment);
        match invocation.mode {
            Mode::Compile => Some((afar::workspace(invocation, &self.toolchain, environment, memo), 0)),
            Mode::Probe => {
                let out = Path::new(environment.get("OUT_DIR")?);
                let workspace =
                    afar::workspace_of_script(invocation, out, &self.toolchain, environment, memo)?;
                Some((Some(workspace), PROBE_MS))
            }
        }
    }

    /// What the remote side brings comes into the local store, and is served from there.
    fn serve_from_afar(&self) -> Option<Ending> {
        let mut ending = None;
        let served = RefCell::new(&mut ending);
        self.bring(&|| {
            let now = self.serve_from_cache().ok();
            let found = now.is_some();
            **served.borrow_mut() = now;
            found
        });
        ending
    }

    /// Has things brought until `is_served` says that it is enough; whether it did.
    fn bring(&self, is_served: &dyn Fn() -> bool) -> bool {
        const ROUNDS: u32 = 3; // Shapes, then a result; once more where others brought Shapes meanwhile
        let settings = self.asked.call.settings;
        let afar = self.asked.call.afar.filter(|_| !settings.recache && settings.verify.is_none());
        let (Some(afar), Some((workspace, cost_ms))) = (afar, self.workspace()) else { return false };
        for _ in 0..ROUNDS {
            let shop = &self.asked.shop;
            let (seen, keys) = lookup::candidates_to_tell(&self.weak, &self.asked.world(), &shop.store);
            let wanted = Wanted {
                weak: self.weak,
                seen,
                keys,
                build: self.asked.call.build,
                workspace,
                cost_ms,
                most_ms: u32::MAX,
            };
            let brought = afar.bring(&wanted);
            self.asked.step(|| format!("{brought:?} from afar"));
            if brought == Brought::default() {
                return false;
            }
            self.remote.set(true);
            if is_served() {
                return true;
            }
            self.remote.set(false);
        }
        false
    }

    fn restore(&self, result: &ActionResult, way: Way<'_>) -> Option<Restored> {
        let restored = restore::restore(result, &self.asked.world(), &self.asked.shop.store, way);
        if restored.is_none() {
            script::empty(&self.asked.invocation, way.beneath);
        }
        restored
    }

    /// Puts the outputs of this very result in place; with what it took to compile.
    fn restore_again(&self, wanted: &ActionKey, beneath: &Beneath) -> Option<(Restored, Duration)> {
        let here = || match lookup(&self.weak, &self.asked.world(), &self.asked.shop.store) {
            Looked::Found(key, result) if key == *wanted => Some(result),
            _ => None,
        };
        let result = here().or_else(|| self.bring(&|| here().is_some()).then(here).flatten())?;
        let may_take = self.remote.get() && !self.asked.call.settings.read_only;
        let restored = self.restore(&result, Way { take: may_take, beneath: Some(beneath) })?;
        let event = Event { filled: true, ..self.hit(wanted, &result, &restored) };
        tell(&self.asked.shop, self.asked.call, event);
        Some((restored, cost(&result)))
    }

    /// A hit, told to the caller; else why there is none.
    fn serve_from_cache(&self) -> Result<Ending, Reason> {
        if self.asked.call.settings.recache {
            return Err(Reason::Recache);
        }
        let (key, result) = match lookup(&self.weak, &self.asked.world(), &self.asked.shop.store) {
            Looked::Found(key, result) => (key, result),
            Looked::Nothing(reason) => {
                self.asked.step(|| format!("nothing found: {reason}"));
                return Err(reason);
            }
        };
        if let Some(percent) =
            self.asked.call.settings.verify.filter(|_| self.asked.invocation.mode == Mode::Compile)
        {
            self.verify(percent, &key, &result)?;
        }
        if let Some(what) =
            self.asked.invocation.family.is_c().then(|| restore::obstacle(&self.asked.invocation)).flatten()
        {
            return Err(Reason::BadOutputs(what));
        }
        let restored =
            self.restore(&result, Way::default()).ok_or_else(|| Reason::Damaged(digest::hex(&key.0)))?;
        self.asked.step(|| format!("{key:?} restored"));
        tell(&self.asked.shop, self.asked.call, self.hit(&key, &result, &restored));
        self.note(&key);
        if self.asked.call.reporter.is_some() {
            let shape = shape_of(&self.weak, &key, &self.asked.world(), &self.asked.shop.store);
            let outputs =
                result.outputs.iter().filter_map(|output| self.asked.invocation.places.resolve(&output.path));
            self.report(shape.as_ref(), outputs);
        }
        for (stream, text) in &restored.said {
            process::pass_on(channel(*stream), text);
        }
        Ok(Ending::Code(i32::from(result.exit_code)))
    }

    /// Holds a hit against a compile; a result that is wrong is dropped.
    fn verify(&self, percent: u8, key: &ActionKey, result: &ActionResult) -> Result<(), Reason> {
        if !verify::is_chosen(&key.0, percent) {
            return Ok(());
        }
        let shape =
            shape_of(&self.weak, key, &self.asked.world(), &self.asked.shop.store).unwrap_or_default();
        let hit =
            Hit { result, shape: &shape, input: self.asked.input.as_deref(), store: &self.asked.shop.store };
        let finding = verify::rebuild(&hit, &self.asked.world());
        let wrong = finding.is_wrong();
        let words = finding.words();
        self.verified.replace(Some((finding, shape)));
        if wrong {
            let _ = self.asked.shop.store.forget(key);
            return Err(Reason::Damaged(words));
        }
        Ok(())
    }

    /// The right to compile this unit. Whoever has it is waited for, but never longer than compiling would be bearable.
    fn enter(&self) -> Entered {
        const LONGEST: Duration = Duration::from_secs(60);
        let root = self.asked.invocation.fields.iter().find(|field| field.name == "input");
        let root = root.map(|field| self.asked.invocation.absolute(Path::new(&field.value)));
        let mut name = self.weak.0.to_vec();
        if let Some(Ok(Found::Content(digest, _))) =
            root.map(|path| identity::digest_of(&path, self.asked.shop.store.memo()))
        {
            name.extend(digest.hash); // other sources, other results: not worth waiting for
        }
        let place = Digest::of(&name).hash.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        single_flight::enter(&self.asked.shop.flights(), place, LONGEST)
    }

    fn compile(&self, missed: &Reason) -> Ending {
        match self.asked.run() {
            Run::Done(ran) => {
                self.keep(&ran, missed);
                Ending::Code(i32::from(ran.exit_code))
            }
            Run::Failed(ending, ran) => {
                self.tell_run(Outcome::Failed, &Reason::Failed, ran.took);
                if self.asked.call.reporter.is_some() {
                    let shape = capture::asked_by_failed(&ran, &self.asked.world(), &self.owned);
                    self.report(shape.ok().as_ref(), self.asked.invocation.outputs.files.iter().cloned());
                }
                ending
            }
            Run::NotStarted(ending) => ending,
        }
    }

    /// Says what this compile hung on to whoever records the script that asked for it. Where that is not known nothing is said: then
    /// the script counts as unrecorded.
    fn report(&self, shape: Option<&Shape>, outputs: impl Iterator<Item = PathBuf>) {
        if let (Some(reporter), Some(shape)) = (self.asked.call.reporter, shape) {
            nested::report(reporter, shape, outputs, &self.asked.world(), &self.owned);
        }
    }

    /// Notes the call, where somebody asks for notes.
    fn note(&self, key: &ActionKey) {
        let call = self.asked.call;
        if let Some(notes) = &call.settings.notes {
            note::write(notes, &self.weak, key, call, &self.asked.invocation);
        }
    }

    fn keep(&self, ran: &Ran, missed: &Reason) {
        if self.asked.call.settings.read_only {
            return self.tell_run(Outcome::Bypass, &Reason::ReadOnly, ran.took);
        }
        let guilt = self.asked.shop.guilt();
        let shelf = Shelf { store: &self.asked.shop.store, guilt: &guilt };
        match capture::capture(ran, &self.weak, &self.asked.world(), &self.owned, &shelf) {
            Ok(kept) => {
                self.tell_miss(ran, missed, &kept);
                script::stand_in(&self.asked.invocation, self.asked.call.settings);
                self.note(&kept.key);
                let outputs = &self.asked.invocation.outputs.files;
                self.report(Some(&kept.shape), kept.outputs.iter().chain(outputs).cloned());
                self.tell_afar(ran, &kept);
            }
            Err(reason @ Reason::NoStore(_)) => self.tell_run(Outcome::Error, &reason, ran.took),
            Err(reason) => self.tell_run(Outcome::Bypass, &reason, ran.took),
        }
        upkeep(&self.asked.shop, self.asked.call);
    }

    fn tell_afar(&self, ran: &Ran, kept: &Kept) {
        let Some(afar) = self.asked.call.afar else { return };
        // The name of a result says something of the answers that it is made of.
        if let Err(beyond) = kiln_sys::env::bounds().hold(kept.shape.questions()) {
            self.asked.step(|| format!("not shared: it {beyond}"));
            return;
        }
        let Some((workspace, _)) = self.workspace() else { return };
        afar.made(&Made {
            weak: self.weak,
            key: kept.key,
            incremental: self.asked.invocation.incremental,
            build: self.asked.call.build,
            workspace,
            took_ms: u32::try_from(ran.took.as_millis()).unwrap_or(u32::MAX),
        });
    }

    /// A miss, with what it came of.
    fn tell_miss(&self, ran: &Ran, missed: &Reason, kept: &Kept) {
        let mut event = self.event(Outcome::Miss, missed, ran.took);
        event.bytes = kept.bytes;
        event.key = digest::hex(&kept.key.0);
        if let Some((finding, stored)) = &*self.verified.borrow()
            && finding.is_wrong()
            && let Some(path) = verify::unrecorded(stored, &kept.shape, &self.asked.invocation)
        {
            event.verified = Finding::Denied(path).words();
        }
        if self.asked.invocation.mode == Mode::Compile {
            if let Some(difference) = self.explain(&event, kept) {
                event.cause = difference.words;
                event.follows = match difference.follows.as_str() {
                    cause::ITS_PROGRAM => script::maker(&self.asked.invocation).unwrap_or_default(),
                    _ => difference.follows,
                };
            }
            if matches!(missed, Reason::Damaged(_) | Reason::Recache) {
                event.cause = missed.to_string();
            }
        } else if let Some((_, said)) = ran.said.iter().find(|(stream, _)| *stream == Stream::Out) {
            baseline::keep_version(&self.asked.shop.toolchains(), &self.toolchain, said);
        }
        tell(&self.asked.shop, self.asked.call, event);
    }

    fn explain(&self, event: &Event, kept: &Kept) -> Option<Difference> {
        let explain = |key: &KeyInputs<'_>| {
            let missed = Missed {
                key,
                world: &self.asked.world(),
                project: &event.project,
                compiler: baseline::version(&self.asked.shop.toolchains(), &self.toolchain),
                at_ms: event.at_ms,
                removals: self.asked.shop.store.removals(),
            };
            self.asked.shop.units().explain_and_keep(&missed, kept)
        };
        let (toolchain, input) = (&self.toolchain, self.asked.input.as_deref());
        told(&self.asked.invocation, toolchain, input, self.asked.call, explain)
    }

    fn hit(&self, key: &ActionKey, result: &ActionResult, restored: &Restored) -> Event {
        let mut event = self.event(Outcome::Hit, &Reason::NotSeen, cost(result));
        event.reason.clear();
        event.bytes = restored.bytes;
        event.key = digest::hex(&key.0);
        event.remote = self.remote.get();
        event
    }

    fn tell_run(&self, outcome: Outcome, reason: &Reason, took: Duration) {
        tell(&self.asked.shop, self.asked.call, self.event(outcome, reason, took));
    }

    fn event(&self, outcome: Outcome, reason: &Reason, took: Duration) -> Event {
        let mut event = self.asked.event(outcome, reason);
        event.compile_ms = took.as_millis() as u64;
        event.verified = self.verified.borrow().as_ref().map_or_else(String::new, |(found, _)| found.words());
        event
    }
}

/// What compiling it took.
fn cost(result: &ActionResult) -> Duration {
    Duration::from_millis(u64::from(result.cost_ms))
}

/// What the WeakKey is made of, handed to `take`.
fn told<T>(
    invocation: &Invocation,
    toolchain: &Digest,
    input: Option<&[u8]>,
    call: &Call<'_>,
    take: impl FnOnce(&KeyInputs<'_>) -> T,
) -> T {
    // What a user preloads into the compiler may change anything.
    let names = invocation.environment.iter().copied().chain(["LD_PRELOAD"]);
    let mut environment: Vec<_> = names.map(|name| (name, call.environment.get(name))).collect();
    let processor = invocation.native.then(kiln_sys::machine::processor);
    if let Some(processor) = &processor {
        environment.push(("the processor", Some(OsStr::from_bytes(processor))));
    }
    let stdin = input.map(Digest::of);
    let settings = switches::fields(call.settings, invocation.family);
    take(&KeyInputs {
        invocation,
        toolchain,
        stdin: stdin.as_ref(),
        environment: &environment,
        settings: &settings,
    })
}

/// Starts the collector where it is due, in a process of its own that nothing waits for.
fn upkeep(shop: &Workshop, call: &Call<'_>) {
    if shop.store.due(&workshop::limits(call.settings))
        && let Some(program) = kiln_sys::env::own_program()
    {
        let _ = process::start_detached(program.as_os_str(), &["gc".into(), "--background".into()]);
    }
}

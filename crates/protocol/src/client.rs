//! The wrapper's end: connects, starts a daemon where there is none, asks, and gives up in time.

use crate::message::{self, Incoming, LONGEST_ANSWER, PROTOCOL, tag};
use crate::place::{DaemonPlace, age};
use crate::queue::Queued;
use crate::{
    Chore, Hello, Made, Maintained, Message, Prefetched, Pushed, RemoteCache, Resolve, Resolved, Status,
    Tried, Waited, Workspace,
};
use kiln_action::SnapshotKey;
use kiln_action::wire::{Reader, Writer};
use kiln_sys::clock::Moment;
use kiln_sys::socket::{self, Stream};
use kiln_sys::{files, process};
use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A daemon that says nothing for so long is as good as gone, and so is one that says that it is at it while nothing comes of it. From
/// connecting to the answer, what a compile waits for altogether.
const SILENCE: Duration = Duration::from_secs(2);
/// A daemon lets nobody wait longer for a unit (kiln-daemon's budgets), whatever comes meanwhile: so nobody waits.
const LONGEST: Duration = Duration::from_secs(20);
/// So long a daemon may say nothing at all with a person waiting.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// So long a new daemon is waited for.
const START: Duration = Duration::from_millis(250);
/// So long after one start there is no other.
const AGAIN: Duration = Duration::from_secs(10);
/// So long after it did not answer no other process asks it: a build has hundreds, and each would wait.
const SILENT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// There is no daemon, or none that answers.
    Gone(io::Error),
    /// It refused, with this reason.
    ByDaemon(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Gone(error) => write!(f, "the daemon does not answer: {error}"),
            Refusal::ByDaemon(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Gone(error)
    }
}

/// One process's connection to the daemon, made when it is first needed.
pub struct Client {
    place: DaemonPlace,
    cache: PathBuf,
    hello: Hello,
    /// The daemon's program; without it none is started.
    program: Option<PathBuf>,
    stream: RefCell<Option<Stream>>,
    /// It was tried, and there was none.
    given_up: Cell<bool>,
    /// Whether it is asked although it did not answer a while ago.
    for_a_person: bool,
}

impl Client {
    /// For the daemon of this cache directory.
    pub fn new(cache: &Path, hello: Hello, program: Option<PathBuf>) -> Client {
        Client {
            place: DaemonPlace::new(cache),
            cache: cache.to_owned(),
            hello,
            program,
            stream: RefCell::default(),
            given_up: Cell::new(false),
            for_a_person: false,
        }
    }

    /// The same for somebody who asks for it: no memory of its silence keeps it from being asked.
    pub fn for_a_person(self) -> Client {
        Client { for_a_person: true, ..self }
    }

    /// The same, starting no daemon where there is none.
    pub fn only_if_running(self) -> Client {
        Client { program: None, ..self }
    }

    /// Where the daemon lives.
    pub fn place(&self) -> &DaemonPlace {
        &self.place
    }

    /// A hash of the stores in its Hello.
    pub fn stores(&self) -> [u8; 32] {
        self.hello.stores()
    }

    /// Says that something was put into the queue, and how much this build has compiled.
    pub fn kept(&self, build: u32, compiled_ms: u32) {
        let mut body = Writer::default();
        body.u32(build);
        body.u32(compiled_ms);
        let _ = self.with_stream(Moment::now(), |stream| message::send(stream, tag::KEPT, &body.0));
    }

    /// Asks anything; `silence` is how long it may say nothing at all.
    pub fn ask(&self, tag: u8, body: &[u8], silence: Duration) -> Result<Vec<u8>, Refusal> {
        self.ask_for(tag, body, silence, None)
    }

    /// The same, and `most` is how long it may take, whatever comes meanwhile; with nothing coming it may take `silence`.
    fn ask_for(
        &self,
        tag: u8,
        body: &[u8],
        silence: Duration,
        most: Option<Duration>,
    ) -> Result<Vec<u8>, Refusal> {
        let since = Moment::now();
        let (answer, bytes) = self.with_stream(since, |stream| {
            message::send(stream, tag, body)?;
            hear(&mut Listener { stream, silence, most, since, moved: since, came: None })
        })?;
        match answer {
            tag::REFUSED => Err(Refusal::ByDaemon(String::from_utf8_lossy(&bytes).into_owned())),
            _ => Ok(bytes),
        }
    }

    /// How the daemon does.
    pub fn status(&self) -> Result<Status, Refusal> {
        self.answer(tag::STATUS, b"")
    }

    /// Has it finish uploads, within so long.
    pub fn wait(&self, most: Duration) -> Result<Waited, Refusal> {
        let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        self.answer(tag::WAIT, &most_ms.encode())
    }

    /// Has it bring the bundle of a workspace.
    pub fn prefetch(&self, workspace: &Workspace) -> Result<Prefetched, Refusal> {
        self.answer(tag::PREFETCH, &workspace.encode())
    }

    /// Has it upload every result of the local store that may leave this machine, and these snapshots.
    pub fn push(&self, snapshots: &Vec<SnapshotKey>) -> Result<Pushed, Refusal> {
        self.answer(tag::PUSH, &snapshots.encode())
    }

    /// Has it do this in every store; a store that may not be written to is left out where something is to be removed.
    pub fn maintain(&self, chore: &Chore) -> Result<Vec<Maintained>, Refusal> {
        self.answer(tag::MAINTAIN, &chore.encode())
    }

    /// Has it ask every store something small.
    pub fn try_stores(&self) -> Result<Tried, Refusal> {
        self.answer(tag::TRY, b"")
    }

    /// Asks for a person, who waits as long as it says that it is at it.
    fn answer<T: Message>(&self, tag: u8, body: &[u8]) -> Result<T, Refusal> {
        let bytes = self.ask(tag, body, PATIENCE)?;
        T::decode(&bytes).map_err(|_| Refusal::ByDaemon("the daemon's answer cannot be read".to_owned()))
    }

    /// Whether there is, or could be, a daemon that empties the queue.
    pub fn has_daemon(&self) -> bool {
        let there = |program: &PathBuf| {
            socket::ARE_SUPPORTED && files::stat(program).is_ok_and(|found| found.is_some())
        };
        self.program.as_ref().is_some_and(there)
    }

    /// Puts a result into the queue, if there is, or could be, a daemon that empties it.
    fn enqueue(&self, queued: &Queued) -> bool {
        self.has_daemon() && self.place.make().is_ok() && queued.enqueue(&self.place.queue()).is_ok()
    }

    /// Whether somebody answers, without starting anybody.
    pub fn is_there(&self) -> bool {
        self.place.connect().is_ok()
    }

    /// Works with the connection, which is made where there is none; `since` is when somebody began to wait.
    fn with_stream<T>(
        &self,
        since: Moment,
        work: impl FnOnce(&mut Stream) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut kept = self.stream.borrow_mut();
        if kept.is_none() {
            if self.given_up.get() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            let made = if !self.for_a_person && self.is_silent() {
                Err(io::ErrorKind::TimedOut.into())
            } else {
                self.connect(since)
            };
            self.given_up.set(made.is_err());
            *kept = Some(made.inspect_err(|error| self.note(error))?);
        }
        let stream = kept.as_mut().unwrap_or_else(|| unreachable!("just made"));
        let done = work(stream);
        if let Err(error) = &done {
            *kept = None; // half an answer may be in it
            self.given_up.set(true);
            self.note(error);
        }
        done
    }

    /// Whether it was silent a while ago.
    pub fn is_silent(&self) -> bool {
        self.is_recent(&self.place.silent(), SILENT)
    }

    fn is_recent(&self, mark: &Path, within: Duration) -> bool {
        files::lstat(mark).ok().flatten().and_then(age).is_some_and(|age| age < within)
    }

    /// It does not come: the others are not to wait for it either. Where it came at the last moment, they may.
    fn give_up(&self, since: Moment) -> io::Result<Stream> {
        let mark = self.place.silent();
        let _ = files::write_private(&mark, b"");
        match self.place.connect() {
            Ok(stream) => {
                let _ = files::remove(&mark);
                self.greet(stream, since)
            }
            Err(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Leaves a mark for the others where it hangs.
    fn note(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::WouldBlock && !self.is_silent() {
            let _ = files::write_private(&self.place.silent(), b"");
        }
    }

    fn connect(&self, since: Moment) -> io::Result<Stream> {
        let greeted = match self.place.connect() {
            Ok(stream) => self.greet(stream, since),
            Err(error) => Err(error),
        };
        match greeted {
            Ok(stream) => Ok(stream),
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::Unsupported => Err(error),
                _ => self.start(since),
            },
        }
    }

    /// Says who we are. A daemon of an older protocol is asked to go, so that ours can take its place.
    fn greet(&self, mut stream: Stream, since: Moment) -> io::Result<Stream> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        message::send(&mut stream, tag::HELLO, &self.hello.encode())?;
        let (answer, bytes) = hear(&mut Listener::brief(&mut stream, since))?;
        let theirs = bytes.first_chunk().map_or(0, |head| u32::from_le_bytes(*head));
        if answer == tag::TEXT && theirs == PROTOCOL {
            return Ok(stream);
        }
        if theirs < PROTOCOL {
            let _ = message::send(&mut stream, message::RETIRE, b"");
            let _ = hear(&mut Listener::brief(&mut stream, since));
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.given_up.set(true); // it is newer: it stays, and we step aside
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Starts a daemon, unless somebody has just done so, and waits for it a little.
    fn start(&self, since: Moment) -> io::Result<Stream> {
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        self.place.make().map_err(|error| error.source)?;
        let mark = self.place.started();
        let recently = self.is_recent(&mark, AGAIN);
        if !recently {
            let _ = files::write_private(&mark, b"");
            let args: [OsString; 1] = [self.cache.clone().into()];
            process::start_detached(program.as_os_str(), &args)?;
        }
        let started = Moment::now();
        loop {
            if let Ok(stream) = self.place.connect() {
                return self.greet(stream, since);
            }
            if started.elapsed() > if recently { START / 5 } else { START } {
                return self.give_up(since);
            }
            process::pause(Duration::from_millis(2));
        }
    }
}

impl RemoteCache for Client {
    /// Waits as long as something comes. Whatever goes wrong is a "no".
    fn resolve(&self, wanted: &Resolve) -> Resolved {
        let most = Duration::from_millis(u64::from(wanted.most_ms)).min(LONGEST) + SILENCE;
        let asked = self.ask_for(tag::RESOLVE, &wanted.encode(), SILENCE, Some(most));
        asked.ok().and_then(|bytes| Resolved::decode(&bytes).ok()).unwrap_or_default()
    }

    /// Puts it into the queue, and says so, and how much this build has compiled.
    fn made(&self, made: &Made) {
        if self.enqueue(&Queued { remotes: self.stores(), product: made.product }) {
            self.kept(made.build, made.took_ms);
        }
    }
}

/// Reads what a daemon says, and for no longer than is allowed: one that says a byte a second, or that it is still at it, would be listened
/// to for ever.
struct Listener<'a> {
    stream: &'a mut Stream,
    /// How long it may say nothing.
    silence: Duration,
    /// How long it may take, as long as something comes; without it everything that it says counts as a sign of life.
    most: Option<Duration>,
    since: Moment,
    /// When it last reported that something had come.
    moved: Moment,
    /// The count that it reported then.
    came: Option<u64>,
}

impl<'a> Listener<'a> {
    /// For an answer that is not worked for.
    fn brief(stream: &'a mut Stream, since: Moment) -> Listener<'a> {
        Listener { stream, silence: SILENCE, most: Some(SILENCE), since, moved: since, came: None }
    }

    /// It is still at it, and `body` says how far. What it says first is what there was before.
    fn note(&mut self, body: &[u8]) {
        let came = Reader(body).u64().ok();
        if self.came.is_some() && came.is_some() && came != self.came {
            self.moved = Moment::now();
        }
        self.came = came.or(self.came);
    }
}

impl Read for Listener<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = match self.most {
            Some(most) => {
                let all = most.checked_sub(self.since.elapsed());
                let still = self.silence.checked_sub(self.moved.elapsed());
                all.zip(still).map(|(all, still)| all.min(still)).filter(|left| !left.is_zero())
            }
            None => Some(self.silence),
        };
        let left = left.ok_or(io::ErrorKind::WouldBlock)?;
        self.stream.set_read_timeout(Some(left.min(self.silence)))?;
        self.stream.read(buffer)
    }
}

/// The next answer that is one, however many frames it has.
fn hear(stream: &mut Listener<'_>) -> io::Result<(u8, Vec<u8>)> {
    loop {
        let incoming = Incoming::next(stream, LONGEST_ANSWER)?;
        match (incoming.tag, incoming.body()?) {
            (tag::WORKING, body) => stream.note(&body),
            answer => return Ok(answer),
        }
    }
}

#[cfg(test)]
mod tests;

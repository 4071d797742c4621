//! One compile, in an order that can be read aloud: a [`Call`] is parsed into a `Request`, which is `Keyed`, and looked up; a hit is
//! put in place, a miss is run, kept and recorded as an event. Every arrow makes a finished value, which is only read from then on.

use crate::cache_dir::CacheDir;
use crate::call::{Call, Ending, Wrapped};
use crate::hit;
use crate::keyed::{Keyed, Prepared};
use crate::lookup;
use crate::miss::{self, Miss};
use crate::remote;
use crate::request::Request;
use crate::run;
use crate::toolchain;
use kiln_action::{Event, Outcome, Reason};
use kiln_compiler::Recognised;
use kiln_exec::single_flight::Entered;
use kiln_sys::process::{self, Side};

/// Does what the compiler would do, from the cache if that is sound.
pub fn wrap(call: &Call<'_>, recognised: &Recognised) -> Wrapped {
    if call.settings.off {
        return Wrapped::unchanged(Reason::Disabled);
    }
    let request = CacheDir::open(call.settings).and_then(|cache| Request::parse(call, recognised, cache));
    let wrapped = request.and_then(|request| match request.prepare()? {
        Prepared::Keyed(keyed) => Ok(look_up(&keyed)),
        Prepared::NotMet(request) => Ok(run_first(request)),
    });
    wrapped.unwrap_or_else(Wrapped::unchanged)
}

/// From the local store; else, alone among those who want the same, from the remote side; else by compiling.
fn look_up(keyed: &Keyed<'_>) -> Wrapped {
    keyed.request.step(|| format!("{:?}, toolchain {:?},", keyed.weak, keyed.toolchain));
    let miss = match hit::serve(keyed, hit::Origin::Local) {
        Ok(wrapped) => return wrapped,
        Err(miss) => miss,
    };
    if keyed.request.call.settings.read_only {
        return fetch_or_compile(keyed, miss); // nobody waits for what is not stored
    }
    let (miss, _flight) = match keyed.enter() {
        Entered::Alone(flight) => (miss, flight),
        Entered::Waited(flight) => match hit::serve(keyed, hit::Origin::Local) {
            Ok(wrapped) => return wrapped,
            Err(later) => (Miss { checked: later.checked.or(miss.checked), ..miss }, flight),
        },
    };
    fetch_or_compile(keyed, miss)
}

fn fetch_or_compile(keyed: &Keyed<'_>, miss: Miss) -> Wrapped {
    let fetched = remote::fetch(keyed, || hit::serve(keyed, hit::Origin::Remote).ok());
    fetched.unwrap_or_else(|| compile(keyed, &miss))
}

fn compile(keyed: &Keyed<'_>, miss: &Miss) -> Wrapped {
    let inputs = keyed.request.call.runner.wants_inputs().then(|| lookup::candidate(keyed)).flatten();
    match run::run(&keyed.request, inputs) {
        run::RunOutcome::Done(run) => {
            Wrapped { ending: run.exit.into(), named: miss::keep(keyed, &run, miss) }
        }
        run::RunOutcome::Failed(ending, run) => {
            miss::failed(keyed, &run, miss);
            Wrapped::ended(ending)
        }
        run::RunOutcome::NotStarted(ending) => Wrapped::ended(ending),
    }
}

/// Runs a compiler that this cache has not met before half a gigabyte of it is read. Behind the caller's back, if that is all the
/// caller waits for; outputs must be taken before the caller goes on, who may change them.
fn run_first(request: Request<'_>) -> Wrapped {
    let before = toolchain::state(&request.invocation);
    let run = match run::run(&request, None) {
        run::RunOutcome::Done(run) => run,
        run::RunOutcome::Failed(ending, run) => {
            let event = request.event(Outcome::Failed, &Reason::Failed);
            request.tell(Event { compile_ms: run.took.as_millis() as u64, ..event });
            return Wrapped::ended(ending);
        }
        run::RunOutcome::NotStarted(ending) => return Wrapped::ended(ending),
    };
    let ending = Ending::from(run.exit);
    if request.is_question() && process::go_on_behind() == Side::Caller {
        return Wrapped::ended(ending);
    }
    let reason = if request.call.settings.recache { Reason::Recache } else { Reason::NotSeen };
    match request.identified_since(before) {
        Ok((toolchain, owned)) => {
            let named = miss::keep(&Keyed::of(request, toolchain, owned), &run, &Miss::of(reason));
            Wrapped { ending, named }
        }
        Err(reason) => {
            request.tell(request.event(Outcome::Bypass, &reason));
            Wrapped::ended(ending)
        }
    }
}

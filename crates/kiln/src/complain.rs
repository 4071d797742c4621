//! Saying, once a build, that the cache cannot be used or that a setting is odd. A build calls the wrapper hundreds of
//! times; a marker named after the process that calls it (cargo) keeps the others quiet.

use kiln_action::{Digest, Reason};
use kiln_config::layers::Loaded;
use kiln_engine::Ending;
use kiln_sys::files;
use kiln_sys::process::{self, Channel};
use kiln_sys::{env, marker};

/// Prints the complaints, unless another call of the same build has.
pub fn once(loaded: &Loaded, ending: &Ending) {
    for complaint in &loaded.complaints {
        warn(&complaint.to_string());
    }
    if let Ending::Unchanged(Reason::NoStore(why)) = ending {
        warn(&format!("{why}; building without the cache (set KILN_DIR to a directory that can be written)"));
    }
}

fn warn(what: &str) {
    // (numbers of processes come again, so the moment at which it was started is part of its name)
    let name = format!("{}-{}-{:?}-{what}", env::user(), process::parent(), process::start_of_parent());
    let marker =
        env::temporary_directory().join(format!("kiln-said-{}", &Digest::of(name.as_bytes()).hex()[..16]));
    // Where no marker can be made, saying it too often beats not saying it; one that is another user's says nothing.
    let reported = || files::lstat_owner(&marker).ok().flatten() == Some(env::user());
    if marker::claim(&marker).unwrap_or(true) || !reported() {
        process::say(Channel::Err, format!("kiln: warning: {what}\n").as_bytes());
    }
}

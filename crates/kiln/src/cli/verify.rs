//! `kiln verify`: look at everything that is stored; with `--rebuild`, hold hits against real compiles.

use crate::launch::{Command, Launch};
use crate::paint::Paint;
use crate::progress::Progress;
use crate::{build, exit, fail, say, words};
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_prefill::session::Session;
use kiln_protocol::Chore;
use kiln_recorder::Below;
use kiln_report::log;
use kiln_store::{Damage, VerifyReport};
use kiln_sys::env::{self, Environment};
use kiln_sys::process::{self, Channel, Ended};
use kiln_sys::sandbox;
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;

/// What to verify.
#[derive(clap::Args)]
pub struct Arguments {
    /// Remove what is damaged (a lost result costs a compile), close to others what they can write to
    #[arg(long, conflicts_with = "rebuild")]
    repair: bool,
    /// As JSON (docs/reference/verify.md; fields are only ever added)
    #[arg(long)]
    json: bool,
    /// Look at every object in the remote stores instead (which fetches all of them)
    #[arg(long, conflicts_with_all = ["repair", "rebuild"])]
    remote: bool,
    /// Run COMMAND, compile on hits all the same, allowed to read the recorded inputs only, and compare
    #[arg(long, requires = "command")]
    rebuild: bool,
    /// Of the hits, compare this part
    #[arg(long, value_name = "PERCENT", default_value = "100%", requires = "rebuild")]
    sample: String,
    /// The command to run, such as `cargo build` or `make`
    #[arg(last = true, value_name = "COMMAND", requires = "rebuild")]
    command: Vec<OsString>,
}

/// Checks the cache, or compiles hits again and compares; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment, paint: Paint) -> i32 {
    if arguments.rebuild {
        return rebuild(arguments, settings, environment, paint);
    }
    if arguments.remote {
        return crate::remote::maintain(&Chore::Verify, arguments.json, settings);
    }
    let cache = match CacheDir::open(settings) {
        Ok(cache) => cache,
        Err(reason) => return fail(&reason.to_string()),
    };
    let progress = Progress::start("verifying", paint.moves() && !arguments.json);
    let verified = cache.store.verify(arguments.repair, &|done, total| {
        let percent = done.saturating_mul(100) / total.max(1);
        progress.reached(|| format!("{percent} % of {}", words::bytes(total)));
    });
    drop(progress);
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return fail(&error.to_string()),
    };
    say(&if arguments.json { as_json(&verified) } else { as_text(&verified, paint) });
    let left = verified.damage.iter().any(|damage| !damage.repaired);
    if left { exit::WRONG } else { exit::FINE }
}

fn as_json(verified: &VerifyReport) -> String {
    let damage = |damage: &Damage| {
        json!({
            "fault": damage.fault.name(),
            "path": damage.path.display().to_string(),
            "unit": damage.unit,
            "repaired": damage.repaired,
        })
    };
    let value = json!({
        "schema": 1,
        "blobs": verified.blobs,
        "bytes": verified.bytes,
        "results": verified.results,
        "records": verified.records,
        "damage": verified.damage.iter().map(damage).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn as_text(verified: &VerifyReport, paint: Paint) -> String {
    let mut text = String::new();
    for damage in &verified.damage {
        let what = if damage.repaired {
            paint.warning(&format!("{}, repaired", damage.fault.words()))
        } else {
            paint.bad(damage.fault.words())
        };
        let unit = if damage.unit.is_empty() { String::new() } else { format!(" ({})", damage.unit) };
        let _ = writeln!(text, "{what}{unit}: {}", damage.path.display());
    }
    let looked = format!(
        "{} and {} of {} looked at",
        words::count(verified.results, "result"),
        words::count(verified.blobs, "blob"),
        words::bytes(verified.bytes)
    );
    let left = verified.damage.iter().filter(|damage| !damage.repaired).count() as u64;
    let _ = match (verified.damage.len() as u64, left) {
        (0, _) => writeln!(text, "{looked}: {}", paint.good("all sound")),
        (damaged, 0) => writeln!(text, "{looked}: {damaged} damaged and repaired"),
        (damaged, _) => {
            writeln!(text, "{looked}: {damaged} damaged; `kiln verify --repair` removes what is damaged")
        }
    };
    text
}

/// A part of a hundred.
fn percent(text: &str) -> Option<u8> {
    text.trim().trim_end_matches('%').trim().parse().ok().filter(|part| (1..=100).contains(part))
}

fn rebuild(arguments: &Arguments, settings: &Settings, environment: &Environment, paint: Paint) -> i32 {
    let Some(sample) = percent(&arguments.sample) else {
        return fail("--sample takes a part of a hundred, such as 10%");
    };
    let Some(wrapper) = env::program_beside("kiln") else {
        return fail("cannot tell where kiln is installed");
    };
    if !sandbox::is_supported() {
        let note =
            "kiln: note: this kernel has no Landlock: outputs are compared, missing inputs are not noticed\n";
        process::say(Channel::Err, note.as_bytes());
    }
    let session = Session::begin(settings);
    let Some(events) = session.events() else {
        return fail("the cache directory cannot be written to; is KILN_OFF set, is KILN_DIR right?");
    };
    let sample = OsString::from(sample.to_string());
    let set = [
        (OsStr::new("RUSTC_WRAPPER"), wrapper.as_os_str()),
        (OsStr::new("KILN_EVENTS"), events.as_os_str()),
        (OsStr::new("KILN_BUILD"), session.build()),
        (OsStr::new("KILN_VERIFY"), sample.as_os_str()),
    ];
    let Some((program, args)) = arguments.command.split_first() else {
        return fail("what is to be run? (`kiln verify --rebuild -- cargo build`)");
    };
    let command = Command { program, args, below: Below::All };
    let ended = match Launch::of(&command, settings, &wrapper, environment).run(&set) {
        Ok(ended) => ended,
        Err(error) => {
            let code = build::cannot_run(program, &error);
            session.end();
            return code;
        }
    };
    let found = Compared::of(&session.recorded_events());
    session.end();
    say(&if arguments.json { found.as_json() } else { found.as_text(paint) });
    match ended {
        Ended::Code(0) if found.wrong.is_empty() => exit::FINE,
        Ended::Code(0) => exit::WRONG,
        Ended::Code(code) => code,
        Ended::Signal(signal) => process::end_by_signal(signal),
    }
}

/// What a build in verify mode found.
#[derive(Default)]
struct Compared {
    hits: u64,
    same: u64,
    not_compared: u64,
    /// Unit, directory, finding.
    wrong: Vec<(String, String, String)>,
}

impl Compared {
    fn of(text: &[u8]) -> Compared {
        let mut found = Compared::default();
        for event in log::parse(text) {
            found.hits += u64::from(event.outcome == kiln_action::Outcome::Hit);
            match event.verified.as_str() {
                "" => {}
                "same" => found.same += 1,
                verdict if verdict.starts_with("not compared") => found.not_compared += 1,
                verdict => {
                    let unit = format!("{} {}", event.name, event.kind);
                    found.wrong.push((unit, event.directory.clone(), verdict.to_owned()));
                }
            }
        }
        found
    }

    fn as_json(&self) -> String {
        let wrong = |(unit, directory, finding): &(String, String, String)| json!({ "unit": unit, "directory": directory, "finding": finding });
        let value = json!({
            "schema": 1,
            "hits": self.hits,
            "same": self.same,
            "not_compared": self.not_compared,
            "wrong": self.wrong.iter().map(wrong).collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }

    fn as_text(&self, paint: Paint) -> String {
        let mut text = String::new();
        if self.hits == 0 && self.wrong.is_empty() {
            return "nothing was restored, so there was nothing to compare: were there outputs already, so that nothing was compiled?\n"
                .into();
        }
        for (unit, directory, finding) in &self.wrong {
            let _ = writeln!(
                text,
                "{}: {finding} (compiled in {directory}); the entry was dropped",
                paint.bad(unit)
            );
        }
        let _ = write!(text, "{} compiled again and the same", words::count(self.same, "unit"));
        if self.not_compared > 0 {
            let _ = write!(text, ", {} not compared (they differ every time)", self.not_compared);
        }
        let _ = match self.wrong.len() {
            0 => writeln!(text, ": {}", paint.good("every hit was right")),
            wrong => writeln!(text, ", {wrong} wrong"),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_sample_is_a_part_of_a_hundred() {
        assert_eq!((percent("10%"), percent("100"), percent(" 5 %")), (Some(10), Some(100), Some(5)));
        assert_eq!((percent("0"), percent("101"), percent("half")), (None, None, None));
    }
}

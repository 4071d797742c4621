//! The log that a user asks for (`KILN_LOG`): what the wrapper decided, as lines for people. Values of variables never
//! get here.

use kiln_action::calendar::date;
use kiln_action::{Event, Outcome, Unit};
use kiln_config::Settings;
use kiln_config::values::{LogLevel, LogTo};
use kiln_sys::clock;
use kiln_sys::process::Channel;
use kiln_sys::{files, process};
use std::path::Path;

/// Writes down how a compile ended, if somebody wants to know. That it cannot be written changes nothing.
pub fn ended(log: Option<&LogTo>, event: &Event) {
    let Some(log) = log.filter(|log| log.level >= level(event)) else { return };
    append(log, level(event), &in_words(event));
}

/// Writes down a step on the way, where steps are wanted.
pub fn step(log: Option<&LogTo>, unit: &Unit, what: impl FnOnce() -> String) {
    if let Some(log) = log.filter(|log| log.level >= LogLevel::Debug) {
        append(log, LogLevel::Debug, &format!("{}: {}", named(&unit.name, &unit.kind), what()));
    }
}

fn level(event: &Event) -> LogLevel {
    match event.outcome {
        Outcome::Hit | Outcome::Miss => LogLevel::Info,
        Outcome::Bypass | Outcome::Failed | Outcome::Error => LogLevel::Warn,
    }
}

fn in_words(event: &Event) -> String {
    let outcome = match event.outcome {
        Outcome::Hit => "hit",
        Outcome::Miss => "miss",
        Outcome::Bypass => "not cached",
        Outcome::Failed => "failed",
        Outcome::Error => "error",
    };
    let mut words = format!("{outcome} {}", named(&event.name, &event.kind));
    if !event.reason.is_empty() {
        words += &format!(": {}", event.reason);
    }
    if !event.detail.is_empty() {
        words += &format!(": {}", event.detail);
    }
    words += &format!("; {:.1} ms", event.took_us as f64 / 1000.0);
    match event.outcome {
        Outcome::Hit => words += &format!(", {} ms saved", event.compile_ms),
        Outcome::Miss => words += &format!(", {} ms of them compiling", event.compile_ms),
        _ => {}
    }
    words
}

fn named(name: &str, kind: &str) -> String {
    let name = if name.is_empty() { "?" } else { name };
    if kind.is_empty() { name.to_owned() } else { format!("{name} ({kind})") }
}

/// Whether a path is another name of this process's standard error.
fn is_standard_error(path: &Path) -> bool {
    ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"].iter().any(|name| path == Path::new(name))
}

/// Whether the log or events go to standard error, which a build reads, too: what cargo and build scripts read there may become part of what they make.
pub fn reaches_the_build(settings: &Settings) -> bool {
    let paths = [settings.log.as_ref().map(|log| &*log.path), settings.events.as_deref()];
    paths.into_iter().flatten().any(is_standard_error)
}

/// Switches off a log and events that go to standard error, which the build reads.
pub fn keep_from_the_build(settings: &mut Settings) {
    settings.log.take_if(|log| is_standard_error(&log.path));
    settings.events.take_if(|path| is_standard_error(path));
}

/// Appends a line to what a user has named. Standard output is none of that: what a compiler says there is for programs.
pub fn tell(path: &Path, line: &[u8]) {
    const FOR_PROGRAMS: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    if is_standard_error(path) {
        process::say(Channel::Err, line);
    } else if !FOR_PROGRAMS.iter().any(|name| path == Path::new(name)) {
        let _ = files::append_to_named(path, line);
    }
}

fn append(log: &LogTo, level: LogLevel, what: &str) {
    let what = what.replace('\n', "\\n");
    let line = format!("{} {} {:5} {what}\n", stamp(clock::now_ms()), process::own_id(), level.name());
    tell(&log.path, line.as_bytes());
}

/// Milliseconds since the epoch as `2026-11-20T06:00:00.123Z`.
fn stamp(ms: u64) -> String {
    let ((year, month, day), of_day) = (date(ms), ms % 86_400_000);
    let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", of_day % 1000)
}

#[cfg(test)]
mod tests;

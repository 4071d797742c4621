//! Runs the real compiler, passing its answer on as it comes, and keeps what came out.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::thread;
use std::time::SystemTime;

use crate::call::Call;
use crate::{fields, outputs};

/// What one run of the compiler answered.
pub struct Run {
    /// Its exit code; 255 when a signal ended it.
    pub code: u8,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs the call and stores its outputs and answer under `entry`; returns the exit code.
pub fn record(call: &Call, entry: &Path) -> io::Result<u8> {
    let start = SystemTime::now();
    let run = run(call)?;
    fs::create_dir_all(entry)?;
    let mut meta = Vec::new();
    fields::push(&mut meta, &[run.code]);
    fields::push(&mut meta, &run.stdout);
    fields::push(&mut meta, &run.stderr);
    for (index, file) in outputs::written(&call.argv[1..], start).iter().enumerate() {
        let stored = entry.join(index.to_string());
        fs::copy(file, &stored)?;
        fields::push(&mut meta, file.as_os_str().as_bytes());
        fields::push(&mut meta, blake3::hash(&fs::read(&stored)?).as_bytes());
    }
    describe(call, entry)?;
    // Last, because a record exists when its meta file does.
    fs::write(entry.join("meta"), meta)?;
    Ok(run.code)
}

/// Runs the compiler; its stderr is passed on as it arrives, so that cargo starts dependants early.
pub fn run(call: &Call) -> io::Result<Run> {
    let source = if call.stdin.is_some() { Stdio::piped() } else { Stdio::inherit() };
    let mut child = Command::new(&call.argv[0])
        .args(&call.argv[1..])
        .stdin(source)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let feeder = child.stdin.take().zip(call.stdin.clone()).map(|(pipe, text)| feed(pipe, text));
    let mut answers = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        answers.as_mut().map(|pipe| pipe.read_to_end(&mut bytes)).transpose().map(|_| bytes)
    });
    let stderr = child.stderr.take().map_or(Ok(Vec::new()), pass_on)?;
    let stdout = reader.join().map_err(|_| io::Error::other("the stdout reader panicked"))??;
    io::stdout().write_all(&stdout)?;
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
    Ok(Run { code, stdout, stderr })
}

/// A compiler that does not read its input to the end is none of our business.
fn feed(mut pipe: ChildStdin, text: Vec<u8>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let _ = pipe.write_all(&text);
    })
}

fn pass_on(mut pipe: impl Read) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0_u8; 1 << 16]);
    loop {
        let length = pipe.read(&mut buffer)?;
        if length == 0 {
            return Ok(all);
        }
        io::stderr().write_all(&buffer[..length])?;
        all.extend(&buffer[..length]);
    }
}

/// Keeps the call itself, NUL-separated like `/proc/PID/cmdline`, so that it can be repeated without cargo.
fn describe(call: &Call, entry: &Path) -> io::Result<()> {
    let mut argv = Vec::new();
    for argument in &call.argv {
        argv.extend(argument.as_bytes());
        argv.push(0);
    }
    let mut environment = Vec::new();
    for (name, value) in env::vars_os() {
        environment.extend(name.as_bytes());
        environment.push(b'=');
        environment.extend(value.as_bytes());
        environment.push(0);
    }
    fs::write(entry.join("argv"), argv)?;
    fs::write(entry.join("env"), environment)?;
    fs::write(entry.join("cwd"), call.cwd.as_os_str().as_bytes())
}

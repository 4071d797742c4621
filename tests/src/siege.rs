//! Somebody who can write to a cache or to a store that machines share, and puts something else in the place of one of its files: whatever
//! that is, a build is what plain cargo makes, nothing outside of `target` and the cache is touched, and nothing hangs.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kiln_testkit::{Project, Random, TestSpace, tree};

use crate::projects::chain;

/// What is done to a file.
const DEEDS: [&str; 16] = [
    "swapped with another of its kind",
    "replaced by another of its kind",
    "replaced by one from another cache",
    "cut short",
    "emptied",
    "one byte flipped",
    "many bytes flipped",
    "bytes added",
    "made a gigabyte",
    "random bytes",
    "a link to somebody's file",
    "a link to what never ends",
    "a link to itself",
    "a pipe that nobody writes to",
    "a directory",
    "gone",
];
/// Nobody waits longer for a build of four units; what takes as long hangs.
const HANGS: Duration = Duration::from_secs(120);
const PRECIOUS: &str = "somebody's";

/// A cache, a share, and copies of both from other builds.
pub struct Siege {
    space: TestSpace,
    random: Random,
}

impl Siege {
    /// Builds what is to be attacked.
    pub fn new(seed: u64) -> Siege {
        let mut siege = Siege { space: TestSpace::new(), random: Random::new(seed) };
        siege.space.write("victim/precious", PRECIOUS);
        for (base, value) in [("other", "7"), ("base", "3")] {
            let share = siege.space.path(format!("{base}-share"));
            fs::create_dir_all(&share).expect("mkdir");
            siege.space.set_cache(siege.space.path(format!("{base}-cache")));
            siege.space.set_env("KILN_REMOTE", format!("file://{}", share.display()));
            let project = chain(&siege.space, "ws");
            project.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {value} }}\n"));
            for _ in 0..2 {
                project.clean();
                siege.build(&project).expect("it builds");
            }
            let _ = siege.space.kiln(&["push"]).current_dir(project.dir()).output();
            siege.stop();
        }
        siege
    }

    fn stop(&self) {
        let _ = self.space.kiln(&["daemon", "wait", "--for", "30s"]).output();
        let _ = self.space.kiln(&["daemon", "stop"]).output();
    }

    /// One attack; what was wrong afterwards.
    pub fn attack(&mut self) -> Result<(), String> {
        let remote = self.random.chance(40);
        let kind = if remote { "share" } else { "cache" };
        for kind in ["cache", "share"] {
            let now = self.space.path(format!("now-{kind}"));
            let _ = fs::remove_dir_all(&now);
            copy(&self.space.path(format!("base-{kind}")), &now);
        }
        if remote {
            let _ = fs::remove_dir_all(self.space.path("now-cache"));
        }
        let root = self.space.path(format!("now-{kind}"));
        let files = tree::files(&root);
        let file = self.random.pick(&files).clone();
        let deed = *self.random.pick(&DEEDS);
        self.space.set_cache(self.space.path("now-cache"));
        let share = format!("file://{}", self.space.path("now-share").display());
        self.space.set_env("KILN_REMOTE", if remote { share.as_str() } else { "" });
        self.spoil(&root, &file, deed, kind);
        let context = |what: String| format!("{kind}/{}, {deed}: {what}", file.display());
        let outcome = self.builds_right().map_err(context);
        self.stop();
        outcome.and_then(|()| self.is_untouched().map_err(context))
    }

    /// From an empty target it is right, twice; and then cargo has nothing to do.
    fn builds_right(&self) -> Result<(), String> {
        let project = self.space.project("ws");
        for _ in 0..2 {
            project.clean();
            let build = self.build(&project)?;
            let printed = project.run("debug/app").out();
            if printed != "4\n" {
                return Err(format!("it prints {printed:?}\n{build}"));
            }
        }
        let again = project.plain(&["build", "-v"]).run();
        match again.success() && !again.err().contains("Running") {
            true => Ok(()),
            false => Err(format!("cargo is not content: {again}")),
        }
    }

    fn is_untouched(&self) -> Result<(), String> {
        let found = tree::files(&self.space.path("victim"));
        let text = fs::read_to_string(self.space.path("victim/precious")).unwrap_or_default();
        match found == [PathBuf::from("precious")] && text == PRECIOUS {
            true => Ok(()),
            false => Err(format!("somebody's files are {found:?}, and one says {text:?}")),
        }
    }

    /// Builds through `kiln cargo`; what it said.
    fn build(&self, project: &Project<'_>) -> Result<String, String> {
        let log = self.space.path("output");
        let output = File::create(&log).expect("create");
        let mut command = self.space.kiln(&["cargo", "build", "--offline"]);
        command.current_dir(project.dir()).stdin(Stdio::null());
        command.stdout(output.try_clone().expect("clone")).stderr(output);
        let mut child = command.spawn().expect("spawn");
        let began = Instant::now();
        let status = loop {
            match child.try_wait().expect("wait") {
                Some(status) => break status,
                None if began.elapsed() > HANGS => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err("it hangs".to_owned());
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let text = fs::read_to_string(&log).unwrap_or_default();
        if status.success() { Ok(text) } else { Err(format!("{status}\n{text}")) }
    }

    fn spoil(&mut self, root: &Path, file: &Path, deed: &str, kind: &str) {
        let path = root.join(file);
        let bytes = fs::read(&path).expect("read");
        let alike = |files: Vec<PathBuf>| -> Vec<PathBuf> {
            let depth = |path: &Path| path.components().count();
            let first = |path: &Path| path.components().nth(1).map(|part| part.as_os_str().to_owned());
            files
                .into_iter()
                .filter(|it| it != file && depth(it) == depth(file) && first(it) == first(file))
                .collect()
        };
        let own = alike(tree::files(root));
        let other_root = self.space.path(format!("other-{kind}"));
        let others = alike(tree::files(&other_root));
        let write = |bytes: &[u8]| {
            let _ = fs::remove_file(&path);
            fs::write(&path, bytes).expect("write");
        };
        let at = self.random.below(bytes.len().max(1));
        match deed {
            "swapped with another of its kind" if !own.is_empty() => {
                let other = root.join(self.random.pick(&own));
                let aside = root.join("aside");
                fs::rename(&path, &aside).and_then(|()| fs::rename(&other, &path)).expect("rename");
                fs::rename(&aside, &other).expect("rename");
            }
            "replaced by another of its kind" if !own.is_empty() => {
                write(&fs::read(root.join(self.random.pick(&own))).expect("read"));
            }
            "replaced by one from another cache" if !others.is_empty() => {
                write(&fs::read(other_root.join(self.random.pick(&others))).expect("read"));
            }
            "cut short" => write(&bytes[..at]),
            "one byte flipped" | "many bytes flipped" if !bytes.is_empty() => {
                let mut bytes = bytes;
                let many = if deed.starts_with("one") { 1 } else { 1 + self.random.below(64) };
                for _ in 0..many {
                    let at = self.random.below(bytes.len());
                    bytes[at] ^= 1 << self.random.below(8);
                }
                write(&bytes);
            }
            "bytes added" => write(&[&bytes[..], &self.noise()].concat()),
            "made a gigabyte" => {
                write(&bytes);
                let file = File::options().write(true).open(&path).expect("open");
                file.set_len(1 << 30).expect("grow");
            }
            "random bytes" => write(&self.noise()),
            "emptied" => write(b""),
            _ => {
                let _ = fs::remove_file(&path);
                match deed {
                    "a link to somebody's file" => {
                        symlink(self.space.path("victim/precious"), &path).expect("link")
                    }
                    "a link to what never ends" => symlink("/dev/zero", &path).expect("link"),
                    "a link to itself" => symlink(&path, &path).expect("link"),
                    "a pipe that nobody writes to" => {
                        let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
                        assert!(made.success());
                    }
                    "a directory" => fs::create_dir(&path).expect("mkdir"),
                    _ => {} // it is gone
                }
            }
        }
    }

    fn noise(&mut self) -> Vec<u8> {
        (0..=self.random.below(5000)).map(|_| self.random.bits() as u8).collect()
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A copy with the times that files had, as an attacker may make one, who knows what is looked at.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(status.success());
}

/// So many attacks, drawn from a seed.
pub fn besiege(seed: u64, attacks: usize) {
    let mut siege = Siege::new(seed);
    let found: Vec<String> = (0..attacks).filter_map(|_| siege.attack().err()).collect();
    assert!(found.is_empty(), "KILN_SIEGE_SEED={seed}: {} of {attacks}\n{}", found.len(), found.join("\n\n"));
}

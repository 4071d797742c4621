//! `cargo xtask bench remote`: builds from real servers behind a wire of a given length and width, beside the rivals and one
//! tarball of `target`; cold builds that upload; cold builds beside stores that do harm.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kiln_testkit::proxy::{Proxy, Wrong};
use kiln_testkit::servers::{self, Server};
use serde_json::Value;

use super::environment::Environment;
use super::kit::Kit;
use super::machine::{self, Machine};
use super::measure::{self, Usage};
use super::numbers::{median, paired_difference, paired_ratio, spread};
use super::options::{Kind, RemoteOptions, RemotePart};
use super::projects::Project;
use super::table::{number, table};
use super::tools::Tool;
use super::{Outcome, files, table as tables};

/// Measures.
pub fn run(options: &RemoteOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    println!("{}", tables::machine(&Machine::look(&kit, &[Tool::Kiln, Tool::Sccache, Tool::Kache])));
    for name in &options.projects {
        let project = Project::prepare(&kit, name, None)?;
        for kind in &options.servers {
            let server = match kind {
                Kind::Redis => servers::redis(),
                Kind::S3 => servers::s3(),
            };
            let Some(server) = server else {
                eprintln!("bench: {kind:?} is left out: its server is not installed");
                continue;
            };
            let proxy = Proxy::start(server.address());
            proxy.set_rate(options.rate);
            let scene = Scene { kit: &kit, project: &project, kind: *kind, _server: server, proxy };
            scene.measure(options)?;
        }
    }
    Ok(())
}

/// A project, a server, and the wire between them.
struct Scene<'a> {
    kit: &'a Kit,
    project: &'a Project,
    kind: Kind,
    /// It lives as long as the scene.
    _server: Server,
    proxy: Proxy,
}

/// Who builds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Cargo alone.
    Plain,
    /// This project without a remote.
    Local,
    /// This project with the remote.
    Kiln,
    Sccache,
    Kache,
    /// One tarball of `target`, fetched and unpacked; then cargo.
    Tarball,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Plain => "plain",
            Who::Local => "kiln, no remote",
            Who::Kiln => "kiln",
            Who::Sccache => "sccache",
            Who::Kache => "kache",
            Who::Tarball => "tarball",
        })
    }
}

/// One tool's checkout and cache, and what its commands see.
struct Lane<'a> {
    who: Who,
    scene: &'a Scene<'a>,
    program: PathBuf,
    root: PathBuf,
    /// In front of everything that it keeps in the store.
    prefix: String,
}

impl<'a> Scene<'a> {
    fn measure(&'a self, options: &RemoteOptions) -> Outcome<()> {
        machine::warn_if_busy();
        for part in &options.parts {
            let load = machine::load();
            let (what, rows) = match part {
                RemotePart::Warm => ("from the store, local cache empty", self.warm(options)?),
                RemotePart::Upload => ("cold, everything uploaded behind it", self.upload(options)?),
                RemotePart::Harm => ("cold, beside stores that do harm", self.harm(options)?),
            };
            println!("### {}, {:?}: {what}\n", self.project.title, self.kind);
            println!("{} rounds, load before {load}, after {}\n", options.n, machine::load());
            let head = ["what, who", "wall s", "min", "max", "to the first", "cpu s", "+ cpu s", "compiled"];
            println!("{}", table(&head, &rows));
        }
        Ok(())
    }

    fn lane(&'a self, who: Who, number: usize) -> Outcome<Lane<'a>> {
        let program = match who {
            Who::Plain | Who::Tarball => PathBuf::new(),
            Who::Local | Who::Kiln => self.kit.program(Tool::Kiln)?,
            Who::Sccache => self.kit.program(Tool::Sccache)?,
            Who::Kache => self.kit.program(Tool::Kache)?,
        };
        let root = self.kit.work.join("remote").join(format!("lane-{number}"));
        files::renew(&root)?;
        files::copy_sources(&self.project.origin, &root.join("src"))?;
        let prefix = format!("lane{number}");
        Ok(Lane { who, scene: self, program, root, prefix })
    }

    /// Everyone fills the store, then builds from it with nothing else.
    fn warm(&'a self, options: &RemoteOptions) -> Outcome<Vec<Vec<String>>> {
        let mut lanes = Vec::new();
        let rivals: &[Who] = match self.kind {
            Kind::Redis => &[Who::Kiln, Who::Sccache],
            Kind::S3 => &[Who::Kiln, Who::Sccache, Who::Kache, Who::Tarball],
        };
        for (at, who) in rivals.iter().enumerate() {
            match self.lane(*who, at) {
                Ok(lane) => lanes.push(lane),
                Err(reason) => eprintln!("bench: {who} is left out: {reason}"),
            }
        }
        self.proxy.set_round_trip(Duration::ZERO);
        for lane in &lanes {
            eprintln!("bench: {} fills the store", lane.who);
            lane.fill()?;
        }
        let mut rows = Vec::new();
        for trip in &options.round_trips {
            self.proxy.set_round_trip(Duration::from_millis(*trip));
            let mut runs: Vec<Vec<Run>> = lanes.iter().map(|_| Vec::new()).collect();
            for round in 0..options.n {
                for turn in 0..lanes.len() {
                    let at = (turn + round) % lanes.len();
                    runs[at].push(lanes[at].build_anew()?);
                }
            }
            rows.extend(rows_of(&format!("{trip} ms"), &lanes, &runs));
        }
        Ok(rows)
    }

    /// Cold builds with and without a remote that takes everything.
    fn upload(&'a self, options: &RemoteOptions) -> Outcome<Vec<Vec<String>>> {
        self.proxy.set_round_trip(Duration::from_millis(5));
        let mut lanes = vec![self.lane(Who::Local, 0)?, self.lane(Who::Kiln, 1)?];
        let mut runs: Vec<Vec<Run>> = lanes.iter().map(|_| Vec::new()).collect();
        for round in 0..options.n {
            for turn in 0..lanes.len() {
                let at = (turn + round) % lanes.len();
                lanes[at].prefix = format!("upload{round}"); // a store that has nothing of it
                runs[at].push(lanes[at].build_anew()?);
                lanes[at].finish_uploads()?;
            }
        }
        Ok(rows_of("5 ms", &lanes, &runs))
    }

    /// Cold builds: nothing of what a store does may be felt.
    fn harm(&'a self, options: &RemoteOptions) -> Outcome<Vec<Vec<String>>> {
        self.proxy.set_round_trip(Duration::ZERO);
        let filled = self.lane(Who::Kiln, 2)?;
        filled.fill()?; // so that there is something to lie about, and to crawl
        let ways: [(&str, Wrong, u64, u64, bool); 7] = [
            ("empty, 5 ms", Wrong::Nothing, 5, options.rate, false),
            ("empty, 50 ms", Wrong::Nothing, 50, options.rate, false),
            ("nobody listens", Wrong::Dropped, 0, 0, true),
            ("silent", Wrong::Stalled, 0, 0, true),
            ("full, 1 kB/s", Wrong::Nothing, 0, 1000, true),
            ("lying", Wrong::Lies(4001), 0, options.rate, true),
            ("stuck after 64 kB", Wrong::Stuck(64 << 10), 0, options.rate, true),
        ];
        let plain = self.lane(Who::Plain, 0)?;
        let local = self.lane(Who::Local, 1)?;
        let mut lanes = vec![plain, local];
        for _ in &ways {
            let mut lane = self.lane(Who::Kiln, lanes.len() + 1)?;
            lane.prefix.clone_from(&filled.prefix);
            lanes.push(lane);
        }
        let mut runs: Vec<Vec<Run>> = lanes.iter().map(|_| Vec::new()).collect();
        for round in 0..options.n {
            for turn in 0..lanes.len() {
                let at = (turn + round) % lanes.len();
                if let Some((_, wrong, trip, rate, full)) = at.checked_sub(2).map(|at| &ways[at]) {
                    if !full {
                        lanes[at].prefix = format!("empty{at}-{round}");
                    }
                    self.proxy.set(*wrong);
                    self.proxy.set_rate(*rate);
                    self.proxy.set_round_trip(Duration::from_millis(*trip));
                }
                runs[at].push(lanes[at].build_anew()?);
                self.proxy.set(Wrong::Nothing);
                self.proxy.set_rate(options.rate);
            }
        }
        let names = ["", ""].into_iter().chain(ways.iter().map(|way| way.0));
        let mut rows = rows(&lanes, &runs);
        rows.iter_mut().zip(names).for_each(|(row, name)| row[0] = format!("{name} {}", row[0]));
        Ok(rows)
    }
}

/// One build.
struct Run {
    usage: Usage,
    /// Units that were compiled, where the tool says.
    compiled: Option<u64>,
}

impl Lane<'_> {
    fn sources(&self) -> PathBuf {
        self.root.join("src")
    }

    fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    fn dressed(&self) -> Environment {
        let mut dressed = self.scene.kit.environment.with("CARGO_INCREMENTAL", "0");
        let address = self.scene.proxy.address();
        let s3 = self.scene.kind == Kind::S3;
        match self.who {
            Who::Plain | Who::Tarball => {}
            Who::Local | Who::Kiln => {
                dressed.set("KILN_DIR", self.cache());
                if self.who == Who::Kiln {
                    let url = if s3 { servers::s3_url(address) } else { servers::redis_url(address) };
                    dressed.set("KILN_REMOTE", url);
                    dressed.set("KILN_REMOTE_NAMESPACE", self.prefix.clone());
                }
            }
            Who::Sccache => {
                dressed.set("RUSTC_WRAPPER", &self.program);
                dressed.set("SCCACHE_SERVER_PORT", (40_000 + std::process::id() % 20_000).to_string());
                dressed.set("SCCACHE_IDLE_TIMEOUT", "0");
                if s3 {
                    dressed.set("SCCACHE_BUCKET", "bucket");
                    dressed.set("SCCACHE_ENDPOINT", format!("http://{address}"));
                    dressed.set("SCCACHE_REGION", "auto");
                    dressed.set("SCCACHE_S3_USE_SSL", "false");
                    dressed.set("SCCACHE_S3_KEY_PREFIX", self.prefix.clone());
                    dressed.set("AWS_ACCESS_KEY_ID", servers::ACCESS);
                    dressed.set("AWS_SECRET_ACCESS_KEY", servers::SECRET);
                } else {
                    dressed.set("SCCACHE_REDIS", servers::redis_url(address));
                }
            }
            Who::Kache => {
                dressed.set("RUSTC_WRAPPER", &self.program);
                dressed.set("KACHE_CACHE_DIR", self.cache());
                dressed.set("KACHE_RUNTIME_DIR", self.root.join("run"));
                dressed.set("KACHE_CONFIG", self.kache_config());
                dressed.set("AWS_ACCESS_KEY_ID", servers::ACCESS);
                dressed.set("AWS_SECRET_ACCESS_KEY", servers::SECRET);
                dressed.prepend_path(self.program.parent().map(Path::to_owned).unwrap_or_default());
            }
        }
        dressed
    }

    /// A daemon of the tool is told something; whether there was one does not matter.
    fn tell(&self, words: &[&str]) {
        let mut command = self.dressed().command(&self.program);
        command.args(words).current_dir(self.sources());
        let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }

    fn stop(&self) {
        match self.who {
            Who::Plain | Who::Local | Who::Tarball => {}
            Who::Kiln => self.tell(&["daemon", "stop"]),
            Who::Sccache => self.tell(&["--stop-server"]),
            Who::Kache => self.tell(&["daemon", "stop"]),
        }
    }

    /// As on a machine that has never built this: no target, no cache. The rivals' daemons are started before the clock, as they
    /// are where somebody uses them; kiln's is started by the build.
    fn renew(&self) -> Outcome<()> {
        self.stop();
        self.put_aside(&self.sources().join("target"))?;
        self.put_aside(&self.cache())?;
        self.put_aside(&self.root.join("run"))?;
        files::forget(&self.root.join("aside"));
        files::make(&self.cache())?;
        files::make(&self.root.join("run"))?;
        match self.who {
            Who::Sccache => self.tell(&["--start-server"]),
            Who::Kache => {
                // Its daemon believes this file only, and not the environment.
                let remote = format!(
                    "[cache.remote]\ntype = \"s3\"\nbucket = \"bucket\"\nendpoint = \"http://{}\"\nregion = \"us-east-1\"\nprefix = \"{}\"\n",
                    self.scene.proxy.address(),
                    self.prefix
                );
                files::write(&self.kache_config(), remote)?;
                self.tell(&["daemon", "start"]);
            }
            _ => {}
        }
        Ok(())
    }

    fn put_aside(&self, path: &Path) -> Outcome<()> {
        files::put_aside(path, &self.root.join("aside"))
    }

    fn build_anew(&self) -> Outcome<Run> {
        self.renew()?;
        measure::settle();
        let daemon = self.program.with_file_name("kiln-daemon");
        let spent = || measure::daemon_cpu_s(&self.program) + measure::daemon_cpu_s(&daemon);
        let before = spent();
        let mut usage = match self.who {
            Who::Tarball => self.unpack()?,
            _ => self.build()?,
        };
        usage.cpu_s += (spent() - before).max(0.0);
        let compiled = self.compiled();
        self.stop();
        Ok(Run { usage, compiled })
    }

    fn build(&self) -> Outcome<Usage> {
        let mut command = match self.who {
            Who::Kiln | Who::Local => {
                let mut command = self.dressed().command(&self.program);
                command.arg("cargo");
                command
            }
            _ => self.dressed().cargo(),
        };
        command.args(["build", "--offline", "--locked"]).args(&self.scene.project.cargo_args);
        self.quiet(command.current_dir(self.sources()))
    }

    fn quiet(&self, command: &mut Command) -> Outcome<Usage> {
        let log = self.root.join("last.log");
        let out = files::create(&log)?;
        let copy = out.try_clone().map_err(files::about(&log))?;
        command.stdin(Stdio::null()).stdout(copy).stderr(out);
        let usage = measure::run(command).map_err(|error| error.to_string())?;
        match usage.code {
            Some(0) => Ok(usage),
            code => Err(format!("{}: ended with {code:?}, see {}", self.who, log.display())),
        }
    }

    /// Units that were compiled since the cache was emptied, by the tool's own count.
    fn compiled(&self) -> Option<u64> {
        let ask = |words: &[&str]| -> Option<Value> {
            let rows_of = measure::output(self.dressed().command(&self.program).args(words)).ok()?;
            serde_json::from_str(&rows_of).ok()
        };
        match self.who {
            Who::Kiln | Who::Local => {
                let log = files::read(&self.cache().join("v1/events/current.jsonl")).ok()?;
                let missed =
                    |line: &&str| line.contains(r#""outcome":"miss""#) && !line.contains(r#""kind":"probe""#);
                Some(String::from_utf8_lossy(&log).lines().filter(missed).count() as u64)
            }
            Who::Sccache => {
                let rows_of = ask(&["--show-stats", "--stats-format", "json"])?;
                let counts = rows_of["stats"]["cache_misses"]["counts"].as_object()?.clone();
                Some(counts.values().filter_map(Value::as_u64).sum())
            }
            Who::Plain | Who::Kache | Who::Tarball => None,
        }
    }

    fn finish_uploads(&self) -> Outcome<()> {
        match self.who {
            Who::Kiln => {
                let wait = ["daemon", "wait", "--for", "5m"];
                measure::output(self.dressed().command(&self.program).args(wait)).map(drop)
            }
            Who::Kache => {
                let sync = ["sync", "--push"];
                measure::output(self.dressed().command(&self.program).args(sync).current_dir(self.sources()))
                    .map(drop)
            }
            _ => Ok(()), // sccache's server uploads before a compile is over
        }
    }

    /// Builds once and sees to it that everything is in the store.
    fn fill(&self) -> Outcome<()> {
        self.renew()?;
        self.build()?;
        self.finish_uploads()?;
        if self.who == Who::Tarball {
            let ball = self.root.join("target.tar.zst");
            let mut pack = Command::new("tar");
            pack.args(["-I", "zstd -3 -T0", "-cf"]).arg(&ball).arg("-C").arg(self.sources()).arg("target");
            self.quiet(&mut pack)?;
            let mut put = Command::new("curl");
            put.args(["-sSf", "--aws-sigv4", "aws:amz:auto:s3", "--user"]).arg(login()).arg("-T").arg(&ball);
            self.quiet(put.arg(self.ball()))?;
        }
        self.stop();
        Ok(())
    }

    fn kache_config(&self) -> PathBuf {
        self.root.join("kache.toml")
    }

    /// Where the tarball is.
    fn ball(&self) -> String {
        format!("http://{}/bucket/target.tar.zst", self.scene.proxy.address())
    }

    /// What a CI's own cache does.
    fn unpack(&self) -> Outcome<Usage> {
        let line = format!(
            "set -e -o pipefail; curl -sSf --aws-sigv4 aws:amz:auto:s3 --user '{}' '{}' | tar -I zstd -x -C '{}'; exec \"$@\"",
            login(),
            self.ball(),
            self.sources().display(),
        );
        let cargo = self.dressed().cargo();
        let mut command = self.dressed().command("bash");
        command.args(["-c", &line, "bash"]).arg(cargo.get_program());
        command.args(["build", "--offline", "--locked"]).args(&self.scene.project.cargo_args);
        self.quiet(command.current_dir(self.sources()))
    }
}

fn login() -> String {
    format!("{}:{}", servers::ACCESS, servers::SECRET)
}

fn rows_of(what: &str, lanes: &[Lane<'_>], runs: &[Vec<Run>]) -> Vec<Vec<String>> {
    let mut rows = rows(lanes, runs);
    rows.iter_mut().for_each(|row| row[0] = format!("{what}, {}", row[0]));
    rows
}

fn rows(lanes: &[Lane<'_>], runs: &[Vec<Run>]) -> Vec<Vec<String>> {
    let walls = |runs: &[Run]| runs.iter().map(|run| run.usage.wall_s).collect::<Vec<f64>>();
    let cpus = |runs: &[Run]| runs.iter().map(|run| run.usage.cpu_s).collect::<Vec<f64>>();
    let row = |(lane, own): (&Lane<'_>, &Vec<Run>)| {
        let wall = spread(walls(own));
        let most = own.iter().filter_map(|run| run.compiled).max();
        vec![
            lane.who.to_string(),
            number(wall.map(|wall| wall.median), 2),
            number(wall.map(|wall| wall.min), 2),
            number(wall.map(|wall| wall.max), 2),
            number(paired_ratio(&walls(own), &walls(&runs[0])), 3),
            number(median(cpus(own)), 2),
            number(paired_difference(&cpus(own), &cpus(&runs[0])), 2),
            most.map_or_else(|| "-".to_owned(), |most| most.to_string()),
        ]
    };
    lanes.iter().zip(runs).map(row).collect()
}

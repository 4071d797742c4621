//! Everything that can be set: name, environment variable, default, how it is written, what it does, who may set it. One
//! table; files and the environment are read through it, and the reference, the help and `kiln config` are made of it.

use crate::values::{self, LogLevel, LogTo};
use kiln_action::{Digest, Field, conceal, schemes};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cache directory; `None` if there is no home to put it in.
    pub directory: Option<PathBuf>,
    /// Whether kiln steps aside and runs every compiler unchanged.
    pub off: bool,
    /// Whether nothing is looked up: everything is compiled and stored anew.
    pub recache: bool,
    /// Whether hits are used and nothing is stored.
    pub read_only: bool,
    /// Whether workspace paths are mapped, so that checkouts share their members.
    pub remap: bool,
    /// Whether kiln is put in front of C compilers that build scripts and `kiln run` start.
    pub wire_c: bool,
    /// Whether runs of build scripts are kept.
    pub build_scripts: bool,
    /// Whether an empty target directory is filled before cargo looks.
    pub prefill: bool,
    /// Whether C results may hold the date at which they were made.
    pub time_macros: bool,
    /// The project that C compiles belong to, where it is not to be guessed.
    pub base_dir: Option<PathBuf>,
    /// Text that is part of every key; empty is none.
    pub salt: String,
    /// Files that count for every compile: absolute patterns.
    pub extra_inputs: Vec<PathBuf>,
    /// The directory that these patterns may not lead out of: the project's whose file names them.
    pub extra_inputs_within: Option<PathBuf>,
    /// Variables that count for every compile.
    pub extra_variables: Vec<String>,
    /// Variables that do not count although a macro looks at them: the user's promise.
    pub ignore_variables: Vec<String>,
    /// Crates or packages that are never cached.
    pub never: Vec<String>,
    /// The most bytes the store may take; `None` is no limit.
    pub max_size: Option<u64>,
    /// How long an unused result is kept; `None` is for ever.
    pub max_age: Option<Duration>,
    /// Remote stores, near to far, as URLs; may hold passwords.
    pub remote: Vec<String>,
    /// Namespaces in them: the first is written to, the others are read where it has nothing.
    pub remote_namespace: Vec<String>,
    /// Where the wrapper writes what it decided.
    pub log: Option<LogTo>,
    /// Verify mode: of a hundred hits so many are compiled all the same and compared.
    pub verify: Option<u8>,
    /// A file that gets a copy of every event (set by `kiln cargo` for its last line).
    pub events: Option<PathBuf>,
    /// The number of the build that compiles belong to (set by `kiln cargo` and `kiln run`).
    pub build: Option<u32>,
    /// The directory in which whoever waits for the end of sessions looks (set by `kiln cargo`).
    pub awaited: Option<PathBuf>,
    /// The directory in which calls of the build are recorded, where they are. (Nobody can set it: the wrapper finds it.)
    pub session: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            directory: None,
            off: false,
            recache: false,
            read_only: false,
            remap: false,
            wire_c: true,
            build_scripts: true,
            prefill: true,
            time_macros: false,
            base_dir: None,
            salt: String::new(),
            extra_inputs: Vec::new(),
            extra_inputs_within: None,
            extra_variables: Vec::new(),
            ignore_variables: Vec::new(),
            never: Vec::new(),
            max_size: Some(10 << 30),
            max_age: Some(Duration::from_secs(7 * 24 * 3600)),
            remote: Vec::new(),
            remote_namespace: vec!["main".to_owned()],
            log: None,
            verify: None,
            events: None,
            awaited: None,
            session: None,
            build: None,
        }
    }
}

/// What a file or variable gives for a setting.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The values: one, or any number for a list.
    pub values: &'a [OsString],
    /// What a relative path in them is relative to.
    pub base: &'a Path,
    /// Whether they are a project's, which reaches nothing beyond [`Given::base`].
    pub project: bool,
}

/// No path of any system is longer.
const LONGEST_PATH: usize = 4096;

impl Given<'_> {
    fn one(&self) -> Option<&OsStr> {
        match self.values {
            [one] => Some(one),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        self.one()?.to_str()
    }

    /// Words without white space in them.
    fn words(&self) -> Option<Vec<String>> {
        let word = |value: &OsString| {
            let text = value.to_str().filter(|text| !text.is_empty() && !text.contains(char::is_whitespace));
            text.map(str::to_owned)
        };
        self.values.iter().map(word).collect()
    }

    fn urls(&self) -> Option<Vec<String>> {
        let url = |text: &str| schemes::fault_of(text).is_none().then(|| text.to_owned());
        let texts: Option<Vec<&str>> = self.values.iter().map(|value| value.to_str()).collect();
        texts?.into_iter().flat_map(|text| text.split(',')).map(url).collect()
    }

    fn paths(&self) -> Option<Vec<PathBuf>> {
        let path = |value: &OsString| {
            let fits = !value.is_empty() && value.len() <= LONGEST_PATH;
            fits.then(|| self.base.join(value))
        };
        self.values.iter().map(path).collect()
    }

    fn absolute(&self) -> Option<PathBuf> {
        self.one().map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// A value, for showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Unset,
    /// Yes or no.
    Switch(bool),
    /// Anything else that is one thing.
    Text(String),
    /// Several.
    List(Vec<String>),
}

/// Which compiles a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// All of them.
    All,
    /// C and C++, and runs of build scripts, which may compile it.
    C,
}

/// Whether a setting is part of the key: what is stored under one value is found under no other, or it makes no difference to
/// what is stored or served.
pub enum Counts {
    /// It is, for these compiles, by these fields; by none where nothing is set, so that keys without settings stay as they are.
    Key(Concerns, fn(&Settings) -> Vec<Field>),
    /// It is, by what it does to the command line that is looked up; how.
    Command(&'static str),
    /// It is not; why it need not be.
    Not(&'static str),
}

/// One thing that can be set.
pub struct Row {
    /// Its name in configuration files; empty if only the environment has it.
    pub name: &'static str,
    /// The environment variable that sets it, such as `KILN_MAX_SIZE`.
    pub variable: &'static str,
    /// Its default, as written; empty is nothing.
    pub default: &'static str,
    /// How it is written.
    pub written: &'static str,
    /// One or two sentences for the reference page and the template.
    pub does: &'static str,
    /// Whether it is a list: an array in files, separated by commas in the environment.
    pub list: bool,
    /// Whether a project's file may set it. What a project brings along comes from whoever wrote the project; it may
    /// choose how its own compiles are cached and nothing that reaches beyond them (where files are written, what
    /// other projects' results are thrown away).
    pub project: bool,
    /// Whether it is part of the key, and why not.
    pub counts: Counts,
    /// Sets it; `false` if that is not how it is written.
    pub set: fn(&mut Settings, &Given<'_>) -> bool,
    /// The value in force.
    pub show: fn(&Settings) -> Value,
}

const SWITCH: &str = "true or false";
const NAMES: &str = "a list of names";

/// Whether a variable is one that kiln reads or that it tells its own parts something by.
pub fn is_own(variable: &str) -> bool {
    ["KILN_CONFIG", "KILN_RECORD"].contains(&variable) || ROWS.iter().any(|row| row.variable == variable)
}

/// All settings, in the order of the reference page.
pub const ROWS: &[Row] = &[
    Row {
        name: "directory",
        variable: "KILN_DIR",
        default: "$XDG_CACHE_HOME/kiln, else ~/.cache/kiln",
        written: "an absolute path",
        does: "The cache directory. Everything kiln keeps is below it.",
        list: false,
        project: false,
        counts: Counts::Not("where things are kept, not what they are"),
        set: |settings, given| assign(&mut settings.directory, given.absolute().map(Some)),
        show: |settings| path(settings.directory.as_deref()),
    },
    Row {
        name: "off",
        variable: "KILN_OFF",
        default: "false",
        written: SWITCH,
        does: "Step aside: run every compiler unchanged, look nothing up, store nothing.",
        list: false,
        project: true,
        counts: Counts::Not("nothing is stored or served"),
        set: |settings, given| assign(&mut settings.off, switch(given)),
        show: |settings| Value::Switch(settings.off),
    },
    Row {
        name: "recache",
        variable: "KILN_RECACHE",
        default: "false",
        written: SWITCH,
        does: "Look nothing up: compile everything and store it anew, over what was there.",
        list: false,
        project: true,
        counts: Counts::Not("what is compiled anew is the same"),
        set: |settings, given| assign(&mut settings.recache, switch(given)),
        show: |settings| Value::Switch(settings.recache),
    },
    Row {
        name: "read-only",
        variable: "KILN_READ_ONLY",
        default: "false",
        written: SWITCH,
        does: "Use what is in the cache and store no results.",
        list: false,
        project: true,
        counts: Counts::Not("nothing is stored, and what is served is the same"),
        set: |settings, given| assign(&mut settings.read_only, switch(given)),
        show: |settings| Value::Switch(settings.read_only),
    },
    Row {
        name: "salt",
        variable: "KILN_SALT",
        default: "",
        written: "any text",
        does: "Text that is part of every key: what was stored under another salt is not found. Change it to start anew \
               for something that kiln cannot see.",
        list: false,
        project: true,
        counts: Counts::Key(Concerns::All, salt),
        set: |settings, given| assign(&mut settings.salt, given.text().map(str::to_owned)),
        show: |settings| text(&settings.salt),
    },
    Row {
        name: "extra-inputs",
        variable: "KILN_EXTRA_INPUTS",
        default: "",
        written: "a list of paths; `*`, `?` and `**` as in a shell, a directory stands for every file below it",
        does: "Files whose content (and whose coming and going) counts for every compile and every question to the \
               compiler (`-vV`, what build scripts try out), on top of what it was seen to read. Relative paths begin at the project file's directory, without one at the directory the compiler \
               runs in. Those that a project file names lie below its directory, and count for compiles in that directory only, \
               not for dependencies from a registry. Where they are more than 50,000 files and directories or 4 GiB, nothing is \
               cached. (Cargo does not know of them: it runs the compiler when it has a reason of \
               its own, such as a new target directory.)",
        list: true,
        project: true,
        counts: Counts::Key(Concerns::All, extra_inputs),
        set: set_extra_inputs,
        show: |settings| Value::List(settings.extra_inputs.iter().map(|p| p.display().to_string()).collect()),
    },
    Row {
        name: "extra-variables",
        variable: "KILN_EXTRA_VARIABLES",
        default: "",
        written: NAMES,
        does: "Environment variables whose value counts for every compile, whether or not it was seen to ask for them.",
        list: true,
        project: true,
        counts: Counts::Key(Concerns::All, |settings| names("extra-variable", &settings.extra_variables)),
        set: |settings, given| assign(&mut settings.extra_variables, given.words()),
        show: |settings| Value::List(settings.extra_variables.clone()),
    },
    Row {
        name: "ignore-variables",
        variable: "KILN_IGNORE_VARIABLES",
        default: "",
        written: NAMES,
        does: "Environment variables that do not count when a macro asks for them or walks through all of them. This is \
               your promise that no output depends on their values: where it is wrong, hits will be. (`env!` and \
               `option_env!` count all the same.)",
        list: true,
        project: true,
        counts: Counts::Key(Concerns::All, |settings| names("ignore-variable", &settings.ignore_variables)),
        set: |settings, given| assign(&mut settings.ignore_variables, given.words()),
        show: |settings| Value::List(settings.ignore_variables.clone()),
    },
    Row {
        name: "never",
        variable: "KILN_NEVER",
        default: "",
        written: NAMES,
        does: "Crates, or packages with all their crates, that are compiled every time.",
        list: true,
        project: true,
        counts: Counts::Not("what it names is neither stored nor served"),
        set: |settings, given| assign(&mut settings.never, given.words()),
        show: |settings| Value::List(settings.never.clone()),
    },
    Row {
        name: "remap",
        variable: "KILN_REMAP",
        default: "false",
        written: SWITCH,
        does: "Map workspace and target paths (rustc's --remap-path-prefix), so that checkouts at different paths share \
               the workspace's own crates too. Debuggers and backtraces then show /kiln/workspace/... for them.",
        list: false,
        project: true,
        counts: Counts::Command("the mapped directories stand in the key in place of the real ones"),
        set: |settings, given| assign(&mut settings.remap, switch(given)),
        show: |settings| Value::Switch(settings.remap),
    },
    Row {
        name: "wire-c",
        variable: "KILN_WIRE_C",
        default: "true",
        written: SWITCH,
        does: "Whether kiln is put in front of C and C++ compilers below build scripts and `kiln run` as well, wherever \
               `cc`, `gcc`, `clang` and so on are executed.",
        list: false,
        project: false,
        counts: Counts::Not("which compilers are called through kiln, not what they make"),
        set: |settings, given| assign(&mut settings.wire_c, switch(given)),
        show: |settings| Value::Switch(settings.wire_c),
    },
    Row {
        name: "build-scripts",
        variable: "KILN_BUILD_SCRIPTS",
        default: "true",
        written: SWITCH,
        does: "Whether what build scripts do is kept, by a small program in the place of each that cargo has made (the script lies \
               beside it as `<name>.real`). Without it nothing is filled, either (`prefill`).",
        list: false,
        project: false,
        counts: Counts::Not("what is asked for, not what is found under its key"),
        set: |settings, given| assign(&mut settings.build_scripts, switch(given)),
        show: |settings| Value::Switch(settings.build_scripts),
    },
    Row {
        name: "prefill",
        variable: "KILN_PREFILL",
        default: "true",
        written: SWITCH,
        does: "Whether an empty `target` is filled before cargo looks, so that cargo finds what was built before, and what a build \
               has made in one is remembered for that when cargo has ended.",
        list: false,
        project: false,
        counts: Counts::Not("what is asked for, not what is found under its key"),
        set: |settings, given| assign(&mut settings.prefill, switch(given)),
        show: |settings| Value::Switch(settings.prefill),
    },
    Row {
        name: "time-macros",
        variable: "KILN_TIME_MACROS",
        default: "false",
        written: SWITCH,
        does: "Cache C and C++ compiles that expand __DATE__, __TIME__ or __TIMESTAMP__: a hit then shows the date of the \
               compile that was stored. Without it they are compiled every time, unless SOURCE_DATE_EPOCH is set.",
        list: false,
        project: true,
        counts: Counts::Key(Concerns::C, time_macros),
        set: |settings, given| assign(&mut settings.time_macros, switch(given)),
        show: |settings| Value::Switch(settings.time_macros),
    },
    Row {
        name: "base-dir",
        variable: "KILN_BASE_DIR",
        default: "",
        written: "an absolute path; in a project file also one relative to it",
        does: "The directory of the project that C and C++ compiles belong to: paths below it are the same in every \
               checkout. Without it that is the nearest directory above the compile with a version control's own \
               directory, else the highest one with a build file (CMakeLists.txt, configure, Makefile, meson.build).",
        list: false,
        project: true,
        counts: Counts::Command("paths stand in the key as they lie below it"),
        set: |settings, given| assign(&mut settings.base_dir, base_dir(given).map(Some)),
        show: |settings| path(settings.base_dir.as_deref()),
    },
    Row {
        name: "max-size",
        variable: "KILN_MAX_SIZE",
        default: "10GiB",
        written: "a size such as 10GiB; 0 for no limit",
        does: "The most disk the cache may take; the least useful results go first.",
        list: false,
        project: false,
        counts: Counts::Not("how much is kept"),
        set: |settings, given| {
            let size = given.text().and_then(values::size);
            assign(&mut settings.max_size, size.map(|bytes| (bytes > 0).then_some(bytes)))
        },
        show: |settings| Value::Text(values::show_size(settings.max_size.unwrap_or(0))),
    },
    Row {
        name: "max-age",
        variable: "KILN_MAX_AGE",
        default: "7d",
        written: "a duration with its unit (s, m, h, d, w) such as 7d or 12h; 0 for ever",
        does: "How long a result that nobody uses is kept.",
        list: false,
        project: false,
        counts: Counts::Not("how long it is kept"),
        set: |settings, given| {
            let age = given.text().and_then(values::duration);
            assign(&mut settings.max_age, age.map(|time| (!time.is_zero()).then_some(time)))
        },
        show: |settings| Value::Text(values::show_duration(settings.max_age.unwrap_or_default())),
    },
    Row {
        name: "remote",
        variable: "KILN_REMOTE",
        default: "",
        written: "a list of URLs from near to far (`file:///mnt/cache`, `redis://:password@host:6379/0`, \
                  `s3://bucket/prefix?endpoint=http://host:9000&region=auto`)",
        does: "Remote stores: what is not in the cache directory is looked for there, and what is compiled is uploaded \
               behind the build's back. `access=read-only` in a URL's query keeps kiln from writing there; \
               docs/reference/stores.md has all schemes and words. In the file also as `[[remote]]` tables with `url` and \
               what else would stand in its query.",
        list: true,
        project: false,
        counts: Counts::Not("what comes from there is found under the same keys"),
        set: |settings, given| assign(&mut settings.remote, given.urls()),
        show: |settings| Value::List(settings.remote.iter().map(|url| conceal::url(url)).collect()),
    },
    Row {
        name: "remote-namespace",
        variable: "KILN_REMOTE_NAMESPACE",
        default: "main",
        written: NAMES,
        does: "Namespaces in the remote stores (a branch, a team): the first is written to, the others are read where it has \
               nothing, as in `my-branch,main`.",
        list: true,
        project: false,
        counts: Counts::Not("what comes from there is found under the same keys"),
        set: |settings, given| assign(&mut settings.remote_namespace, given.words()),
        show: |settings| Value::List(settings.remote_namespace.clone()),
    },
    Row {
        name: "log",
        variable: "KILN_LOG",
        default: "",
        written: "an absolute path, with `warn:`, `info:` or `debug:` in front (info if there is none)",
        does: "A file to which the wrapper appends a line for each compile: what it decided, why, and how long that took. \
               `warn` has only what was not cached, `debug` adds keys and phases. Values of variables are never in it. It \
               may be `/dev/stderr`: what runs in a build script that is kept is left out then, for the script may read it, \
               and no `target` is filled.",
        list: false,
        project: false,
        counts: Counts::Not("it only changes what kiln reports"),
        set: |settings, given| assign(&mut settings.log, given.one().and_then(values::log_to).map(Some)),
        show: |settings| settings.log.as_ref().map_or(Value::Unset, |log| Value::Text(log.to_string())),
    },
    Row {
        name: "",
        variable: "KILN_VERIFY",
        default: "",
        written: "a number from 1 to 100",
        does: "Verify mode (set by `kiln verify --rebuild`): of a hundred hits so many are compiled all the same, and what \
               comes of it is compared with what was stored.",
        list: false,
        project: false,
        counts: Counts::Not("a hit is held against a compile, and dropped if it was wrong"),
        set: |settings, given| {
            let percent = given.text().and_then(|text| text.parse().ok()).filter(|n| (1..=100).contains(n));
            assign(&mut settings.verify, percent.map(Some))
        },
        show: |settings| settings.verify.map_or(Value::Unset, |percent| Value::Text(percent.to_string())),
    },
    Row {
        name: "",
        variable: "KILN_EVENTS",
        default: "",
        written: "an absolute path",
        does: "A file that gets a copy of every event, for a tool that wants to sum up one build.",
        list: false,
        project: false,
        counts: Counts::Not("it only changes what kiln reports"),
        set: |settings, given| assign(&mut settings.events, given.absolute().map(Some)),
        show: |settings| path(settings.events.as_deref()),
    },
    Row {
        name: "",
        variable: "KILN_BUILD",
        default: "the number of cargo's process, or of make's process group",
        written: "a number",
        does: "The build that compiles belong to, for `kiln explain` (set by `kiln cargo` and `kiln run`).",
        list: false,
        project: false,
        counts: Counts::Not("it only changes what kiln reports"),
        set: |settings, given| {
            assign(&mut settings.build, given.text().and_then(|text| text.parse().ok()).map(Some))
        },
        show: |settings| settings.build.map_or(Value::Unset, |build| Value::Text(build.to_string())),
    },
    Row {
        name: "",
        variable: "KILN_AWAITED",
        default: "",
        written: "an absolute path",
        does: "The directory in which `kiln cargo` looks for what it still has to wait for when cargo has ended (set by `kiln cargo`).",
        list: false,
        project: false,
        counts: Counts::Not("it only changes what kiln reports"),
        set: |settings, given| assign(&mut settings.awaited, given.absolute().map(Some)),
        show: |settings| path(settings.awaited.as_deref()),
    },
    Row {
        name: "",
        variable: "KILN_CONFIG",
        default: "$XDG_CONFIG_HOME/kiln/config.toml, else ~/.config/kiln/config.toml",
        written: "an absolute path",
        does: "The user's configuration file.",
        list: false,
        project: false,
        counts: Counts::Not("what the file says counts, not where it lies"),
        // It decides which file is read, before any row is.
        set: |_, given| given.absolute().is_some(),
        show: |_| Value::Unset,
    },
];

impl Row {
    /// Why a value cannot be set, in words that tell nobody a secret.
    pub fn refusal(&self, text: &str) -> String {
        if self.name != "remote" {
            return format!("`{text}` is not {}", self.written);
        }
        let fault = text.split(',').find_map(schemes::fault_of);
        fault.unwrap_or_else(|| format!("it is not {}", self.written))
    }
}

/// The row of a setting, by its name in files or its variable.
pub fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| !name.is_empty() && (row.name == name || row.variable == name))
}

fn field(name: &'static str, value: OsString, path: bool) -> Field {
    Field { name, value, path }
}

fn salt(settings: &Settings) -> Vec<Field> {
    let set = Some(&settings.salt).filter(|salt| !salt.is_empty());
    set.map(|salt| field("salt", Digest::of(salt.as_bytes()).hex().into(), false)).into_iter().collect()
}

fn set_extra_inputs(settings: &mut Settings, given: &Given<'_>) -> bool {
    let set = assign(&mut settings.extra_inputs, given.paths());
    if set {
        settings.extra_inputs_within = given.project.then(|| given.base.to_owned());
    }
    set
}

fn extra_inputs(settings: &Settings) -> Vec<Field> {
    settings.extra_inputs.iter().map(|pattern| field("extra-input", pattern.into(), true)).collect()
}

fn time_macros(settings: &Settings) -> Vec<Field> {
    settings.time_macros.then(|| field("time-macros", "true".into(), false)).into_iter().collect()
}

fn names(name: &'static str, list: &[String]) -> Vec<Field> {
    let sorted: BTreeSet<&String> = list.iter().collect();
    sorted.into_iter().map(|each| field(name, each.into(), false)).collect()
}

fn switch(given: &Given<'_>) -> Option<bool> {
    given.text().and_then(values::switch)
}

fn base_dir(given: &Given<'_>) -> Option<PathBuf> {
    given
        .one()
        .filter(|path| !path.is_empty())
        .map(|path| given.base.join(path))
        .filter(|path| path.is_absolute())
}

fn path(path: Option<&Path>) -> Value {
    path.map_or(Value::Unset, |path| Value::Text(path.display().to_string()))
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Unset } else { Value::Text(text.to_owned()) }
}

fn assign<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

impl std::fmt::Display for LogTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.level {
            LogLevel::Info => write!(f, "{}", self.path.display()),
            level => write!(f, "{}:{}", level.name(), self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests;

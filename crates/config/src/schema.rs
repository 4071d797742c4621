//! Everything that can be set: name, environment variable, default, how it is written, what it does. One table; the
//! environment is read through it and nowhere else.

use crate::values;
use std::path::PathBuf;
use std::time::Duration;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cache directory; `None` if there is no home to put it in.
    pub directory: Option<PathBuf>,
    /// Whether kiln steps aside and runs every compiler unchanged.
    pub off: bool,
    /// Whether workspace paths are mapped, so that checkouts share their members.
    pub remap: bool,
    /// The most bytes the store may take; `None` is no limit.
    pub max_size: Option<u64>,
    /// How long an unused result is kept; `None` is for ever.
    pub max_age: Option<Duration>,
    /// A file that gets a copy of every event (set by `kiln cargo` for its last line).
    pub events: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            directory: None,
            off: false,
            remap: false,
            max_size: Some(10 << 30),
            max_age: Some(Duration::from_secs(7 * 24 * 3600)),
            events: None,
        }
    }
}

/// One thing that can be set.
pub struct Row {
    /// Its name in configuration files; empty if only the environment has it.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its default, as written.
    pub default: &'static str,
    /// How it is written.
    pub written: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Sets it from text; `false` if the text is not how it is written.
    pub set: fn(&mut Settings, &str) -> bool,
}

/// The table.
pub const ROWS: &[Row] = &[
    Row {
        name: "directory",
        variable: "KILN_DIR",
        default: "$XDG_CACHE_HOME/kiln, else ~/.cache/kiln",
        written: "an absolute path",
        does: "The cache directory. Everything kiln keeps is below it.",
        set: |settings, text| {
            let path = PathBuf::from(text);
            let good = path.is_absolute();
            if good {
                settings.directory = Some(path);
            }
            good
        },
    },
    Row {
        name: "off",
        variable: "KILN_OFF",
        default: "false",
        written: "true or false",
        does: "Step aside: run every compiler unchanged, look nothing up, store nothing.",
        set: |settings, text| assign(&mut settings.off, values::switch(text)),
    },
    Row {
        name: "remap",
        variable: "KILN_REMAP",
        default: "false",
        written: "true or false",
        does: "Map workspace and target paths (rustc's --remap-path-prefix), so that checkouts at different paths share \
               the workspace's own crates too. Debuggers and panics then show /kiln/workspace/... for them.",
        set: |settings, text| assign(&mut settings.remap, values::switch(text)),
    },
    Row {
        name: "max-size",
        variable: "KILN_MAX_SIZE",
        default: "10GiB",
        written: "a size such as 10GiB; 0 for no limit",
        does: "The most disk the cache may take; the least useful results go first.",
        set: |settings, text| {
            assign(&mut settings.max_size, values::size(text).map(|bytes| (bytes > 0).then_some(bytes)))
        },
    },
    Row {
        name: "max-age",
        variable: "KILN_MAX_AGE",
        default: "7d",
        written: "a duration such as 7d or 12h; 0 for ever",
        does: "How long a result that nobody uses is kept.",
        set: |settings, text| {
            assign(&mut settings.max_age, values::duration(text).map(|time| (!time.is_zero()).then_some(time)))
        },
    },
    Row {
        name: "",
        variable: "KILN_EVENTS",
        default: "",
        written: "an absolute path",
        does: "A file that gets a copy of every event, for a tool that wants to sum up one build.",
        set: |settings, text| {
            settings.events = Some(PathBuf::from(text));
            true
        },
    },
];

fn assign<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

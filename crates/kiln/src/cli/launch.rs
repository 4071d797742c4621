//! The command of a build, started so that kiln is put before the C compilers which it starts, or which what it starts starts.

use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::inputs;
use kiln_recorder::{Below, Wiring};
use kiln_sys::env::Environment;
use kiln_sys::process::{self, Channel, Ended, Program};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What is to be run.
pub struct Command<'a> {
    /// A file, or a name to be looked for along `PATH`.
    pub program: &'a OsStr,
    /// The arguments behind the program's name.
    pub args: &'a [OsString],
    /// Whose C compilers are wired.
    pub below: Below,
}

/// A command whose C compilers are wired as far as that can be; else the build goes on without.
pub struct Launch {
    program: OsString,
    /// What it is called, where that is something else.
    called: Option<OsString>,
    args: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    /// The recorder's object, for as long as this lives.
    _wiring: Option<Wiring>,
}

impl Launch {
    /// Decides.
    pub fn of(
        command: &Command<'_>,
        settings: &Settings,
        wrapper: &Path,
        environment: &Environment,
    ) -> Launch {
        let mut launch = Launch {
            program: command.program.to_owned(),
            called: None,
            args: command.args.to_vec(),
            variables: Vec::new(),
            _wiring: None,
        };
        let Some(root) = file_of(command.program, environment) else { return launch };
        if settings.off || !settings.wire_c || root.file_name() == wrapper.file_name() {
            return launch;
        }
        if is_compiler(&root) {
            launch.called = Some(kiln_recorder::calling(command.program));
            launch.program = wrapper.as_os_str().to_owned();
            launch.args.insert(0, root.into_os_string());
            return launch;
        }
        match wiring(&root, command.below, settings, wrapper) {
            Ok(wiring) => {
                launch.variables = wiring.environment(environment.get("LD_PRELOAD")).into();
                launch._wiring = Some(wiring);
            }
            Err(what) if command.below == Below::All => {
                let warning = format!("kiln: warning: C compilers are not wired: {what}\n");
                process::say(Channel::Err, warning.as_bytes());
            }
            Err(_) => {} // cargo's build scripts are wired by their launchers as well
        }
        launch
    }

    /// Runs it with these variables besides.
    pub fn run(&self, set: &[(&OsStr, &OsStr)]) -> std::io::Result<Ended> {
        let args: Vec<&OsStr> = self.args.iter().map(OsString::as_os_str).collect();
        let own = self.variables.iter().map(|(name, value)| (OsStr::new(name), value.as_os_str()));
        let set: Vec<(&OsStr, &OsStr)> = set.iter().copied().chain(own).collect();
        let called = self.called.as_deref();
        process::run_inherited(&Program { program: &self.program, called, args: &args, set: &set })
    }
}

fn file_of(program: &OsStr, environment: &Environment) -> Option<PathBuf> {
    match program.as_encoded_bytes().contains(&b'/') {
        true => inputs::another_program(Path::new(program)),
        false => inputs::find_program(program, environment),
    }
}

fn is_compiler(program: &Path) -> bool {
    let recognised = program.file_name().and_then(|name| kiln_compiler::recognise(name, None));
    recognised.is_some_and(|it| it.subject.is_c())
}

fn wiring(root: &Path, below: Below, settings: &Settings, wrapper: &Path) -> Result<Wiring, String> {
    if !kiln_recorder::watchable(root) {
        let what = "is static, runs as another user, or is of another kind than this machine's programs";
        return Err(format!("{} {what}, so what it starts cannot be seen", root.display()));
    }
    let directory = CacheDir::open(settings).ok().map(|cache| cache.recorder());
    Wiring::new(directory.as_deref(), wrapper, below).map_err(|error| error.to_string())
}

//! How cargo finds its wrapper: every place that can name one, the strongest first (cargo 1.95: RUSTC_WRAPPER, then
//! CARGO_BUILD_RUSTC_WRAPPER, then `build.rustc-wrapper` of the nearest configuration file; an empty value switches it
//! off).

use kiln_engine::inputs;
use kiln_prefill::configuration;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// A place that names a wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedIn {
    /// A variable.
    Variable(&'static str),
    /// A configuration file.
    File(PathBuf),
    /// A variable for build scripts, and where it is set.
    Other(String),
}

impl fmt::Display for NamedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamedIn::Variable(name) => f.write_str(name),
            NamedIn::Other(place) => f.write_str(place),
            NamedIn::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What names a wrapper here, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedWrapper {
    /// The variable or file that names it.
    pub place: NamedIn,
    /// What; empty is none.
    pub wrapper: String,
}

impl NamedWrapper {
    /// Whether it is kiln, wherever that is.
    pub fn is_kiln(&self) -> bool {
        is_kiln(&self.wrapper)
    }
}

/// Whether a wrapper is kiln, by its name.
pub fn is_kiln(wrapper: &str) -> bool {
    Path::new(wrapper).file_name().is_some_and(|name| name == "kiln")
}

/// Whether a wrapper is a cache as kiln is: builds come to the same with either, and one is enough.
pub fn is_rival(wrapper: &OsStr) -> bool {
    let name = Path::new(wrapper).file_name().unwrap_or_default();
    ["sccache", "kache", "mbx", "cachepot"].iter().any(|rival| name == *rival)
}

/// The wrapper that a build in a directory has anyway, if it may do anything: one that is neither kiln nor another cache.
pub fn foreign(args: &[OsString], environment: &Environment, directory: &Path) -> Option<NamedWrapper> {
    let given = on_command_line(args, directory).filter(|_| environment.get("RUSTC_WRAPPER").is_none());
    let first = given.or_else(|| named(environment, directory).into_iter().next())?;
    let plain = first.wrapper.is_empty() || first.is_kiln() || is_rival(OsStr::new(&first.wrapper));
    (!plain).then_some(first)
}

/// The wrapper that cargo's own command line names: in a piece of its configuration, or in a file of it. The last one counts.
fn on_command_line(args: &[OsString], directory: &Path) -> Option<NamedWrapper> {
    let joined = |word: &OsString| word.to_str()?.strip_prefix("--config=").map(str::to_owned);
    let values = args.iter().enumerate().filter_map(|(at, word)| match word == "--config" {
        true => args.get(at + 1)?.to_str().map(str::to_owned),
        false => joined(word),
    });
    let wrapper = |value: String| wrapper_of(&on_the_spot(&value, directory)?).map(str::to_owned);
    let wrapper = values.filter_map(wrapper).next_back()?;
    Some(NamedWrapper { place: NamedIn::Other("--config".to_owned()), wrapper })
}

/// What a value of `--config` says (cargo 1.95, `cli_args_as_table`): what is in the file of that name, or what it is itself.
fn on_the_spot(value: &str, directory: &Path) -> Option<DocumentMut> {
    let file = directory.join(value);
    let is_file = !value.is_empty() && files::stat(&file).is_ok_and(|found| found.is_some());
    if is_file { read(&file) } else { value.parse().ok() }
}

/// This kiln's wrapper: the program beside this one.
pub fn own_wrapper() -> Option<PathBuf> {
    env::program_beside("kiln")
}

/// The same by the name that `$PATH` has for it, if it has one: packages keep each version in a directory of its own, and
/// only the link on the path outlives an upgrade.
pub fn lasting_wrapper(environment: &Environment) -> Option<PathBuf> {
    let own = own_wrapper()?;
    let named = inputs::find_program(OsStr::new("kiln"), environment).filter(|path| path.is_absolute());
    let real = |path: &Path| files::real_path(path).ok().flatten();
    Some(named.filter(|named| real(named) == real(&own)).unwrap_or(own))
}

/// A cargo configuration file, if it is there and can be read.
pub fn read(file: &Path) -> Option<DocumentMut> {
    String::from_utf8(files::read(file).ok()?).ok()?.parse().ok()
}

/// The wrapper that a configuration names.
pub fn wrapper_of(document: &DocumentMut) -> Option<&str> {
    document.get("build")?.as_table_like()?.get("rustc-wrapper")?.as_str()
}

/// The text of a value of the configuration; under `[env]` it may be in a table of its own.
pub fn text_of(item: &Item) -> Option<&str> {
    item.as_str().or_else(|| item.as_table_like()?.get("value")?.as_str())
}

/// Every place that gives build scripts this variable, the strongest first: the environment, then `[env]` of the nearest
/// configuration file (unless it says `force`, which nobody does for compilers).
pub fn compilers_named(name: &str, environment: &Environment, directory: &Path) -> Vec<NamedWrapper> {
    let of = |place: String, compiler: &str| NamedWrapper {
        place: NamedIn::Other(place),
        wrapper: compiler.to_owned(),
    };
    let variable = environment.get(name).map(|value| of(name.to_owned(), &value.to_string_lossy()));
    let configured = configuration::files(environment, directory).into_iter().filter_map(|file| {
        let document = read(&file)?;
        let compiler = text_of(document.get("env")?.as_table_like()?.get(name)?)?;
        Some(of(format!("{name} in {}", file.display()), compiler))
    });
    variable.into_iter().chain(configured).filter(|it| !it.wrapper.trim().is_empty()).collect()
}

/// Every place that names a wrapper for builds in `directory`, the strongest first.
pub fn named(environment: &Environment, directory: &Path) -> Vec<NamedWrapper> {
    let variables = ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"].into_iter().filter_map(|name| {
        let wrapper = environment.get(name)?.to_string_lossy().into_owned();
        Some(NamedWrapper { place: NamedIn::Variable(name), wrapper })
    });
    let configured = configuration::files(environment, directory).into_iter().filter_map(|file| {
        let wrapper = wrapper_of(&read(&file)?)?.to_owned();
        let wrapper = match wrapper.contains('/') {
            // relative to the directory that `.cargo` is in
            true => file.parent()?.parent()?.join(wrapper).to_string_lossy().into_owned(),
            false => wrapper,
        };
        Some(NamedWrapper { place: NamedIn::File(file), wrapper })
    });
    variables.chain(configured).collect()
}

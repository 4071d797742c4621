//! Where paths lead: one place has many spellings, behind links and by `..`, and a run uses several of them. (rustc 1.95 makes its
//! temporary directory by the name that it was given, and removes what is in it through a descriptor, which goes by another.)
//!
//! Paths are compared by where they lead; questions are asked as they were spelled. What is looked up is looked up after the run: a link
//! that leads elsewhere by then is another one, and nothing is kept ([`crate::capture`]).

use kiln_action::os::OsStrExt;
use kiln_action::place::{below, plain};
use kiln_action::{Invocation, OutputPlan, Place, Placed, Places};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// The spellings of one run.
pub struct Spellings<'a> {
    /// Where a path leads that something is at.
    real_path: &'a dyn Fn(&Path) -> Option<PathBuf>,
    /// Directories that have been followed.
    known: RefCell<HashMap<OsString, PathBuf>>,
    /// Whether a directory in which the run may leave or has made something is really elsewhere. Mostly none is: then only paths with
    /// `..` in them need to be followed.
    odd: bool,
    /// What the command line says it writes.
    declared: &'a OutputPlan,
    /// The same where that leads.
    plan: OutputPlan,
    /// Where the places of outputs and dependencies lead, if that is elsewhere.
    roots: Vec<(Place, PathBuf)>,
}

impl<'a> Spellings<'a> {
    /// For a run that made something in these directories.
    pub fn new<'p>(
        invocation: &'a Invocation,
        real_path: &'a dyn Fn(&Path) -> Option<PathBuf>,
        made_in: impl Iterator<Item = &'p Path>,
    ) -> Spellings<'a> {
        let declared = &invocation.outputs;
        let mut spellings = Spellings {
            real_path,
            known: RefCell::default(),
            odd: false,
            declared,
            plan: OutputPlan::default(),
            roots: Vec::new(),
        };
        let files = declared.files.iter().map(|file| spellings.file(file).into_owned()).collect();
        spellings.plan = OutputPlan {
            directory: spellings.directory(&declared.directory),
            files,
            tree: declared.tree.as_deref().map(|tree| spellings.directory(tree)),
            private: declared.private.iter().map(|directory| spellings.directory(directory)).collect(),
            ..declared.clone()
        };
        let elsewhere =
            |root| spellings.elsewhere(root).filter(|(_, real)| !spellings.is_named(real, invocation));
        spellings.roots = invocation.places.roots().iter().filter_map(elsewhere).collect();
        spellings.odd = !spellings.roots.is_empty()
            || !spellings.is_as_declared()
            || made_in
                .filter(|directory| directory.is_absolute() && !is_of_processes(directory))
                .any(|directory| !spellings.is_where_it_says(directory));
        spellings
    }

    fn elsewhere(&self, (place, root): &(Place, PathBuf)) -> Option<(Place, PathBuf)> {
        let of_rustc = matches!(place, Place::Out | Place::Deps(_));
        (of_rustc && !self.is_where_it_says(root)).then(|| (*place, self.directory(root)))
    }

    /// Whether the command line leads to a directory by another way, too: then not everything there need be what it depends on, and if
    /// the link leads elsewhere one day, the other way stays.
    fn is_named(&self, real: &Path, invocation: &Invocation) -> bool {
        let says_so = |text: &[u8]| memchr::memmem::find(text, real.as_os_str().as_bytes()).is_some();
        let leads_there = |value: &OsStr| {
            let value = value.as_bytes();
            let path = value.iter().position(|byte| *byte == b'=').map_or(value, |at| &value[at + 1..]);
            let path = invocation.absolute(Path::new(OsStr::from_bytes(path)));
            below(&self.directory(&path), real).is_some()
        };
        let mut fields = invocation.fields.iter();
        fields.any(|field| says_so(field.value.as_bytes()) || field.path && leads_there(&field.value))
    }

    fn is_as_declared(&self) -> bool {
        let all = |plan: &OutputPlan| -> Vec<PathBuf> {
            let directories = [&plan.directory].into_iter().chain(&plan.tree).chain(&plan.private);
            directories.chain(&plan.files).map(|path| plain(path).into_owned()).collect()
        };
        all(self.declared) == all(&self.plan)
    }

    fn is_where_it_says(&self, directory: &Path) -> bool {
        plain(directory) == self.directory(directory)
    }

    /// Where a path that the run used leads, but for a link that is its last part.
    pub fn place<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        if !path.is_absolute() || is_of_processes(path) || !self.odd && !has_detour(path) {
            return Cow::Borrowed(path);
        }
        self.file(path)
    }

    fn file<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        let (Some(above), Some(Component::Normal(name))) = (path.parent(), path.components().next_back())
        else {
            return Cow::Owned(self.directory(path));
        };
        let real = self.directory(above);
        if real == above { Cow::Borrowed(path) } else { Cow::Owned(real.join(name)) }
    }

    /// Where a directory leads. What is not there any more was where the directory above it leads.
    fn directory(&self, directory: &Path) -> PathBuf {
        if let Some(known) = self.known.borrow().get(directory.as_os_str()) {
            return known.clone();
        }
        let real = (self.real_path)(directory).unwrap_or_else(|| match directory.parent() {
            None => directory.to_owned(),
            Some(above) => {
                let mut real = self.directory(above);
                match directory.components().next_back() {
                    Some(Component::ParentDir) => drop(real.pop()),
                    Some(part) => real.push(part),
                    None => {}
                }
                real
            }
        });
        self.known.borrow_mut().insert(directory.as_os_str().to_owned(), real.clone());
        real
    }

    /// Whether the run may leave something at a place.
    pub fn may_leave(&self, place: &Path) -> bool {
        let ends = self.plan.files.iter().chain(&self.plan.private).chain([&self.plan.directory]);
        self.declares(place) || self.is_private(place) || ends.into_iter().any(|end| end.starts_with(place))
    }

    /// Whether one of the outputs is at a place.
    pub fn declares(&self, place: &Path) -> bool {
        self.plan.declares(place)
    }

    /// Whether a place is in the directory that holds nothing but outputs, or is that directory.
    pub fn holds(&self, place: &Path) -> bool {
        self.plan.holds(place)
    }

    /// Whether a place is in a directory that belongs to the compiler alone.
    pub fn is_private(&self, place: &Path) -> bool {
        self.plan.is_private(place)
    }

    /// The output that is at a place, as the command line calls it.
    pub fn output(&self, place: &Path) -> Option<PathBuf> {
        if let (Some(tree), Some(declared)) = (&self.plan.tree, &self.declared.tree)
            && let Some(rest) = below(place, tree)
        {
            return Some(if rest.as_os_str().is_empty() { declared.clone() } else { declared.join(rest) });
        }
        if let Some(at) = self.plan.files.iter().position(|file| file == place) {
            return self.declared.files.get(at).cloned();
        }
        let name = place.file_name()?;
        self.plan.declares(place).then(|| self.declared.directory.join(name))
    }

    /// What a path of rustc's own is relative to. It goes by where they really are for crates that it found (rustc 1.95 resolves their
    /// paths once and opens these), and for directories that it holds open.
    pub fn placed(&self, path: &Path, places: &Places) -> Placed {
        let placed = places.place(path);
        if placed.place != Place::Literal || self.roots.is_empty() {
            return placed;
        }
        let found = self.roots.iter().find_map(|(place, root)| Some((*place, below(path, root)?)));
        let found = found.filter(|(_, rest)| rest.as_os_str().is_empty() || is_a_crate(rest));
        found.map_or(placed, |(place, rest)| Placed { place, path: rest.as_os_str().as_bytes().to_vec() })
    }

    /// Other names of directories that the key does not hold.
    pub fn into_aliases(self) -> Vec<PathBuf> {
        self.roots.into_iter().map(|(_, root)| root).collect()
    }
}

/// Whether a file of this name is a crate.
fn is_a_crate(name: &Path) -> bool {
    let extension = name.extension().and_then(OsStr::to_str);
    let known = matches!(extension, Some("rmeta" | "rlib" | "so"));
    known && name.as_os_str().as_bytes().starts_with(b"lib") && !name.as_os_str().as_bytes().contains(&b'/')
}

/// Whether the kernel makes it up for each process: where it led to for the run is not known any more.
fn is_of_processes(path: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(b"/proc/") && !has_detour(path)
}

/// Whether a part of it says `..`.
pub fn has_detour(path: &Path) -> bool {
    let text = path.as_os_str().as_bytes();
    memchr::memmem::find(text, b"/..").is_some() && path.iter().any(|part| part == OsStr::new(".."))
}

#[cfg(test)]
mod tests;

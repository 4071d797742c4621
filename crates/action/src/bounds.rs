//! What a Shape that somebody else made may ask. Whoever answers it makes a key of the answers, and the store is asked for that key:
//! who wrote the Shape can try values until one makes the same key. So a foreign Shape asks about nothing in which secrets are kept.
//! What is refused here is compiled instead, and not shared.

use crate::os::OsStrExt;
use crate::place::{Place, Placed};
use crate::shape::Question;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// More questions than any compile asks.
pub const MOST_QUESTIONS: usize = 100_000;
/// More bytes of names and paths than any compile asks about.
const MOST_BYTES: usize = 12 << 20;
/// No path of any system is longer.
const LONGEST_PATH: usize = 4096;
const LONGEST_NAME: usize = 256;

/// Words, between underscores, of the names of variables that hold secrets.
const SECRET_WORDS: &[&str] = &[
    "ACCESSKEY",
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "JWT",
    "KEY",
    "KEYS",
    "OTP",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PAT",
    "PIN",
    "PRIVATE",
    "PW",
    "SECRET",
    "SECRETS",
    "SIGNING",
    "TOKEN",
    "TOKENS",
];
/// What cargo says of packages, features and targets is public, whatever it is called, and so is where the agent of SSH listens.
const PUBLIC_BEGINNINGS: &[&str] = &[
    "CARGO_BIN_EXE_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "DEP_",
    "SSH_AUTH_SOCK",
];

/// Directories below which the system shows itself, its devices and what runs.
const OF_THE_SYSTEM: &[&str] = &["/boot", "/dev", "/proc", "/run", "/sys", "/var/run"];
/// Of these, what is a part of the installed system.
const BUT: &[&str] = &["/run/booted-system", "/run/current-system", "/run/opengl-driver"];
/// Places outside of homes that hold secrets, or say which machine it is.
const SECRET_PLACES: &[&str] = &[
    "/etc/NetworkManager",
    "/etc/gshadow",
    "/etc/krb5.keytab",
    "/etc/kubernetes",
    "/etc/machine-id",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/wireguard",
    "/var/lib",
    "/var/log",
    "/var/mail",
    "/var/spool",
];
/// Directories whose directories are somebody's homes.
const ABOVE_HOMES: &[&str] = &["/home", "/Users", "/export/home", "/usr/home", "/var/home"];
/// Hidden directories of a home in which there are toolchains and sources.
const OF_TOOLS: &[&str] = &[".cargo", ".nix-profile", ".rustup"];
/// Names that hold secrets wherever they are.
const SECRET_NAMES: &[&str] = &[
    ".aws",
    ".azure",
    ".docker",
    ".env",
    ".git-credentials",
    ".gnupg",
    ".htpasswd",
    ".kube",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pgpass",
    ".pypirc",
    ".ssh",
    ".vault-token",
    "credentials",
    "credentials.toml",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
];

/// Why a Shape may not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It asks too much.
    Size,
    /// It asks for this variable.
    Variable(String),
    /// It asks for all variables.
    Environment,
    /// It asks about this path.
    Path(String),
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Beyond::Size => write!(f, "asks more than any compile does"),
            Beyond::Variable(name) => write!(f, "asks for the variable {name}"),
            Beyond::Environment => write!(f, "asks for the whole environment"),
            Beyond::Path(path) => write!(f, "asks about {path}"),
        }
    }
}

/// The bounds for one user.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// The user's home directory, if it is known.
    pub home: Option<PathBuf>,
    /// Where cargo and rustup keep what they fetch, if not in the home's usual places.
    pub tools: Vec<PathBuf>,
    /// Whether there is a variable whose name says that it holds a secret: then no other machine gets a result that depends on the whole environment.
    pub secrets: bool,
}

impl Bounds {
    /// Whether the questions of a foreign Shape are within bounds.
    pub fn hold<T: AsRef<[u8]>>(&self, questions: &[Question<T>]) -> Result<(), Beyond> {
        let mut bytes = 0;
        for question in questions {
            bytes += self.question(question)?;
        }
        let fits = questions.len() <= MOST_QUESTIONS && bytes <= MOST_BYTES;
        if fits { Ok(()) } else { Err(Beyond::Size) }
    }

    /// How many bytes it asks about, if it may.
    fn question<T: AsRef<[u8]>>(&self, question: &Question<T>) -> Result<usize, Beyond> {
        match question {
            Question::Environ | Question::Inherited if self.secrets => Err(Beyond::Environment),
            Question::Environ | Question::Inherited => Ok(0),
            Question::Env(name) | Question::Where(name) => {
                match !is_plain(name.as_ref()) || names_a_secret(name.as_ref()) {
                    true => Err(Beyond::Variable(String::from_utf8_lossy(name.as_ref()).into_owned())),
                    false => Ok(name.as_ref().len()),
                }
            }
            Question::Program(name) | Question::Library(name) | Question::Arg(name) => {
                match name.as_ref().len() {
                    long if long > LONGEST_PATH => Err(Beyond::Size),
                    length => Ok(length),
                }
            }
            Question::Argv | Question::Here | Question::Given(_) => Ok(0),
            Question::Absent(placed) => self.path(&placed.borrowed(), true),
            Question::File(placed)
            | Question::Kind(placed)
            | Question::Mode(placed)
            | Question::Real(placed)
            | Question::Listing(placed) => self.path(&placed.borrowed(), false),
        }
    }

    /// `presence`: nothing but whether something is there. Compilers and tools look for their files along `$PATH`, which leads
    /// through hidden directories of homes.
    fn path(&self, placed: &Placed<&[u8]>, presence: bool) -> Result<usize, Beyond> {
        let beyond = || Beyond::Path(Placed { place: placed.place, path: placed.path.to_vec() }.display());
        if placed.path.len() > LONGEST_PATH {
            return Err(Beyond::Size);
        }
        let path = without_dots(placed.path).ok_or_else(beyond)?;
        let named = path.iter().any(|part| SECRET_NAMES.iter().any(|name| part == *name));
        let kept = placed.place == Place::Literal && self.is_out_of_bounds(&path, presence);
        if named && !presence || kept { Err(beyond()) } else { Ok(placed.path.len()) }
    }

    /// Whether a compile has no business there.
    fn is_out_of_bounds(&self, path: &Path, presence: bool) -> bool {
        let below = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        if below(OF_THE_SYSTEM) && !below(BUT) {
            return true;
        }
        if self.tools.iter().any(|tools| path.starts_with(tools)) {
            return false;
        }
        if let Some(inside) = self.home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
            return !presence && is_private(inside);
        }
        !presence && (below(SECRET_PLACES) || is_in_a_home(path))
    }
}

/// Whether a path in a home is the home itself, or in a hidden directory that is none of tools.
fn is_private(inside: &Path) -> bool {
    inside
        .iter()
        .next()
        .is_none_or(|first| first.as_bytes().starts_with(b".") && !OF_TOOLS.iter().any(|tool| first == *tool))
}

/// Whether a path is in a home, whoever's.
fn is_in_a_home(path: &Path) -> bool {
    let in_one = |above: &&str| path.strip_prefix(above).is_ok_and(|inside| inside.iter().next().is_some());
    path.starts_with("/root") || ABOVE_HOMES.iter().any(in_one)
}

/// A path with its `.` and `..` worked out; `None` if it leads out of the place that it belongs to.
fn without_dots(path: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(path));
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.has_root() => _ = plain.pop(),
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// Whether a variable's name is one that a compile would ask for.
fn is_plain(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.()".contains(byte);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.iter().all(plain)
}

/// Whether a variable's name says that it holds a secret.
pub fn names_a_secret(name: &[u8]) -> bool {
    let upper = String::from_utf8_lossy(name).to_ascii_uppercase();
    let public = PUBLIC_BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning));
    !public && upper.split(['_', '-', '.']).any(|word| SECRET_WORDS.contains(&word))
}

#[cfg(test)]
mod tests;

//! What cargo tells units and build scripts (variables, features, flags), drawn at random: a workspace that prints all it is told, and
//! the places from which cargo takes it, each of which can be one of several things. The oracle is plain cargo in the same place from an
//! empty target directory, incremental off: every file, byte for byte.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::projects::behind_launchers;
use kiln_testkit::{Outcome, Project, Random, TestSpace, run, tree};

/// A thing that decides what cargo tells, and how many ways it can be.
pub struct Dimension {
    /// For messages, and by which tests name it.
    pub name: &'static str,
    /// How many variants it has; the first is the usual one.
    pub variants: usize,
}

const fn dimension(name: &'static str, variants: usize) -> Dimension {
    Dimension { name, variants }
}

/// All of them.
pub const DIMENSIONS: &[Dimension] = &[
    dimension("description", 3),
    dimension("license", 3),
    dimension("authors", 2),
    dimension("version", 2),
    dimension("inherited homepage", 2),
    dimension("inherited rust-version", 2),
    dimension("readme", 3),
    dimension("links", 2),
    dimension("what a dependency's script says", 2),
    dimension("what a script sets, with a blank behind", 2),
    dimension("features", 3),
    dimension("opt-level", 2),
    dimension("debug", 2),
    dimension("release", 2),
    dimension("configured [env]", 4),
    dimension("configured [env] called like one of cargo's", 3),
    dimension("the user's HOST", 3),
    dimension("the user's PROFILE and DEBUG", 2),
    dimension("the user's DEP_", 3),
    dimension("the user's CARGO_FEATURE_", 2),
    dimension("the user's CARGO_PKG_", 2),
    dimension("RUSTFLAGS", 3),
    dimension("a variable that is watched", 3),
    dimension("another program", 2),
    dimension("where cargo is started", 2),
    dimension("a stray lock file", 2),
    dimension("another path of a dependency", 2),
    dimension("the compiler's wrapper of the workspace", 2),
];

/// Which variant each of the [`DIMENSIONS`] is.
pub type State = Vec<usize>;

/// Everything as usual.
pub fn usual() -> State {
    vec![0; DIMENSIONS.len()]
}

/// The place of a dimension.
pub fn place(name: &str) -> usize {
    DIMENSIONS.iter().position(|it| it.name == name).unwrap_or_else(|| panic!("no dimension {name}"))
}

/// Names that every reader asks for.
const NAMES: [&str; 34] = [
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_MINE",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_MANIFEST_LINKS",
    "CARGO_FEATURE_WARM",
    "CARGO_FEATURE_COLD",
    "CARGO_FEATURE_MINE",
    "CARGO_CFG_TARGET_OS",
    "CARGO_CFG_TOLD",
    "CARGO_CFG_TARGET_FEATURE",
    "CARGO_ENCODED_RUSTFLAGS",
    "DEP_AA_INCLUDE",
    "DEP_BB_INCLUDE",
    "DEP_MINE",
    "HOST",
    "TARGET",
    "PROFILE",
    "DEBUG",
    "OPT_LEVEL",
    "OUT_DIR",
    "CONFIGURED",
    "WATCHED",
    "SAID",
];

/// A workspace, as it is now.
pub struct VariedWorkspace<'a> {
    /// Its checkout.
    pub project: Project<'a>,
    state: State,
    /// What plain cargo makes of each state.
    oracle: HashMap<State, Made>,
}

/// What a build comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    prints: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl<'a> VariedWorkspace<'a> {
    /// Writes the workspace, as usual.
    pub fn new(space: &'a TestSpace) -> VariedWorkspace<'a> {
        let project = space.project("ws");
        let asks = |ask: &str| NAMES.map(|name| ask.replace("NAME", name)).join("\n");
        let reads = asks("    all += &format!(\"NAME={:?}\\n\", std::env::var(\"NAME\"));");
        project
            .write("pm/Cargo.toml", "[package]\nname = \"pm\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\nproc-macro = true\n")
            .write(
                "pm/src/lib.rs",
                format!(
                    "#[proc_macro]\npub fn told(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{\n    let mut all = String::new();\n{reads}\n    format!(\"{{all:?}}\").parse().unwrap()\n}}\n"
                ),
            )
            .write(
                "low/build.rs",
                "fn main() {\n    println!(\"cargo::rerun-if-changed=where\");\n    println!(\"cargo::metadata=include={}\", std::fs::read_to_string(\"where\").unwrap());\n    println!(\"cargo::rustc-env=SAID={}\", std::fs::read_to_string(\"said\").unwrap());\n}\n",
            )
            .write("low/src/lib.rs", "pub const TOLD: &str = pm::told!();\npub const SAID: &str = env!(\"SAID\");\npub const WATCHED: Option<&str> = option_env!(\"WATCHED\");\n")
            .write(
                "mid/build.rs",
                format!(
                    "fn main() {{\n    println!(\"cargo::rerun-if-env-changed=WATCHED\");\n    let mut all = String::new();\n{reads}\n    let out = std::path::PathBuf::from(std::env::var_os(\"OUT_DIR\").unwrap());\n    std::fs::write(out.join(\"told\"), all).unwrap();\n}}\n"
                ),
            )
            .write("mid/src/lib.rs", "pub const TOLD: &str = pm::told!();\npub const SCRIPT: &str = include_str!(concat!(env!(\"OUT_DIR\"), \"/told\"));\n")
            .write(
                "mid/src/main.rs",
                "fn main() {\n    for told in [mid::TOLD, mid::SCRIPT, low::TOLD, low::SAID, pm::told!()] {\n        println!(\"{told}|\");\n    }\n    println!(\"{:?} {:?}\", low::WATCHED, option_env!(\"CARGO_PKG_DESCRIPTION\"));\n}\n",
            );
        space.script("wrapper.sh", "#!/bin/sh\nexec \"$@\"\n");
        let workspace = VariedWorkspace { project, state: usual(), oracle: HashMap::new() };
        workspace.write();
        workspace.project.plain(&["generate-lockfile"]).ok();
        workspace
    }

    fn is(&self, name: &str) -> usize {
        self.state[place(name)]
    }

    /// Makes everything as a state says.
    pub fn become_(&mut self, state: &State) {
        self.state.clone_from(state);
        self.write();
    }

    /// Writes what is not there already, so that nothing else has another time.
    fn write(&self) {
        for (path, text) in self.files() {
            let file = self.project.path(&path);
            match text {
                Some(text) if fs::read(&file).ok().as_deref() != Some(text.as_bytes()) => {
                    self.project.write(&path, text);
                }
                None if file.exists() => fs::remove_file(&file).expect("rm"),
                _ => {}
            }
        }
    }

    fn files(&self) -> Vec<(String, Option<String>)> {
        let one = |name, all: &[&str]| all[self.is(name)].to_owned();
        let low = one("another path of a dependency", &["low", "moved"]);
        let root = format!(
            "[workspace]\nresolver = \"2\"\nmembers = [\"pm\", \"{low}\", \"mid\"]\n\n[workspace.package]\nhomepage = \"{}\"\nrust-version = \"{}\"\n\n[profile.dev]\nopt-level = {}\ndebug = {}\n",
            one("inherited homepage", &["http://one", "http://two"]),
            one("inherited rust-version", &["1.80", "1.81"]),
            one("opt-level", &["0", "1"]),
            one("debug", &["true", "false"]),
        );
        let mid = format!(
            "[package]\nname = \"mid\"\nversion = \"{}\"\nedition = \"2021\"\n{}{}authors = [\"{}\"]\nhomepage.workspace = true\nrust-version.workspace = true\n\n[features]\nwarm = []\ncold = []\ndefault = [{}]\n\n[dependencies]\nlow = {{ path = \"../{low}\" }}\npm = {{ path = \"../pm\" }}\n",
            one("version", &["0.1.0", "0.1.1-beta"]),
            one("description", &["", "description = \"one\"\n", "description = \"two\"\n"]),
            one("license", &["", "license = \"MIT\"\n", "license-file = \"Cargo.toml\"\n"]),
            one("authors", &["A <a@a>", "B"]),
            one("features", &["", "\"warm\"", "\"warm\", \"cold\""]),
        );
        let low_manifest = format!(
            "[package]\nname = \"low\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlinks = \"{}\"\n\n[dependencies]\npm = {{ path = \"../pm\" }}\n",
            one("links", &["aa", "bb"])
        );
        let env = [
            one(
                "configured [env]",
                &[
                    "",
                    "CONFIGURED = \"a\"\n",
                    "CONFIGURED = \"b\"\n",
                    "CONFIGURED = { value = \"b\", relative = true }\n",
                ],
            ),
            one(
                "configured [env] called like one of cargo's",
                &[
                    "",
                    "HOST = \"configured\"\nDEP_MINE = \"c\"\n",
                    "HOST = \"other\"\nDEP_MINE = { value = \"d\", force = true }\n",
                ],
            ),
        ];
        let env = env.concat();
        let mut files = vec![
            ("Cargo.toml".to_owned(), Some(root)),
            ("mid/Cargo.toml".to_owned(), Some(mid)),
            (format!("{low}/Cargo.toml"), Some(low_manifest)),
            (format!("{low}/where"), Some(one("what a dependency's script says", &["here", "there"]))),
            (
                format!("{low}/said"),
                Some(one("what a script sets, with a blank behind", &["said", "blank \t"])),
            ),
            (".cargo/config.toml".to_owned(), (!env.is_empty()).then(|| format!("[env]\n{env}"))),
            ("mid/README.md".to_owned(), (self.is("readme") == 1).then(String::new)),
            ("mid/README".to_owned(), (self.is("readme") == 2).then(String::new)),
            (
                "mid/src/bin/more.rs".to_owned(),
                (self.is("another program") == 1).then(|| "fn main() {}\n".to_owned()),
            ),
            (
                "mid/Cargo.lock".to_owned(),
                (self.is("a stray lock file") == 1).then(|| "# stray\n".to_owned()),
            ),
        ];
        if low == "moved" {
            for file in ["build.rs", "src/lib.rs"] {
                files.push((format!("moved/{file}"), Some(self.project.read(format!("low/{file}")))));
            }
        }
        files
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("CARGO_INCREMENTAL", "0".to_owned())];
        let mut set = |name: &str, variable: &'static str, values: &[&str]| {
            if let Some(value) = self.is(name).checked_sub(1) {
                all.push((variable, values[value].to_owned()));
            }
        };
        set("the user's HOST", "HOST", &["mine", "mine, too"]);
        set("the user's PROFILE and DEBUG", "PROFILE", &["mine"]);
        set("the user's PROFILE and DEBUG", "DEBUG", &["mine"]);
        set("the user's DEP_", "DEP_MINE", &["1", "2"]);
        set("the user's CARGO_FEATURE_", "CARGO_FEATURE_MINE", &["1"]);
        set("the user's CARGO_PKG_", "CARGO_PKG_MINE", &["mine"]);
        set("RUSTFLAGS", "RUSTFLAGS", &["--cfg told", "-C target-feature=+sse3"]);
        set("a variable that is watched", "WATCHED", &["one", "two \"quoted\""]);
        if self.is("the compiler's wrapper of the workspace") == 1 {
            all.push((
                "RUSTC_WORKSPACE_WRAPPER",
                self.project.space().path("wrapper.sh").display().to_string(),
            ));
        }
        all
    }

    fn call(&self, mut command: Command) -> Outcome {
        command.arg("build").arg("--offline");
        if self.is("release") == 1 {
            command.arg("--release");
        }
        let directory = if self.is("where cargo is started") == 1 { "mid" } else { "." };
        command.current_dir(self.project.path(directory)).envs(self.variables());
        run(&mut command)
    }

    /// What is there now.
    fn made(&self, outcome: &Outcome) -> Made {
        assert!(outcome.success(), "{:?}\n{outcome}", self.state);
        let profile = if self.is("release") == 1 { "release" } else { "debug" };
        let mut files = everything(self.project.target());
        files.retain(|path, _| !path.starts_with("tmp"));
        Made { prints: self.project.prints(&format!("{profile}/mid")), files }
    }

    /// What plain cargo makes of what is there now.
    fn expected(&mut self) -> Made {
        if let Some(known) = self.oracle.get(&self.state) {
            return known.clone();
        }
        let made = self.project.aside(|project| {
            let outcome = self.call(project.plain(&[]).command());
            self.made(&outcome)
        });
        self.oracle.insert(self.state.clone(), made.clone());
        made
    }

    /// Built through `kiln cargo` from an empty target, it is what plain cargo makes: the difference, if there is one.
    pub fn check(&mut self) -> Result<Outcome, String> {
        let expected = self.expected();
        self.project.clean();
        let outcome = self.call(self.project.space().kiln(&["cargo"]));
        let got = self.made(&outcome);
        if got.prints != expected.prints {
            let pairs = expected.prints.lines().zip(got.prints.lines()).filter(|(a, b)| a != b);
            let shown: Vec<String> = pairs.map(|(a, b)| format!("plain: {a}\nkiln:  {b}")).collect();
            return Err(format!("{outcome}\n{}", shown.join("\n")));
        }
        let mut differences = tree::differences(&expected.files, &got.files);
        let more = got.files.keys().filter(|path| !expected.files.contains_key(*path));
        differences.extend(more.map(|path| format!("{} is too much", path.display())));
        match differences.is_empty() {
            true => Ok(outcome),
            false => Err(format!("{outcome}\n{}", differences.join("\n"))),
        }
    }

    /// The same, and cargo had nothing to do. (Where cargo gives each unit a directory of its own, from 1.100 on, nothing is filled.)
    pub fn check_filled(&mut self) -> Result<(), String> {
        let outcome = self.check()?;
        let known = self.project.target().join("debug/.fingerprint").exists();
        match known && outcome.err().contains("Compiling") {
            true => Err(format!("it was not filled:\n{outcome}")),
            false => Ok(()),
        }
    }

    /// Draws another variant of a dimension or two.
    pub fn draw(&self, random: &mut Random) -> State {
        let mut state = self.state.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(DIMENSIONS.len());
            state[at] = random.below(DIMENSIONS[at].variants);
        }
        state
    }
}

/// All files of a target, with build scripts where plain cargo has them, and without what is never the same twice: times, the order of
/// what cargo lists, and what kiln leaves beside.
fn everything(target: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for path in tree::files(target) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let unsteady = [".rustc_info.json", ".cargo-lock", ".kiln-filled"].contains(&name)
            || name.starts_with("dep-")
            || name.ends_with(".d") && path.components().count() == 2;
        // (without `rerun-if-changed` the hash of a script's run is one of times; its own is not drawn)
        let of_times = path.to_string_lossy().contains(".fingerprint")
            && (name.contains("build-script") || name.ends_with(".json") || name.len() > 4);
        if !unsteady && !of_times {
            all.insert(path.clone(), fs::read(target.join(&path)).unwrap_or_default());
        }
    }
    behind_launchers(all)
}

/// Plays a random history of so many states.
pub fn play(seed: u64, steps: usize) {
    let space = TestSpace::new();
    let mut random = Random::new(seed);
    let mut workspace = VariedWorkspace::new(&space);
    let mut history = Vec::new();
    let mut seen: Vec<State> = vec![usual()];
    for _ in 0..steps {
        let back = random.chance(40);
        let state = if back { random.pick(&seen).clone() } else { workspace.draw(&mut random) };
        workspace.become_(&state);
        let named: Vec<String> = DIMENSIONS
            .iter()
            .zip(&state)
            .filter(|(_, at)| **at > 0)
            .map(|(it, at)| format!("{} {at}", it.name))
            .collect();
        history.push(named.join(", "));
        if let Err(difference) = workspace.check() {
            panic!("KILN_FUZZ_SEED={seed}: {difference}\n\nthe history:\n  {}", history.join("\n  "));
        }
        seen.push(state);
    }
}

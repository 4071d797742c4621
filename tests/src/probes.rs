//! Draws the readers of a random project: which part of the build looks at which subject, in which way.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use kiln_testkit::{Project, Random, TestSpace};

use crate::macros;
use crate::projects;
use crate::world::{Content, Place, State, Subject, World};

/// A package whose code asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    App,
    Sib,
    Ext,
}

/// A drawn project, while it is put together.
pub struct Probes<'a> {
    space: &'a TestSpace,
    /// What it looks at.
    pub world: World<'a>,
    items: [String; 3],
    shows: [String; 3],
    builds: [String; 2],
    commands: Vec<&'static str>,
    /// A macro asks for the time: the line that shows it starts with `time:`.
    pub timed: bool,
    /// What was drawn, for people.
    pub shown: Vec<String>,
}

/// Commands of the macro that look at a path, and whether a directory makes an interesting answer.
const PATH_COMMANDS: [(&str, bool); 13] = [
    ("read", true),
    ("thread", false),
    ("exists", false),
    ("len", true),
    ("kind", true),
    ("link", true),
    ("readlink", false),
    ("canonical", true),
    ("list", true),
    ("listall", true),
    ("cat", false),
    ("cleancat", false),
    ("sh", false),
];

impl<'a> Probes<'a> {
    /// Draws `count` readers.
    pub fn draw(space: &'a TestSpace, random: &mut Random, count: usize) -> Self {
        let mut probes = Self {
            space,
            world: World::new(space),
            items: Default::default(),
            shows: Default::default(),
            builds: Default::default(),
            commands: Vec::new(),
            timed: false,
            shown: Vec::new(),
        };
        for number in 0..count {
            let name = format!("p{number}");
            match random.below(20) {
                0..=4 => probes.macro_path(random, &name),
                5 => probes.macro_variable(random, &name),
                6..=9 => probes.rustc_file(random, &name),
                10 => probes.rustc_variable(random, &name),
                11 | 12 => probes.build_script(random, &name),
                13 | 14 => probes.archive(random, &name),
                15 | 16 => probes.link_argument(random, &name),
                17 => probes.flags(&name),
                18 => probes.feature(&name),
                _ => probes.time(random),
            }
        }
        probes
    }

    /// Writes the project that asks all of it.
    pub fn write(&self) -> Project<'a> {
        let project = self.space.project("ws");
        let extra_app =
            "sib = { path = \"../sib\" }\next = { path = \"../../ext\" }\n\n[features]\nfa = []\nfb = []\n";
        project
            .write("Cargo.toml", projects::workspace(&["app", "sib", "pm"]))
            .write("pm/Cargo.toml", macros::MANIFEST)
            .write("pm/src/lib.rs", macros::source(&self.commands))
            .write(
                "app/Cargo.toml",
                projects::manifest("app", &format!("pm = {{ path = \"../pm\" }}\n{extra_app}")),
            )
            .write("app/src/main.rs", self.source(Host::App))
            .write("sib/Cargo.toml", projects::manifest("sib", "pm = { path = \"../pm\" }\n"))
            .write("sib/src/lib.rs", self.source(Host::Sib));
        self.space.write("ext/Cargo.toml", projects::manifest("ext", ""));
        self.space.write("ext/src/lib.rs", self.source(Host::Ext));
        for (package, statements) in ["app", "sib"].iter().zip(&self.builds) {
            if !statements.is_empty() {
                let main = format!(
                    "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n{statements}}}\n"
                );
                project.write(format!("{package}/build.rs"), main);
            }
        }
        self.world.begin();
        project
    }

    fn source(&self, host: Host) -> String {
        let (items, shows) = (&self.items[host as usize], &self.shows[host as usize]);
        let show = format!("pub fn show() -> Vec<String> {{\n    vec![\n{shows}    ]\n}}\n");
        let main = "fn main() {\n    for line in [show(), sib::show(), ext::show()].concat() {\n        println!(\"{line}\");\n    }\n}\n";
        format!("#![allow(unexpected_cfgs)]\n{items}{show}{}", if host == Host::App { main } else { "" })
    }

    fn subject(&mut self, place: Place, content: Content, declared: bool, domain: &[State]) {
        let state = domain[0];
        self.world.subjects.push(Subject {
            place,
            content,
            declared,
            domain: domain.to_vec(),
            state,
            past: Vec::new(),
        });
    }

    fn show(&mut self, host: Host, name: &str, shown: &str, value: &str) {
        self.shows[host as usize].push_str(&format!("        format!(\"{name}: {{:?}}\", {value}),\n"));
        self.shown.push(format!("{name}: {shown} in {host:?}"));
    }

    /// A path in one of the places a build looks into; `odd` is the awkward directory's name.
    fn somewhere(&self, random: &mut Random, odd: &[u8], name: &str) -> PathBuf {
        match random.below(4) {
            0 => self.space.path("ws/app/data").join(name),
            1 => self.space.path("ws/sib/data").join(name),
            2 => self.space.path("outside").join(name),
            _ => self.space.path(OsStr::from_bytes(odd)).join(name),
        }
    }

    fn macro_path(&mut self, random: &mut Random, name: &str) {
        let (command, directories) = *random.pick(&PATH_COMMANDS);
        let host = *random.pick(&[Host::App, Host::Sib]);
        let path = self.somewhere(random, b"odd \xff dir", name);
        let mut domain = vec![
            State::File(0),
            State::File(1),
            State::File(2),
            State::File(3),
            State::Absent,
            State::Link(1),
            State::Link(2),
            State::Program(0),
        ];
        if directories {
            domain.extend([State::Directory(0), State::Directory(1), State::Directory(2)]);
        }
        random.shuffle(&mut domain);
        self.commands.push(command);
        self.show(host, name, &format!("macro {command} {path:?}"), &macros::call(command, &path));
        self.subject(Place::Path(path), Content::Text, false, &domain);
    }

    fn macro_variable(&mut self, random: &mut Random, name: &str) {
        let command = *random.pick(&["env", "env", "envs", "shenv"]);
        let host = *random.pick(&[Host::App, Host::Sib]);
        let variable = format!("PROBE_{name}");
        let asked = if command == "envs" { "PROBE_" } else { &variable };
        self.commands.push(command);
        self.show(host, name, &format!("macro {command} {asked}"), &macros::call(command, asked));
        self.subject(Place::Variable(variable), Content::Text, false, &values(random));
    }

    fn rustc_file(&mut self, random: &mut Random, name: &str) {
        let host = *random.pick(&[Host::App, Host::Sib, Host::Ext]);
        let mut domain =
            [State::File(0), State::File(1), State::File(2), State::File(3), State::File(1), State::File(2)]
                .to_vec();
        if random.chance(30) {
            domain.push(State::Absent);
        }
        if random.chance(30) {
            domain.push(State::Link(2));
        }
        let path = self.somewhere(random, "odd dir é".as_bytes(), name);
        let index = host as usize;
        let (content, path, value) = match random.below(5) {
            0 => (Content::Text, path.clone(), format!("include_str!({path:?})")),
            1 => (Content::Text, path.clone(), format!("include_bytes!({path:?}).len()")),
            2 => {
                let source_dir = match host {
                    Host::App => "ws/app/src",
                    Host::Sib => "ws/sib/src",
                    Host::Ext => "ext/src",
                };
                self.items[index].push_str(&format!("mod {name};\n"));
                let file = *random.pick(&["{}.rs", "{}/mod.rs"]);
                (
                    Content::Module,
                    self.space.path(source_dir).join(file.replace("{}", name)),
                    format!("{name}::v()"),
                )
            }
            3 => {
                self.items[index].push_str(&format!("#[path = {path:?}]\nmod {name};\n"));
                (Content::Module, path, format!("{name}::v()"))
            }
            _ => {
                self.items[index]
                    .push_str(&format!("#[doc = include_str!({path:?})]\npub fn {name}() {{}}\n"));
                (Content::Text, path, format!("{name}()"))
            }
        };
        self.show(host, name, &format!("rustc {path:?} {content:?}"), &value);
        self.subject(Place::Path(path), content, true, &domain);
    }

    fn rustc_variable(&mut self, random: &mut Random, name: &str) {
        let host = *random.pick(&[Host::App, Host::Sib, Host::Ext]);
        let variable = format!("PROBE_{name}");
        self.show(host, name, "option_env!", &format!("option_env!({variable:?})"));
        let declared = !self.commands.contains(&"envs");
        self.subject(Place::Variable(variable), Content::Text, declared, &values(random));
    }

    fn build_script(&mut self, random: &mut Random, name: &str) {
        let host = *random.pick(&[Host::App, Host::Sib]);
        let path = self.somewhere(random, "odd dir é".as_bytes(), name);
        let declared = random.chance(50);
        let mut build =
            format!("    let text = std::fs::read_to_string({path:?}).unwrap_or(\"none\".into());\n");
        if declared {
            build.push_str(&format!("    println!(\"cargo::rerun-if-changed={{}}\", {:?});\n", path));
        }
        let out = format!(
            "    std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/{name}\", format!(\"{{text:?}}\")).unwrap();\n"
        );
        let (how, value) = match random.below(4) {
            0 => {
                build.push_str(&format!("    println!(\"cargo::rustc-env=BUILT_{name}={{text}}\");\n"));
                ("rustc-env", format!("env!(\"BUILT_{name}\")"))
            }
            1 => {
                build.push_str(&out);
                ("OUT_DIR include!", format!("include!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))"))
            }
            2 => {
                build.push_str(&out);
                self.commands.push("outread");
                ("OUT_DIR macro", macros::call("outread", name))
            }
            _ => {
                build.push_str(&format!(
                    "    if text.len() > 6 {{ println!(\"cargo::rustc-cfg=long_{name}\"); }}\n"
                ));
                ("rustc-cfg", format!("cfg!(long_{name})"))
            }
        };
        self.builds[host as usize].push_str(&format!("    {{\n{build}    }}\n"));
        self.show(host, name, &format!("build script {how} {path:?} declared {declared}"), &value);
        let domain =
            [State::File(0), State::File(1), State::File(2), State::File(3), State::Absent, State::Link(1)];
        self.subject(Place::Path(path), Content::Text, declared, &domain);
    }

    fn archive(&mut self, random: &mut Random, name: &str) {
        let host = *random.pick(&[Host::App, Host::Sib]);
        let dir = self.space.path("outside/native dir").join(name);
        let symbol = format!("native_{name}");
        let (index, file) = (host as usize, format!("lib{name}.a"));
        let (first, second) = (dir.join("first"), dir.join("second"));
        for place in [&first, &second] {
            self.builds[index]
                .push_str(&format!("    println!(\"cargo::rustc-link-search=native={{}}\", {place:?});\n"));
        }
        let attribute = random.chance(40);
        if attribute {
            self.items[index].push_str(&format!("#[link(name = {name:?}, kind = \"static\")]\n"));
        } else {
            let kind = *random.pick(&["static", "static", "static:+whole-archive"]);
            self.builds[index].push_str(&format!("    println!(\"cargo::rustc-link-lib={kind}={name}\");\n"));
        }
        self.items[index].push_str(&format!("extern \"C\" {{ fn {symbol}() -> i32; }}\n"));
        self.show(
            host,
            name,
            &format!("archive in {dir:?}, #[link] {attribute}"),
            &format!("unsafe {{ {symbol}() }}"),
        );
        let content = Content::Archive(symbol);
        if random.chance(50) {
            // The library is in the second place; one that appears in the first shadows it.
            let both = [State::Absent, State::File(1), State::File(2)];
            self.subject(Place::Path(first.join(&file)), content.clone(), false, &both);
        }
        let domain = [State::File(0), State::File(1), State::File(2)];
        self.subject(Place::Path(second.join(&file)), content, false, &domain);
    }

    fn link_argument(&mut self, random: &mut Random, name: &str) {
        let symbol = format!("linked_{name}");
        let path = self.somewhere(random, b"odd dir", name);
        let (content, argument, value) = match random.below(3) {
            0 => (Content::Object(symbol.clone()), path_text(&path), format!("unsafe {{ {symbol}() }}")),
            1 => (
                Content::Defsym(symbol.clone()),
                format!("-Wl,@{}", path_text(&path)),
                format!("{symbol} as *const () as usize"),
            ),
            _ => (
                Content::VersionScript,
                format!("-Wl,--version-script={}", path_text(&path)),
                "\"bytes\"".to_owned(),
            ),
        };
        if content != Content::VersionScript {
            self.items[0].push_str(&format!("extern \"C\" {{ fn {symbol}() -> i32; }}\n"));
        } else if self.shown.iter().any(|shown| shown.contains("VersionScript")) {
            return; // a linker takes one anonymous version script
        }
        self.builds[0].push_str(&format!("    println!(\"cargo::rustc-link-arg={{}}\", {argument:?});\n"));
        self.show(Host::App, name, &format!("link argument {argument:?} {content:?}"), &value);
        let domain = [State::File(0), State::File(1), State::File(2)];
        self.subject(Place::Path(path), content, false, &domain);
    }

    fn flags(&mut self, name: &str) {
        if self.world.subjects.iter().all(|subject| subject.place != Place::Flags) {
            self.show(Host::Sib, name, "cfg by RUSTFLAGS", "(cfg!(pa), cfg!(pb = \"x\"), cfg!(pb = \"y\"))");
            self.subject(Place::Flags, Content::Text, true, &ALL_VALUES);
        }
    }

    fn feature(&mut self, name: &str) {
        if self.world.subjects.iter().all(|subject| subject.place != Place::Feature) {
            self.show(Host::App, name, "feature", "(cfg!(feature = \"fa\"), cfg!(feature = \"fb\"))");
            self.subject(Place::Feature, Content::Text, true, &ALL_VALUES);
        }
    }

    /// The time, or the arguments of rustc itself, which name the target directory.
    fn time(&mut self, random: &mut Random) {
        if random.chance(50) {
            self.commands.push("outdir");
            self.show(Host::Sib, "outdir", "rustc's arguments", &macros::call("outdir", ""));
        } else if !self.timed {
            self.timed = true;
            self.commands.push("time");
            self.show(Host::App, "time", "the time", &macros::call("time", ""));
        }
    }
}

const ALL_VALUES: [State; 5] =
    [State::Absent, State::Value(0), State::Value(1), State::Value(2), State::Value(3)];

fn values(random: &mut Random) -> Vec<State> {
    let mut domain = ALL_VALUES.to_vec();
    random.shuffle(&mut domain);
    domain
}

fn path_text(path: &Path) -> String {
    path.to_str().expect("a place whose name is UTF-8").to_owned()
}

//! What a command line means: its fields in the order in which they count, its source, its outputs, and what can be seen
//! of its directory in them.

use super::args::{Argument, Given};
use super::language::{self, Input, Language};
use super::nested::{self, Assembler, Preprocessor};
use super::outputs::{self, Asked, Planned, Stage};
use super::table::{Effect, Own, Shows, Takes};
use super::{environment, shown};
use crate::{Context, Recognised};
use kiln_action::os::OsStrExt;
use kiln_action::{Family, Field, Invocation, Mode, OutputPlan, Place, Places, Reason, Unit};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What has been gathered so far.
struct Reading<'a> {
    family: Family,
    context: &'a Context<'a>,
    /// Whether the driver takes C for C++.
    cxx: bool,
    fields: Vec<Field>,
    asked: Asked,
    /// `-x`.
    language: Option<Language>,
    source: Option<(OsString, Language)>,
    /// Whether `-MT` or `-MQ` names the target of the rule for make.
    has_target: bool,
    /// Whether an output's bytes depend on its name.
    named: bool,
    shows: shown::Shown,
    target: Option<OsString>,
    arch: bool,
    native: bool,
    /// Whether the word before was `-Xclang -target-feature`.
    feature_follows: bool,
    /// Whether the assembler makes debug information of its own.
    assembler_debug: bool,
    /// Whether `-v` is given.
    verbose: bool,
}

/// Understands matched arguments; `typed` is what they were matched from.
pub fn understand(
    (recognised, family): (&Recognised, Family),
    context: &Context<'_>,
    typed: &[OsString],
    lexed: &[Argument],
) -> Result<Invocation, Reason> {
    let name = recognised.compiler.file_name().unwrap_or_default();
    let mut reading = Reading {
        family,
        context,
        cxx: name.to_string_lossy().contains("++"),
        fields: Vec::new(),
        asked: Asked::default(),
        language: None,
        source: None,
        has_target: false,
        named: false,
        shows: shown::Shown::default(),
        target: None,
        arch: false,
        native: false,
        feature_follows: false,
        assembler_debug: false,
        verbose: false,
    };
    // clang and clang++ are one program, which looks at its own name
    reading.field("program", name, false);
    for argument in lexed {
        match argument {
            Argument::Flag(given) => reading.flag(given)?,
            Argument::Input(input) => reading.input(input)?,
        }
    }
    if reading.verbose {
        return Err(match reading.source {
            None => Reason::Question("-v".to_owned()),
            Some(_) => Reason::UncachedFlag("-v".to_owned()),
        });
    }
    refuse_variables(context)?;
    reading.finish(recognised, typed)
}

/// Variables that make the compiler write further files or take other arguments.
pub(crate) fn refuse_variables(context: &Context<'_>) -> Result<(), Reason> {
    match environment::UNCACHED.iter().find(|(name, _)| (context.getenv)(name).is_some()) {
        Some((name, _)) => Err(Reason::UncachedFlag((*name).to_owned())),
        None => Ok(()),
    }
}

/// A compile of a source, before any argument is read.
pub(crate) fn compile_of(
    source: &Path,
    language: Language,
    recognised: &Recognised,
    context: &Context<'_>,
) -> Invocation {
    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Invocation {
        subject: recognised.subject,
        mode: Mode::Compile,
        unit: Unit { name, kind: language.kind().to_owned() },
        compiler: recognised.compiler.clone(),
        wrapper: recognised.wrapper.clone(),
        target: None,
        fields: Vec::new(),
        lazy: Vec::new(),
        externs: Vec::new(),
        outputs: OutputPlan::default(),
        places: Places::new(),
        stdin: false,
        incremental: false,
        native: false,
        links: false,
        environment: &[],
        append: Vec::new(),
        directory: context.directory.to_owned(),
        source: Some(context.directory.join(source)),
        depfile: None,
        shows_directory: false,
    }
}

impl Reading<'_> {
    fn field(&mut self, name: &'static str, value: impl AsRef<OsStr>, path: bool) {
        self.fields.push(Field { name, value: value.as_ref().to_owned(), path });
    }

    fn input(&mut self, input: &OsStr) -> Result<(), Reason> {
        let linked = || Err(Reason::NotACompile(format!("it links {}", input.to_string_lossy())));
        if input == "-" {
            return Err(Reason::NotACompile("source on standard input".to_owned()));
        }
        let language = match self.language {
            Some(language) => language,
            None => match language::by_name(Path::new(input), self.family, self.cxx) {
                Input::Source(language) => language,
                Input::Linked => return linked(),
                Input::Uncached => {
                    let ending = Path::new(input).extension().unwrap_or_default();
                    return Err(Reason::UncachedFlag(format!("a source .{}", ending.to_string_lossy())));
                }
            },
        };
        if self.context.directory.join(input).starts_with("/dev") {
            return Err(Reason::NotACompile(format!("source {}", input.to_string_lossy())));
        }
        if self.source.is_some() {
            return Err(Reason::NotACompile("several sources".to_owned()));
        }
        self.source = Some((input.to_owned(), language));
        self.field("input", input, true);
        Ok(())
    }

    fn flag(&mut self, given: &Given) -> Result<(), Reason> {
        let Given { flag, name, value } = given;
        self.shows.add(flag.shows);
        self.named |= flag.named;
        match flag.effect {
            Effect::Uncached => return Err(Reason::UncachedFlag((*name).to_owned())),
            Effect::Question => return Err(Reason::Question((*name).to_owned())),
            Effect::Own(own) => return self.own(own, name, value, flag.takes),
            Effect::Path => self.path_field(name, value),
            Effect::Key => self.field(name, value, false),
        }
        // (a file of rules may ask for the processor itself)
        self.native |= flag.shows == Shows::Everything && name.contains("specs");
        Ok(())
    }

    /// `=DIR` and `$SYSROOT/DIR` are below the system's root, wherever that is.
    fn path_field(&mut self, name: &'static str, value: &OsStr) {
        let of_sysroot = value.as_bytes().starts_with(b"=") || value.as_bytes().starts_with(b"$SYSROOT");
        self.field(name, value, !of_sysroot);
    }

    fn own(&mut self, own: Own, name: &'static str, value: &OsStr, takes: Takes) -> Result<(), Reason> {
        let uncached = || {
            let dash = if takes == Takes::Separate { " " } else { "" };
            Err(Reason::UncachedFlag(format!("{name}{dash}{}", value.to_string_lossy())))
        };
        match own {
            Own::Stage => return self.stage(name),
            Own::Output => {
                return once(&mut self.asked.output, "-o", value).map(|()| self.field("-o", "", false));
            }
            Own::DependFile => {
                return once(&mut self.asked.depfile, name, value).map(|()| self.field(name, "", false));
            }
            Own::Depend => self.asked.depend = true,
            Own::DependTarget => {
                self.has_target = true;
                self.path_field(name, value);
                return Ok(());
            }
            Own::Language => self.language = language::named(value)?,
            Own::Preprocessor => return self.preprocessor(value),
            Own::PreprocessorWord if nested::is_macro(value.as_bytes()) => {}
            Own::Assembler => {
                for word in value.as_bytes().split(|&b| b == b',') {
                    self.assembler(word, name)?;
                }
            }
            Own::AssemblerWord => self.assembler(value.as_bytes(), name)?,
            Own::Frontend => {
                let listed = value.to_str().is_some_and(|word| nested::FRONTEND.contains(&word));
                if !listed && !self.feature_follows {
                    return uncached();
                }
                self.feature_follows = !self.feature_follows && value == "-target-feature";
            }
            Own::Llvm if nested::is_quiet_for_llvm(value.as_bytes()) => {
                self.native |= holds(value, "native");
            }
            Own::Target => self.target = Some(value.to_owned()),
            Own::Arch if !std::mem::replace(&mut self.arch, true) => {}
            Own::Include if value != "-" => {
                self.path_field(name, value);
                return Ok(());
            }
            Own::Machine => self.native |= holds(value, "native"),
            Own::Map | Own::OtherMap => return self.map(own, name, value),
            Own::CompilationDirectory => self.shows.replaces_directory(),
            Own::SplitDwarf => self.asked.dwo = true,
            Own::Coverage => self.asked.gcno = true,
            Own::StackUsage => self.asked.su = true,
            Own::CallGraph => self.asked.ci = true,
            Own::EmitLlvm => self.asked.llvm = true,
            Own::DriverMode if value == "gcc" || value == "g++" => self.cxx = value == "g++",
            Own::DiagnosticsFormat if !holds(value, "-file") => {}
            Own::Verbose => {
                self.verbose = true;
                return Ok(());
            }
            Own::PreprocessorWord
            | Own::Llvm
            | Own::Arch
            | Own::Include
            | Own::DriverMode
            | Own::DiagnosticsFormat => return uncached(),
        }
        self.field(name, value, false);
        Ok(())
    }

    fn stage(&mut self, name: &'static str) -> Result<(), Reason> {
        let stage = match name {
            "-E" => Stage::Preprocess,
            "-S" => Stage::Assembly,
            _ => Stage::Object,
        };
        if self.asked.stage.is_some_and(|known| known != stage) {
            return Err(Reason::UncachedFlag(format!("{name} with another stage")));
        }
        self.asked.stage = Some(stage);
        self.field(name, "", false);
        Ok(())
    }

    fn preprocessor(&mut self, text: &OsStr) -> Result<(), Reason> {
        for word in nested::preprocessor(text)? {
            match word {
                Preprocessor::Word(word) => self.field("-Wp,", word, false),
                Preprocessor::Target(target) => {
                    self.has_target = true;
                    self.field("-Wp,-MT", target, true);
                }
                Preprocessor::Depend(option, file) => {
                    once(&mut self.asked.depfile, "-MF", &file)?;
                    self.field("-Wp,-MD", option, false);
                    self.asked.depend = true;
                }
            }
        }
        Ok(())
    }

    fn assembler(&mut self, word: &[u8], option: &str) -> Result<(), Reason> {
        match nested::assembler(word) {
            Some(Assembler::Code) => self.native |= holds(OsStr::from_bytes(word), "native"),
            Some(Assembler::Debug) => {
                self.shows.add(Shows::Debug);
                self.assembler_debug = true;
            }
            None => {
                let word = String::from_utf8_lossy(word);
                let known = word.split_inclusive('=').next().unwrap_or_default();
                return Err(Reason::UncachedFlag(format!("{option} {known}")));
            }
        }
        Ok(())
    }

    /// `OLD=NEW`, split at the first `=` as both compilers do.
    fn map(&mut self, own: Own, name: &'static str, value: &OsStr) -> Result<(), Reason> {
        let bytes = value.as_bytes();
        let equals = bytes.iter().position(|&b| b == b'=');
        let at = equals.ok_or_else(|| Reason::BadArguments(format!("{name} without `=`")))?;
        let from = OsStr::from_bytes(&bytes[..at]);
        self.field(name, from, true);
        self.field("map.to", OsStr::from_bytes(&bytes[at + 1..]), false);
        match own {
            Own::Map => self.shows.map(Path::new(from)),
            _ => self.shows.map_otherwise(Path::new(from)),
        }
        Ok(())
    }

    fn finish(mut self, recognised: &Recognised, typed: &[OsString]) -> Result<Invocation, Reason> {
        let stage = self.asked.stage.ok_or_else(|| Reason::NotACompile("it links".to_owned()))?;
        let (source, language) =
            self.source.take().ok_or_else(|| Reason::NotACompile("no source".to_owned()))?;
        self.refuse_combinations(stage, language)?;
        let source = PathBuf::from(source);
        if matches!(language, Language::Assembler | Language::Preprocessed) {
            // nothing is preprocessed, and no rule is written
            (self.asked.depend, self.asked.depfile) = (false, None);
        }
        let Planned { outputs, depfile, called } =
            outputs::plan(&self.asked, stage, &source, self.context.directory)?;
        if self.named || (depfile.is_some() && !self.has_target) {
            self.field("output", called, true);
        }
        if stage == Stage::Preprocess {
            self.shows.add(Shows::Paths);
        }
        self.shows
            .settle(stage == Stage::Preprocess || (self.family == Family::Clang && language.is_assembler()));
        let (append, places) = self.places();
        let shows_directory = self.shows.directory(&self.fields, &places, self.context);
        if self.shows.is_everything() {
            typed.iter().for_each(|argument| self.field("argument", argument, false));
        }
        Ok(Invocation {
            target: self.target,
            fields: self.fields,
            outputs,
            places,
            native: self.native,
            environment: if shows_directory { environment::COUNTS_SHOWN } else { environment::COUNTS },
            append,
            depfile,
            shows_directory,
            ..compile_of(&source, language, recognised, self.context)
        })
    }

    fn refuse_combinations(&self, stage: Stage, language: Language) -> Result<(), Reason> {
        let refused = |what: &str| Err(Reason::UncachedFlag(what.to_owned()));
        // (gcc then writes to standard output, or nothing)
        let unprocessed = matches!(language, Language::Assembler | Language::Preprocessed);
        if stage == Stage::Assembly && language.is_assembler() || stage == Stage::Preprocess && unprocessed {
            return Err(Reason::NotACompile("nothing to be done at this stage".to_owned()));
        }
        if self.assembler_debug && !language.is_assembler() {
            return refused("debug information about a temporary file of the assembler's");
        }
        if stage == Stage::Preprocess && self.asked.output.is_none() {
            return Err(Reason::NotACompile("output to standard output".to_owned()));
        }
        if stage == Stage::Preprocess && self.asked.depend {
            return refused("-E with -MD");
        }
        if stage == Stage::Assembly && self.asked.dwo {
            return refused("-S with -gsplit-dwarf");
        }
        if self.asked.depfile.is_some() && !self.asked.depend {
            return Err(Reason::BadArguments("-MF without -MD".to_owned()));
        }
        Ok(())
    }

    /// The arguments that the remap setting adds, and the places: what it maps, and the project. Neither is taken where the
    /// user maps something of the same directories, nor where its path would be written differently in a rule for make.
    fn places(&mut self) -> (Vec<OsString>, Places) {
        let mut places = Places::new();
        let mut append = Vec::new();
        if let Some(remap) = self.context.remap.filter(|remap| !self.shows.maps_of(&remap.work)) {
            let mut argument = OsString::from("-ffile-prefix-map=");
            argument.push(&remap.work);
            argument.push("=/kiln/workspace");
            append.push(argument);
            self.field("remap", &remap.work, true);
            self.shows.map(&remap.work);
            places.add(Place::Work, &remap.work);
        }
        if let Some(base) = self.context.base.filter(|base| base.parent().is_some() && is_plain(base)) {
            let within = places.roots().iter().any(|(_, work)| base.starts_with(work));
            if !within {
                places.add(Place::Base, base);
            }
        }
        (append, places)
    }
}

/// Whether gcc and clang write a path the same in a rule for make as anywhere else, apart from spaces.
pub(crate) fn is_plain(path: &Path) -> bool {
    !path.as_os_str().as_bytes().iter().any(|b| matches!(b, b'$' | b'#' | b'\\' | b'%' | b':' | 0..=0x1f))
}

pub(crate) fn holds(value: &OsStr, word: &str) -> bool {
    value.as_bytes().windows(word.len()).any(|part| part == word.as_bytes())
}

/// gcc and clang take the last of several; so much of a habit is worth no rule.
pub(crate) fn once(to: &mut Option<PathBuf>, name: &str, value: &OsStr) -> Result<(), Reason> {
    if value.is_empty() {
        return Err(Reason::BadArguments(format!("{name} without a value")));
    }
    match to.replace(PathBuf::from(value)) {
        None => Ok(()),
        Some(_) => Err(Reason::BadArguments(format!("{name} given twice"))),
    }
}

#[cfg(test)]
mod tests;

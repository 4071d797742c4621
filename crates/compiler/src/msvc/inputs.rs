//! What a command line means: its fields in the order in which they count, its source, its outputs, and what can be seen
//! of its directory in them.

use super::args::{Argument, Given};
use super::environment;
use super::outputs::{self, Asked, Planned};
use super::table::{Effect, Own, Shows, Takes};
use crate::gcc::inputs::{compile_of, holds, is_plain, once, refuse_variables};
use crate::gcc::language::{self, Input, Language};
use crate::gcc::table as clang;
use crate::gcc::{nested, shown};
use crate::{Context, Recognised};
use kiln_action::os::OsStrExt;
use kiln_action::{Family, Field, Invocation, Place, Places, Reason};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What has been gathered so far.
struct Reading<'a> {
    family: Family,
    context: &'a Context<'a>,
    fields: Vec<Field>,
    asked: Asked,
    compiles: bool,
    /// Whether `/Fo` or `/o` is given.
    has_object: bool,
    /// `/TC` or `/TP`, whichever is last.
    language: Option<Language>,
    source: Option<(OsString, Language)>,
    /// The words that `/clang:` hands on, in order.
    handed_on: Vec<OsString>,
    /// Whether an output's bytes depend on its name.
    named: bool,
    shows: shown::Shown,
    target: Option<OsString>,
    native: bool,
    /// Whether the word before was `-Xclang -target-feature`.
    feature_follows: bool,
    /// How each option was spelled, a letter each: messages repeat it.
    spelled: Vec<u8>,
}

/// Understands matched arguments; `typed` is what they were matched from.
pub fn understand(
    (recognised, family): (&Recognised, Family),
    context: &Context<'_>,
    typed: &[OsString],
    lexed: &[Argument],
) -> Result<Invocation, Reason> {
    let mut reading = Reading {
        family,
        context,
        fields: Vec::new(),
        asked: Asked::default(),
        compiles: false,
        has_object: false,
        language: last_language(lexed),
        source: None,
        handed_on: Vec::new(),
        named: false,
        shows: shown::Shown::default(),
        target: None,
        native: false,
        feature_follows: false,
        spelled: Vec::new(),
    };
    reading.field("program", recognised.compiler.file_name().unwrap_or_default(), false);
    if family == Family::Msvc {
        // its objects hold their own name and the directory, with debug information or without (S_OBJNAME)
        (reading.named, _) = (true, reading.shows.add(Shows::Directory));
    }
    for argument in lexed {
        match argument {
            Argument::Flag(given) => reading.flag(given)?,
            Argument::OfClang(found, argument) => reading.of_clang("-f, -m", found, argument)?,
            Argument::Input(input) => reading.input(input, None)?,
        }
    }
    reading.handed_on()?;
    refuse_variables(context)?;
    let is_set = |name: &str| (context.getenv)(name).is_some_and(|value| !value.is_empty());
    if let Some((name, _)) = environment::UNCACHED.iter().find(|(name, _)| is_set(name)) {
        return Err(Reason::UncachedFlag((*name).to_owned()));
    }
    reading.finish(recognised, typed)
}

/// `/TC` and `/TP` are about all sources, wherever they stand.
fn last_language(lexed: &[Argument]) -> Option<Language> {
    lexed.iter().rev().find_map(|argument| match argument {
        Argument::Flag(Given { name: "/TC", .. }) => Some(Language::C),
        Argument::Flag(Given { name: "/TP", .. }) => Some(Language::Cxx),
        _ => None,
    })
}

impl Reading<'_> {
    fn field(&mut self, name: &'static str, value: impl AsRef<OsStr>, path: bool) {
        self.fields.push(Field { name, value: value.as_ref().to_owned(), path });
    }

    fn input(&mut self, input: &OsStr, language: Option<Language>) -> Result<(), Reason> {
        let shown = input.to_string_lossy();
        if input == "-" {
            return Err(Reason::NotACompile("source on standard input".to_owned()));
        }
        let language = match language.or(self.language) {
            Some(language) => language,
            None => match language::by_name(Path::new(input), Family::Clang, false) {
                Input::Source(language @ (Language::C | Language::Cxx)) => language,
                Input::Source(_) | Input::Uncached => {
                    let ending = Path::new(input).extension().unwrap_or_default();
                    return Err(Reason::UncachedFlag(format!("a source .{}", ending.to_string_lossy())));
                }
                Input::Linked => return Err(Reason::NotACompile(format!("it links {shown}"))),
            },
        };
        if self.context.directory.join(input).starts_with("/dev") {
            return Err(Reason::NotACompile(format!("source {shown}")));
        }
        if self.source.is_some() {
            return Err(Reason::NotACompile("several sources".to_owned()));
        }
        self.source = Some((input.to_owned(), language));
        self.field("input", input, true);
        Ok(())
    }

    fn flag(&mut self, given: &Given) -> Result<(), Reason> {
        let Given { flag, name, value, spelled } = given;
        self.shows.add(flag.shows);
        self.named |= flag.named;
        self.spelled.extend([spelled.mark].into_iter().chain(spelled.apart.then_some(b' ')));
        match flag.effect {
            Effect::Uncached => return Err(Reason::UncachedFlag((*name).to_owned())),
            Effect::Question => return Err(Reason::Question((*name).to_owned())),
            Effect::Own(own) => return self.own(own, name, value, flag.takes),
            Effect::Path => self.field(name, value, true),
            Effect::Key => self.field(name, value, false),
        }
        Ok(())
    }

    fn own(&mut self, own: Own, name: &'static str, value: &OsStr, takes: Takes) -> Result<(), Reason> {
        let uncached = || {
            let space = if takes == Takes::Separate { " " } else { "" };
            Err(Reason::UncachedFlag(format!("{name}{space}{}", value.to_string_lossy())))
        };
        match own {
            Own::Compile => self.compiles = true,
            Own::Object if std::mem::replace(&mut self.has_object, true) => {
                return Err(Reason::BadArguments(format!("{name} given twice")));
            }
            Own::Object => {
                self.asked.object = PathBuf::from(value);
                self.field("/Fo", "", false);
                return Ok(());
            }
            Own::Listing => {
                // (`/FA` has no value of its own, and `/Fa` has one wherever it stands)
                let value = if name == "/Fa" { PathBuf::from(value) } else { PathBuf::new() };
                let before = self.asked.listing.take().unwrap_or_default();
                let both = !before.as_os_str().is_empty() && name == "/Fa";
                if both {
                    return Err(Reason::BadArguments(format!("{name} given twice")));
                }
                self.asked.listing = Some(if value.as_os_str().is_empty() { before } else { value });
                self.field(name, "", false);
                return Ok(());
            }
            Own::Database => {
                self.field(name, "", false);
                return Ok(());
            }
            Own::Language => {}
            Own::Source => {
                let language = if name == "/Tc" { Language::C } else { Language::Cxx };
                self.field(name, "", false);
                return self.input(value, Some(language));
            }
            Own::Clang => {
                self.handed_on.push(value.to_owned());
                return Ok(());
            }
            Own::Frontend => {
                let listed = value.to_str().is_some_and(|word| nested::FRONTEND.contains(&word));
                if !listed && !self.feature_follows {
                    return uncached();
                }
                self.feature_follows = !self.feature_follows && value == "-target-feature";
            }
            Own::Llvm if nested::is_quiet_for_llvm(value.as_bytes()) => self.native |= holds(value, "native"),
            Own::Target => self.target = Some(value.to_owned()),
            Own::DriverMode if value == "cl" => {}
            Own::Include if value != "-" => {
                self.field(name, value, true);
                return Ok(());
            }
            Own::Machine => self.native |= holds(value, "native"),
            Own::Llvm | Own::DriverMode | Own::Include => return uncached(),
        }
        self.field(name, value, false);
        Ok(())
    }

    /// An option of clang's own: what it does is in the table about gcc and clang. Those that take a value in the next
    /// argument, or that write something, are not cached.
    fn of_clang(
        &mut self,
        name: &'static str,
        found: &clang::Match<'_>,
        argument: &OsStr,
    ) -> Result<(), Reason> {
        let clang::Flag { takes, effect, shows, named, .. } = found.flag;
        let alone = !matches!(takes, Takes::Separate | Takes::Either);
        let machine = matches!(effect, clang::Effect::Own(clang::Own::Machine));
        if !alone || !(machine || matches!(effect, clang::Effect::Key)) {
            return Err(Reason::UncachedFlag(found.name.to_owned()));
        }
        self.shows.add(*shows);
        self.named |= *named;
        self.native |= machine && holds(argument, "native");
        self.field(name, argument, false);
        Ok(())
    }

    /// What `/clang:` handed on, which clang reads behind everything else.
    fn handed_on(&mut self) -> Result<(), Reason> {
        let words = std::mem::take(&mut self.handed_on);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let uncached = || Reason::UncachedFlag(format!("/clang:{}", word.to_string_lossy()));
            let text = word.as_bytes();
            let found = clang::find(text, Family::Clang).ok_or_else(uncached)?;
            let mut value = || match found.joined {
                Some(joined) => Ok(OsStr::from_bytes(joined).to_owned()),
                None => rest.next().cloned().ok_or_else(uncached),
            };
            match found.flag.effect {
                clang::Effect::Own(clang::Own::Depend) => {
                    self.asked.depend = true;
                    self.field(found.name, "", false);
                }
                clang::Effect::Own(clang::Own::DependFile) => {
                    let value = value()?;
                    once(&mut self.asked.depfile, found.name, &value)?;
                    self.field(found.name, "", false);
                }
                clang::Effect::Own(clang::Own::DependTarget) => {
                    let value = value()?;
                    self.field(found.name, value, true);
                }
                _ if found.name == "-MP" => self.field(found.name, "", false),
                _ if [b'f', b'm', b'O'].contains(&text[1]) => {
                    self.of_clang("/clang:", &found, word).map_err(|_| uncached())?;
                }
                _ => return Err(uncached()),
            }
        }
        Ok(())
    }

    fn finish(mut self, recognised: &Recognised, typed: &[OsString]) -> Result<Invocation, Reason> {
        if !self.compiles {
            return Err(Reason::NotACompile("it links".to_owned()));
        }
        let (source, language) =
            self.source.take().ok_or_else(|| Reason::NotACompile("no source".to_owned()))?;
        if self.asked.depfile.is_some() && !self.asked.depend {
            return Err(Reason::BadArguments("-MF without -MD".to_owned()));
        }
        let source = PathBuf::from(source);
        let Planned { outputs, depfile, called } =
            outputs::plan(&self.asked, &source, self.context.directory, self.family)?;
        if self.named {
            self.field("output", called, true);
        }
        let spelled = std::mem::take(&mut self.spelled);
        self.field("spelled", OsStr::from_bytes(&spelled), false);
        let places = self.places();
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
            depfile,
            shows_directory,
            ..compile_of(&source, language, recognised, self.context)
        })
    }

    /// The project. The remap setting maps nothing here: no option of either compiler covers what CodeView shows.
    fn places(&self) -> Places {
        let mut places = Places::new();
        if let Some(base) = self.context.base.filter(|base| base.parent().is_some() && is_plain(base)) {
            places.add(Place::Base, base);
        }
        places
    }
}

#[cfg(test)]
mod tests;

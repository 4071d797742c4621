//! Why a unit was compiled again: the differences between a run and an earlier one of the same unit, in words.
//!
//! The order of [`Rank`] decides which difference is shown first: what a person changed comes before what follows from it.

use kiln_action::baseline::{Answered, AnsweredQuestion, Baseline, BaselineRun, Word};
use kiln_action::calendar::date;
use kiln_action::conceal::for_people;
use kiln_action::event::SCRIPT_RUN;
use kiln_action::removals::Removals;
use kiln_action::{Given, Place, Placed, Question};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Component, Path};

/// What [`Difference::follows`] says of the run of a build script whose program is another one: the unit that made it.
pub const ITS_PROGRAM: &str = "<its program>";

/// How near a difference is to what somebody did; nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The name that the compiler is called by.
    Name,
    /// The compiler itself.
    Compiler,
    /// A setting.
    Setting,
    /// An argument.
    Argument,
    /// A file's content.
    File,
    /// What is where.
    Tree,
    /// A variable, or what it leads to.
    Variable,
    /// An argument that only counts for who looked.
    Looks,
    /// A dependency: it was built anew itself.
    Dependency,
    /// The whole command line or environment: what changed there mostly has a name of its own.
    Whole,
    /// What is derived from everything else (`-C metadata`; how the directory stands in the key).
    Derived,
}

/// One difference between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How near it is to what somebody did.
    pub rank: Rank,
    /// What differs, in words.
    pub words: String,
    /// The stem of the unit that it came of (a dependency, a build script), or [`ITS_PROGRAM`].
    pub follows: String,
}

impl Difference {
    fn new(rank: Rank, words: String) -> Difference {
        Difference { rank, words, follows: String::new() }
    }
}

/// What a miss came of: the first difference from the nearest earlier run, or what removed its result.
pub fn of(earlier: &Baseline, now: &BaselineRun, removals: &Removals) -> Difference {
    if let Some(same) = earlier.runs.iter().find(|run| run.key == now.key) {
        return Difference::new(Rank::File, removed_since(same.at_ms, removals));
    }
    let directory = path_of(&earlier.directory);
    let candidates = earlier.runs.iter().map(|run| differences(run, now, &directory));
    let fewest = candidates.enumerate().min_by_key(|(at, found)| (found.len(), *at));
    let first = match fewest {
        None => return Difference::new(Rank::File, never(removals)),
        Some((at, found)) => {
            found.into_iter().next().unwrap_or_else(|| new_question(&earlier.runs[at], now, &directory))
        }
    };
    if is_script(&earlier.unit) { of_script(first) } else { first }
}

/// Why a result that was kept at that moment is not there: what is known to have happened since.
fn removed_since(kept_ms: u64, removals: &Removals) -> String {
    let since = |at_ms: u64| (at_ms > 0 && at_ms >= kept_ms).then(|| day(at_ms));
    let gone = "its result is no longer in the cache";
    let evicted = "was evicted for age or room (`max-age`, `max-size`)";
    match (since(removals.cleared_ms), since(removals.evicted_ms)) {
        (None, None) => gone.to_owned(),
        (Some(cleared), None) => format!("{gone}: `kiln clear` ran on {cleared}"),
        (None, Some(_)) => format!("its result {evicted}"),
        (Some(cleared), Some(_)) => format!("{gone}: `kiln clear` ran on {cleared}, or it {evicted}"),
    }
}

/// Nothing is remembered of a unit: that goes with everything else.
fn never(removals: &Removals) -> String {
    match removals.everything_ms {
        0 => "never seen here".to_owned(),
        at_ms => format!("never seen here since the cache was cleared on {}", day(at_ms)),
    }
}

/// The day (UTC) of a moment.
fn day(at_ms: u64) -> String {
    let (year, month, day) = date(at_ms);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Whether a unit is the run of a build script, by the name of its baseline.
fn is_script(unit: &str) -> bool {
    unit.rsplit(' ').next() == Some(SCRIPT_RUN)
}

/// A difference between runs of a build script: what the key calls the toolchain is the script's own program.
fn of_script(difference: Difference) -> Difference {
    if difference.rank == Rank::Compiler {
        let words = "the build script's program changed".to_owned();
        return Difference { words, follows: ITS_PROGRAM.to_owned(), ..difference };
    }
    let words = difference.words.replace("a macro reads", "the build script reads");
    let words = words.replace("it is compiled in another", "it runs in another");
    Difference { words, ..difference }
}

/// All differences, what was done before what follows from it.
pub fn differences(old: &BaselineRun, new: &BaselineRun, directory: &Path) -> Vec<Difference> {
    let mut found = words(old, new);
    let (mut one, mut other) = (old.answers.iter().peekable(), new.answers.iter().peekable());
    while let (Some(before), Some(after)) = (one.peek(), other.peek()) {
        match before.question.cmp(&after.question) {
            Ordering::Less => _ = one.next(),
            Ordering::Greater => _ = other.next(),
            Ordering::Equal => {
                if before.answer != after.answer {
                    found.push(answer(before, after, directory));
                }
                one.next();
                other.next();
            }
        }
    }
    found.sort_by_key(|difference| difference.rank);
    found
}

/// Two runs without a common question that was answered differently: the earlier one's result led nowhere.
fn new_question(old: &BaselineRun, new: &BaselineRun, directory: &Path) -> Difference {
    let known: BTreeSet<&Question> = old.answers.iter().map(|answered| &answered.question).collect();
    let more = new.answers.iter().find(|answered| !known.contains(&answered.question));
    let what =
        more.map_or_else(|| "less than before".into(), |answered| topic(&answered.question, directory));
    Difference::new(Rank::File, format!("it looks at {what} now"))
}

fn path_of(bytes: &[u8]) -> std::path::PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The name of a dependency's file without `lib` and extension, if it looks like one.
pub fn dependency_stem(file: &str) -> Option<&str> {
    let (stem, extension) = file.rsplit_once('.')?;
    let library = matches!(extension, "rmeta" | "rlib" | "so").then(|| stem.strip_prefix("lib"))?;
    library.filter(|stem| !stem.is_empty())
}

/// The crate's name in a stem: cargo appends a dash and 16 digits.
pub fn crate_of(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, digits)) if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => stem,
    }
}

fn dependency(stem: &str, what: &str) -> Difference {
    let words = format!("the dependency {} {what}", crate_of(stem));
    Difference { rank: Rank::Dependency, words, follows: stem.to_owned() }
}

/// Differences between the WeakKeys.
fn words(old: &BaselineRun, new: &BaselineRun) -> Vec<Difference> {
    let without = |from: &BaselineRun, other: &BaselineRun| -> Vec<Word> {
        let mut rest = other.words.clone();
        from.words
            .iter()
            .filter(|word| match rest.iter().position(|known| known == *word) {
                Some(at) => {
                    rest.swap_remove(at);
                    false
                }
                None => true,
            })
            .cloned()
            .collect()
    };
    let (added, mut removed) = (without(new, old), without(old, new));
    let mut found = Vec::new();
    let is_remap = |word: &Word| word.group == "settings" && word.name == "remap";
    for word in added {
        let before = removed.iter().position(|known| known.group == word.group && known.name == word.name);
        let before = before.map(|at| removed.remove(at));
        if is_remap(&word) && before.is_none() {
            continue; // an older kiln did not say
        }
        found.push(word_difference(&word, before.as_ref(), old, new));
    }
    found.extend(removed.iter().filter(|word| !is_remap(word)).map(gone));
    let in_key =
        |run: &BaselineRun| run.words.iter().filter(|word| !is_remap(word)).cloned().collect::<Vec<_>>();
    if found.is_empty() && in_key(old) != in_key(new) {
        found.push(Difference::new(Rank::Argument, "the arguments are in another order".into()));
    }
    found
}

fn word_difference(word: &Word, before: Option<&Word>, old: &BaselineRun, new: &BaselineRun) -> Difference {
    match word.group.as_str() {
        "toolchain" => Difference::new(Rank::Compiler, compiler(&old.compiler, &new.compiler)),
        "externs" => extern_difference(word, before),
        "environment" => {
            let change = match before {
                Some(before) if before.value.is_empty() => "was set",
                Some(_) if word.value.is_empty() => "was unset",
                _ => "changed",
            };
            Difference::new(Rank::Variable, format!("{} {change}", word.name))
        }
        "settings" if is_switch(&word.value) => {
            Difference::new(Rank::Setting, format!("the setting {} is {} now", word.name, word.value))
        }
        "settings" => Difference::new(Rank::Setting, format!("the setting {} changed", word.name)),
        "input" => Difference::new(Rank::File, "the source on standard input changed".into()),
        _ => argument(word, before),
    }
}

fn is_switch(value: &str) -> bool {
    matches!(value, "on" | "off")
}

fn gone(word: &Word) -> Difference {
    match word.group.as_str() {
        "externs" => Difference::new(Rank::Argument, format!("the dependency {} is gone", word.name)),
        "arguments" => {
            let shown = Word { value: for_people(&word.value), ..word.clone() };
            Difference::new(derived(&word.name), format!("an argument is gone: {}", spelled(&shown)))
        }
        "settings" => {
            Difference::new(Rank::Setting, format!("the setting {} is unset, or names one less", word.name))
        }
        _ => Difference::new(Rank::Variable, format!("{} does not count any more", word.name)),
    }
}

fn compiler(old: &str, new: &str) -> String {
    let versions = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
    match (versions(old), versions(new)) {
        (one, other) if one.is_empty() || other.is_empty() => "the compiler changed".into(),
        (one, other) if one != other => format!("the compiler changed: {one} -> {other}"),
        _ if old != new => format!("the compiler changed: {old} -> {new}"),
        (one, _) => format!("the compiler changed: other files of the same version ({one})"),
    }
}

fn extern_difference(word: &Word, before: Option<&Word>) -> Difference {
    let file = word.value.rsplit(':').next().unwrap_or_default();
    match (before, dependency_stem(file)) {
        (None, _) => Difference::new(Rank::Argument, format!("the dependency {} is new", word.name)),
        (Some(_), Some(stem)) => dependency(stem, "is another build of it"),
        (Some(_), None) => Difference::new(Rank::Argument, format!("the dependency {} differs", word.name)),
    }
}

fn derived(name: &str) -> Rank {
    if matches!(name, "C.metadata" | "C.extra-filename") { Rank::Derived } else { Rank::Argument }
}

fn argument(word: &Word, before: Option<&Word>) -> Difference {
    let rank = derived(&word.name);
    let (value, old) = (for_people(&word.value), before.map(|before| for_people(&before.value)));
    if old.as_ref() == Some(&value) {
        let what = spelled(&Word { value, ..word.clone() });
        return Difference::new(rank, format!("an argument differs: {what} (the value is not kept)"));
    }
    let is_shown = |value: &str| value.chars().all(|c| !c.is_control()) && value.len() < 200;
    let was = match old {
        Some(old) if is_shown(&old) => format!(" (was {})", named(&old)),
        _ => String::new(),
    };
    let word = Word { value, ..word.clone() };
    let words = match word.name.as_str() {
        name if !is_shown(&word.value) => format!("an argument differs: {}", flag(name)),
        "directory" => {
            let words = format!("it is compiled in another directory: {}{was}", word.value);
            let rank = if spelled_otherwise(&word, before) { Rank::Derived } else { rank };
            return Difference::new(rank, words);
        }
        "program" => {
            let was = before.map_or_else(String::new, |before| format!(" (was `{}`)", before.value));
            return Difference::new(Rank::Name, format!("the compiler is called `{}` now{was}", word.value));
        }
        "wrapper" => format!("another program runs the compiler: {}{was}", word.value),
        "input" => format!("the source is another file: {}{was}", word.value),
        _ => format!("an argument differs: {}{was}", spelled(&word)),
    };
    Difference::new(rank, words)
}

/// Whether the directory is literal in one key and relative to its place in the other: an argument that makes outputs show it (`-g`)
/// came or went, and the directory may be the same.
fn spelled_otherwise(word: &Word, before: Option<&Word>) -> bool {
    before.is_some_and(|before| before.value.starts_with('/') != word.value.starts_with('/'))
}

/// A value as a person would type it: the key tells `=3` from nothing.
fn plain(value: &str) -> &str {
    value.strip_prefix('=').unwrap_or(value)
}

fn named(value: &str) -> &str {
    let value = plain(value);
    if value.is_empty() { "without a value" } else { value }
}

/// A field of the key as a person would type it.
fn spelled(word: &Word) -> String {
    if word.name.starts_with('-') {
        // An option of a C compiler is called as it is typed.
        if word.value.starts_with(&word.name) {
            return word.value.clone(); // of `-W` and the like the whole argument counts
        }
        let glued = word.name.ends_with(['=', ',']) || matches!(word.name.as_str(), "-D" | "-U" | "-I");
        let between = if glued || word.value.is_empty() { "" } else { " " };
        return format!("{}{between}{}", word.name, word.value);
    }
    match (word.name.split_once('.'), plain(&word.value)) {
        (_, "") => flag(&word.name),
        (Some(_), value) => format!("{}={value}", flag(&word.name)),
        (None, value) => format!("{} {value}", flag(&word.name)),
    }
}

fn flag(name: &str) -> String {
    if name.starts_with('-') {
        return name.to_owned();
    }
    match name.split_once('.') {
        Some((group, name)) => format!("-{group} {name}"),
        None if name.len() == 1 => format!("-{name}"),
        None => format!("--{name}"),
    }
}

/// A path, shorter where it lies below the directory that the compiler ran in.
fn shown(placed: &Placed, directory: &Path) -> String {
    let path = path_of(&placed.path);
    match placed.place {
        Place::Literal => path.strip_prefix(directory).unwrap_or(&path).display().to_string(),
        Place::Work => path.display().to_string(),
        _ => placed.display(),
    }
}

/// What a question is about, for words.
fn topic(question: &Question, directory: &Path) -> String {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    match question {
        Question::File(path)
        | Question::Absent(path)
        | Question::Kind(path)
        | Question::Mode(path)
        | Question::Real(path) => shown(path, directory),
        Question::Listing(path) => format!("{}/", shown(path, directory)),
        Question::Env(name) | Question::Where(name) => text(name),
        Question::Program(name) => format!("the program `{}`", text(name)),
        Question::Arg(name) => match name.as_slice() {
            b"diagnostic-width" => "the terminal's width".into(),
            name => flag(&text(name)),
        },
        Question::Library(name) => format!("the library `{}`", text(name)),
        Question::Here => "the directory".into(),
        Question::Argv => "the command line".into(),
        Question::Environ | Question::Inherited => "the environment".into(),
        Question::Given(Given::Umask) => "the umask".into(),
        Question::Given(Given::Signals) => "which signals are ignored".into(),
        Question::Given(Given::Terminal) => "whether there is a terminal".into(),
        Question::Given(Given::Processor | Given::Arithmetic) => "the processor".into(),
    }
}

fn answer(before: &AnsweredQuestion, after: &AnsweredQuestion, directory: &Path) -> Difference {
    let what = topic(&after.question, directory);
    match &after.question {
        Question::File(path) => file(path, &what, before, after),
        Question::Absent(_) => Difference::new(Rank::Tree, presence(&what, before, after)),
        Question::Kind(_) | Question::Mode(_) => Difference::new(Rank::Tree, status(&what, before, after)),
        Question::Real(_) => Difference::new(Rank::Tree, format!("{what} leads elsewhere now")),
        Question::Listing(_) => Difference::new(Rank::Tree, listing(&what, before, after)),
        Question::Env(_) | Question::Where(_) => Difference::new(Rank::Variable, set(&what, before, after)),
        Question::Program(_) => Difference::new(Rank::Variable, program(&what, "PATH", before, after)),
        Question::Library(_) => {
            Difference::new(Rank::Variable, program(&what, "LD_LIBRARY_PATH", before, after))
        }
        Question::Here => {
            let words =
                "it stands in another directory, which its output may show (`remap` lets checkouts share)";
            Difference::new(Rank::Whole, words.into())
        }
        Question::Arg(_) => Difference::new(Rank::Looks, value(&what, before, after)),
        Question::Argv => Difference::new(Rank::Whole, command_line(before, after)),
        Question::Environ | Question::Inherited => Difference::new(Rank::Whole, environment(before, after)),
        Question::Given(_) => Difference::new(Rank::Whole, format!("{what} changed")),
    }
}

fn file(path: &Placed, what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> Difference {
    let of_dependencies = matches!(path.place, Place::Deps(_) | Place::Out);
    let name = String::from_utf8_lossy(&path.path);
    let name = name.rsplit('/').next().unwrap_or_default();
    if let Some(stem) = dependency_stem(name).filter(|_| of_dependencies) {
        return dependency(stem, "changed");
    }
    let stem = script_of(Path::new(&*String::from_utf8_lossy(&path.path)));
    let rank = if stem.is_some() { Rank::Dependency } else { Rank::File };
    Difference { rank, words: presence(what, before, after), follows: stem.unwrap_or_default() }
}

/// The stem of the build script in whose output directory a file is: `zlib-0a1b2c3d4e5f6071` of
/// `target/debug/build/zlib-0a1b2c3d4e5f6071/out/libz.a`, and of `…/build/zlib/0a1b2c3d4e5f6071/out/libz.a`.
pub fn script_of(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.components().filter_map(name).collect();
    let out = parts.iter().rposition(|part| *part == "out")?;
    let of_digits = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match parts.get(..out)? {
        [.., "build", package] if package.rsplit_once('-').is_some_and(|(_, hash)| of_digits(hash)) => {
            Some((*package).to_owned())
        }
        [.., "build", package, hash] if of_digits(hash) => Some(format!("{package}-{hash}")),
        _ => None,
    }
}

fn name(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

fn presence(what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    match (&before.answer, &after.answer) {
        (Answered::Nothing, _) => format!("{what} appeared"),
        (_, Answered::Nothing) => format!("{what} is gone"),
        (_, Answered::NotAFile(1)) => format!("{what} is a directory now"),
        (_, Answered::NotAFile(_)) => format!("{what} is no regular file any more"),
        _ => format!("{what} changed"),
    }
}

fn status(what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    match (&before.answer, &after.answer) {
        (Answered::Stat { kind: old, .. }, Answered::Stat { kind, .. }) if old != kind => match kind {
            1 => format!("{what} is a directory now"),
            _ => format!("{what} is no directory any more"),
        },
        (Answered::Stat { mode: old, .. }, Answered::Stat { mode, .. }) if old != mode => {
            format!("{what} has other permissions: {mode:o} (was {old:o})")
        }
        (Answered::Stat { size: old, .. }, Answered::Stat { size, .. }) if old == size => {
            format!("{what} was written to or touched")
        }
        _ => presence(what, before, after),
    }
}

/// Names that only the first one has.
fn only<'a>(one: &'a AnsweredQuestion, other: &AnsweredQuestion) -> Vec<&'a [u8]> {
    let known: BTreeSet<&Vec<u8>> = other.details.iter().collect();
    one.details.iter().filter(|name| !known.contains(name)).map(Vec::as_slice).collect()
}

fn several(names: &[&[u8]]) -> String {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    match names {
        [] => String::new(),
        [one] => text(one),
        [one, other] => format!("{} and {}", text(one), text(other)),
        [one, other, rest @ ..] => format!("{}, {} and {} more", text(one), text(other), rest.len()),
    }
}

fn listing(what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    if !matches!((&before.answer, &after.answer), (Answered::Content(_), Answered::Content(_))) {
        return presence(what, before, after);
    }
    let (more, less) = (only(after, before), only(before, after));
    match (more.as_slice(), less.as_slice()) {
        ([], []) => format!("{what} lists something of another kind now"),
        (more, []) => format!("{what} lists {} now", several(more)),
        ([], less) => format!("{what} does not list {} any more", several(less)),
        (more, less) => format!("{what} lists {} now, and not {}", several(more), several(less)),
    }
}

fn set(what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    match (&before.answer, &after.answer) {
        (Answered::Nothing, _) => format!("{what} was set"),
        (_, Answered::Nothing) => format!("{what} was unset"),
        _ => format!("{what} changed"),
    }
}

fn first(answered: &AnsweredQuestion) -> Option<String> {
    answered.details.first().map(|text| String::from_utf8_lossy(text).into_owned())
}

fn program(what: &str, path: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    match (first(before), first(after)) {
        (Some(old), Some(new)) => format!("{what} on {path} is another one: {new} (was {old})"),
        (None, Some(new)) => format!("{what} is on {path} now: {new}"),
        (Some(old), None) => format!("{what} is not on {path} any more (was {old})"),
        (None, None) => format!("{what} on {path} changed"),
    }
}

fn value(what: &str, before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    let named = |answered: &AnsweredQuestion| first(answered).unwrap_or_else(|| "not given".into());
    format!("{what} changed: {} (was {})", named(after), named(before))
}

fn command_line(before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    match only(after, before).first() {
        Some(word) => {
            format!("the command line differs: {}", for_people(&String::from_utf8_lossy(word)))
        }
        None => "the command line differs".into(),
    }
}

/// Details are `NAME`, a zero byte and a print of the value.
fn environment(before: &AnsweredQuestion, after: &AnsweredQuestion) -> String {
    let name = |detail: &[u8]| detail.split(|&b| b == 0).next().map(<[u8]>::to_vec).unwrap_or_default();
    let names = |answered: &AnsweredQuestion| -> BTreeSet<Vec<u8>> {
        answered.details.iter().map(|text| name(text)).collect()
    };
    let (old, new) = (names(before), names(after));
    let changed = only(after, before).into_iter().chain(only(before, after)).map(name);
    let words: BTreeSet<String> = changed
        .map(|name| {
            let change = match (old.contains(&name), new.contains(&name)) {
                (false, _) => "was set",
                (_, false) => "was unset",
                _ => "changed",
            };
            format!("{} {change}", String::from_utf8_lossy(&name))
        })
        .collect();
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    match words.as_slice() {
        [] => "the environment changed".into(),
        words => format!("a macro reads the whole environment, and {}", several(words)),
    }
}

#[cfg(test)]
mod tests;

//! `cargo xtask proof`: whole projects of other people, built with and without kiln, every object held against the bare
//! compiler's, and the projects' own tests run on what was restored.
//!
//! Sources are Debian's source packages, so that the same command fetches the same bytes elsewhere.

mod projects;
mod site;
mod table;

use std::env;
use std::path::PathBuf;

use crate::bench::environment::Environment;
use crate::bench::files;

/// What a step returns; an error is a sentence for the person at the terminal.
type Outcome<T> = Result<T, String>;

/// `cargo xtask proof`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Projects in C and C++ from Debian's source packages (needs apt with deb-src, and the projects' build tools)
    C(Options),
}

#[derive(clap::Args)]
struct Options {
    /// Only these projects
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Where sources and builds lie [default: kiln-proof in the temporary directory]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The kiln binary [default: target/release/kiln]
    #[arg(long, value_name = "FILE")]
    kiln: Option<PathBuf>,
    /// How often each project is also built with flags drawn at random
    #[arg(long, default_value_t = 2)]
    mutations: usize,
    /// What the flags are drawn by
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave out the projects' own tests
    #[arg(long)]
    no_tests: bool,
    /// Only say which projects there are
    #[arg(long)]
    list: bool,
}

/// Builds and compares; fails if anything is not what the bare compiler makes.
pub fn run(args: &Args) -> Outcome<()> {
    let Part::C(options) = &args.part;
    let chosen = projects::ALL
        .iter()
        .filter(|project| options.only.is_empty() || options.only.iter().any(|name| name == project.name));
    let chosen: Vec<_> = chosen.collect();
    if options.list || chosen.is_empty() {
        projects::ALL.iter().for_each(|project| println!("{}", project.name));
        return if options.list { Ok(()) } else { Err("there is no such project".into()) };
    }
    let root = options.dir.clone().unwrap_or_else(|| env::temp_dir().join("kiln-proof"));
    files::make(&root.join("sources"))?;
    let root = root.canonicalize().map_err(files::about(&root))?;
    let kiln = match &options.kiln {
        Some(kiln) => kiln.clone(),
        None => crate::bench::kit::target()?.join("release/kiln"),
    };
    let kiln = kiln.canonicalize().map_err(|error| {
        format!("{}: {error}: build it with `cargo build --release` or pass --kiln", kiln.display())
    })?;
    let workplace = site::Workplace { root, kiln, environment: Environment::clean() };
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for project in chosen {
        for way in project.ways {
            eprintln!("proof: {}, {}", project.name, way.name);
            match site::prove(&workplace, project, way, options) {
                Ok(proven) => {
                    wrong.extend(
                        proven.wrong.iter().map(|it| format!("{}, {}: {it}", project.name, way.name)),
                    );
                    let row = table::row(project, way, &proven);
                    eprintln!("proof:   {}", row.join(" | "));
                    rows.push(row);
                }
                Err(error) => wrong.push(format!("{}, {}: {error}", project.name, way.name)),
            }
        }
    }
    println!("{}", table::of(&rows));
    if wrong.is_empty() { Ok(()) } else { Err(format!("not proven:\n{}", wrong.join("\n"))) }
}

//! `kiln gc`: remove what is old, and the least useful results beyond the size limit.

use crate::{fail, say};
use kiln_config::Settings;
use kiln_engine::workshop::{self, Workshop};
use kiln_sys::identity::Moment;
use kiln_sys::process;

/// How to collect.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// As the wrapper starts it: quietly, at the lowest priority
    #[arg(long, hide = true)]
    background: bool,
}

/// Collects.
pub fn run(arguments: &Arguments, settings: &Settings) -> i32 {
    if arguments.background {
        process::close_inherited();
        process::be_nice();
    }
    let shop = match Workshop::open(settings) {
        Ok(shop) => shop,
        Err(reason) => return fail(&reason.to_string()),
    };
    let limits = workshop::limits(settings);
    let collected = match shop.store.collect(&limits, Moment::now(), arguments.dry_run) {
        Ok(Some(collected)) => collected,
        Ok(None) => {
            say("another process is collecting already\n");
            return 0;
        }
        Err(error) => return fail(&error.to_string()),
    };
    if !arguments.dry_run {
        let _ = shop.log().tidy();
    }
    if !arguments.background {
        let verb = if arguments.dry_run { "would remove" } else { "removed" };
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let results = collected.before.results - collected.after.results;
        let left = mebibytes(collected.after.bytes);
        say(&format!(
            "{verb} {results} results, {:.1} MiB; {left:.1} MiB are left\n",
            mebibytes(collected.freed)
        ));
    }
    0
}

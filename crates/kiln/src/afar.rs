//! The remote side as the wrapper sees it: the daemon behind its socket.

use crate::greeting::hello;
use kiln_config::Settings;
use kiln_engine::afar::{Afar, Brought, Made, Wanted, Workspace};
use kiln_link::{Client, Queued, Resolve, message};
use kiln_sys::env::{self, Environment};

/// The daemon of the cache directory.
pub struct Daemon(Client);

impl Daemon {
    /// If the settings name a remote store. Nothing is opened yet.
    pub fn of(settings: &Settings, environment: &Environment) -> Option<Daemon> {
        let cache = settings.directory.as_deref().filter(|_| !settings.remote.is_empty())?;
        let program = env::own_program().map(|own| own.with_file_name("kiln-daemon"));
        Some(Daemon(Client::new(cache, hello(settings, environment), program)))
    }
}

fn names(workspace: Option<&Workspace>) -> Option<message::Workspace> {
    workspace.map(|workspace| message::Workspace { exact: workspace.exact, near: workspace.near })
}

impl Afar for Daemon {
    fn bring(&self, wanted: &Wanted) -> Brought {
        let resolved = self.0.resolve(&Resolve {
            weak: wanted.weak,
            seen: wanted.seen,
            keys: wanted.keys.clone(),
            build: wanted.build,
            workspace: names(wanted.workspace.as_ref()),
            cost_ms: wanted.cost_ms,
        });
        Brought { found: resolved.found, news: resolved.news }
    }

    fn made(&self, made: &Made) {
        let queued = Queued {
            remotes: self.0.stores(),
            weak: made.weak,
            key: made.key,
            workspace: names(made.workspace.as_ref()),
            incremental: made.incremental,
        };
        // A queue that nobody will ever empty is not filled.
        if self.0.enqueue(&queued) {
            self.0.kept(made.build, made.took_ms);
        }
    }
}

//! The remote side as the wrapper sees it: the daemon behind its socket.

use crate::greeting::hello;
use kiln_config::Settings;
use kiln_engine::afar::{Afar, Brought, Made, Wanted};
use kiln_engine::workspace::Workspace;
use kiln_link::{Client, Queued, Resolve, message};
use kiln_sys::env::{self, Environment};
use std::cell::OnceCell;
use std::path::Path;

/// The daemon of the cache directory. What is said to it is put together at the first miss: a hit pays nothing for it.
pub struct Daemon<'a> {
    cache: &'a Path,
    settings: &'a Settings,
    environment: &'a Environment,
    client: OnceCell<Client>,
}

impl<'a> Daemon<'a> {
    /// If the settings name a remote store.
    pub fn of(settings: &'a Settings, environment: &'a Environment) -> Option<Daemon<'a>> {
        let cache = settings.directory.as_deref().filter(|_| !settings.remote.is_empty())?;
        Some(Daemon { cache, settings, environment, client: OnceCell::new() })
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let program = env::program_beside("kiln-daemon");
            Client::new(self.cache, hello(self.settings, self.environment), program)
        })
    }
}

fn names(workspace: Option<&Workspace>) -> Option<message::Workspace> {
    workspace.map(|workspace| message::Workspace { exact: workspace.exact, near: workspace.near })
}

impl Afar for Daemon<'_> {
    fn bring(&self, wanted: &Wanted) -> Brought {
        let resolved = self.client().resolve(&Resolve {
            weak: wanted.weak,
            seen: wanted.seen,
            keys: wanted.keys.clone(),
            build: wanted.build,
            workspace: names(wanted.workspace.as_ref()),
            cost_ms: wanted.cost_ms,
            most_ms: wanted.most_ms,
        });
        Brought { found: resolved.found, news: resolved.news }
    }

    fn made(&self, made: &Made) {
        let queued = Queued {
            remotes: self.client().stores(),
            weak: made.weak,
            key: made.key,
            workspace: names(made.workspace.as_ref()),
            incremental: made.incremental,
        };
        // A queue that nobody will ever empty is not filled.
        if self.client().enqueue(&queued) {
            self.client().kept(made.build, made.took_ms);
        }
    }
}

//! The remote stores as the wrapper reaches them: through the daemon of the cache directory.

use kiln_config::Settings;
use kiln_protocol::{Client, Hello, Made, RemoteCache, Resolve, Resolved};
use kiln_sys::env::{self, Environment};
use std::cell::OnceCell;
use std::path::Path;

/// A connection to the daemon that is put together at the first miss: a hit pays nothing for it.
pub struct Remote<'a> {
    cache: &'a Path,
    settings: &'a Settings,
    environment: &'a Environment,
    client: OnceCell<Client>,
}

impl<'a> Remote<'a> {
    /// The remote stores that the settings name; `None` if they name none.
    pub fn of(settings: &'a Settings, environment: &'a Environment) -> Option<Remote<'a>> {
        let cache = settings.directory.as_deref().filter(|_| !settings.remote.is_empty())?;
        Some(Remote { cache, settings, environment, client: OnceCell::new() })
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let Settings { remote, remote_namespace, .. } = self.settings;
            let hello = Hello::new(remote, remote_namespace, self.environment);
            Client::new(self.cache, hello, env::program_beside("kiln-daemon"))
        })
    }
}

impl RemoteCache for Remote<'_> {
    fn resolve(&self, wanted: &Resolve) -> Resolved {
        self.client().resolve(wanted)
    }

    fn made(&self, made: &Made) {
        self.client().made(made);
    }
}

//! What the daemon is told first, by the wrapper and by commands.

use kiln_config::Settings;
use kiln_link::Hello;
use kiln_link::message::{PROTOCOL, VARIABLES};
use kiln_sys::env::Environment;

/// Which remotes are meant, with the credentials of whoever asks.
pub fn hello(settings: &Settings, environment: &Environment) -> Hello {
    let value = |name: &&str| {
        let value = environment.get(name)?.to_str()?;
        Some(((*name).to_owned(), value.to_owned()))
    };
    let of_aws = settings.remote.iter().any(|url| url.starts_with("s3:")); // nobody else reads any
    Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        urls: settings.remote.clone(),
        namespaces: settings.remote_namespace.clone(),
        variables: if of_aws { VARIABLES.iter().filter_map(value).collect() } else { Vec::new() },
    }
}

//! What the daemon is told first, by the wrapper and by commands.

use kiln_action::schemes;
use kiln_config::Settings;
use kiln_link::Hello;
use kiln_link::message::PROTOCOL;
use kiln_sys::env::Environment;

/// Which remotes are meant, with the credentials of whoever asks.
pub fn hello(settings: &Settings, environment: &Environment) -> Hello {
    let value = |name: &str| Some((name.to_owned(), environment.get(name)?.to_str()?.to_owned()));
    let read = schemes::variables(settings.remote.iter().map(String::as_str));
    Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        urls: settings.remote.clone(),
        namespaces: settings.remote_namespace.clone(),
        variables: read.into_iter().filter_map(value).collect(),
    }
}

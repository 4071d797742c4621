//! The kinds of remote stores: one row for each URL scheme. A row has what follows the scheme, the words that may stand in the query and
//! the environment variables that the store reads. Whether a URL is valid, what of it may be shown, which variables the daemon is sent,
//! the reference (docs/reference/stores.md) and the message about an unknown scheme all come from here. How a store is opened is a file
//! of its own in crates/remote/src/bucket.

use std::fmt;

/// A kind of remote store.
pub struct Scheme {
    /// The scheme of its URLs.
    pub name: &'static str,
    /// What stands between `://` and the query.
    pub place: UrlPlace,
    /// An example of a whole URL.
    pub example: &'static str,
    /// One sentence for the reference page.
    pub does: &'static str,
    /// The words of its query, besides [`ACCESS`].
    pub words: &'static [Word],
    /// The environment variables that it reads.
    pub variables: &'static [StoreVariable],
}

/// What stands between `://` and the query of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlPlace {
    /// An absolute path.
    Path,
    /// A host, with a login, a port and a database.
    Host,
    /// A bucket, with a prefix.
    Bucket,
}

/// A word of the query, as in `?region=auto`.
#[derive(Clone, Copy)]
pub struct Word {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub takes: Takes,
    /// One sentence for the reference page.
    pub does: &'static str,
}

/// What the value of a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Text that anybody may see.
    Text(&'static str),
    /// Text that is never shown.
    Secret(&'static str),
    /// A number.
    Number(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// An environment variable that a store reads, with the value that it has for the build.
pub struct StoreVariable {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub says: Says,
}

/// What a variable says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Where the store is.
    Where,
    /// Where credentials are found, or how.
    How,
    /// A credential itself.
    Secret,
}

/// The word that every scheme has: who may write.
pub const ACCESS: Word = Word {
    name: "access",
    takes: Takes::OneOf(&["read-write", "read-only"]),
    does: "`read-only` keeps kiln from writing to the store",
};

const fn text(name: &'static str, what: &'static str, does: &'static str) -> Word {
    Word { name, takes: Takes::Text(what), does }
}

const fn secret(name: &'static str, what: &'static str, does: &'static str) -> Word {
    Word { name, takes: Takes::Secret(what), does }
}

const PREFIX: Word = text("prefix", "text", "stands in front of every name");
const EXPIRES: Word = Word {
    name: "expires",
    takes: Takes::Number("seconds"),
    does: "the time after which the server removes an object",
};
const NODE: Word = text("node", "host:port", "another server to ask; may stand there several times");
const MASTER: Word = text("master", "name", "the master's name; required");
const CA: Word = text(
    "ca",
    "absolute path",
    "a PEM file with the certificates of an authority that the system does not know",
);
const CERT: Word = secret("cert", "absolute path", "a PEM file with the client's certificate; needs `key`");
const KEY: Word = secret("key", "absolute path", "a PEM file with the client's private key; needs `cert`");
const SENTINEL_USER: Word = secret("sentinel_user", "name", "the user that sentinels ask for");
const SENTINEL_PASSWORD: Word =
    secret("sentinel_password", "password", "the password that sentinels ask for");

/// All words of an `s3://` URL.
const S3: &[Word] = &[
    text("endpoint", "URL", "the server, where it is not Amazon's"),
    text("region", "name", "the region; `auto` where an endpoint is given and nothing else says it"),
    Word {
        name: "style",
        takes: Takes::OneOf(&["path", "virtual"]),
        does: "whether the bucket's name stands in the path or in the host's name; `path` is the default",
    },
    Word { name: "anonymous", takes: Takes::OneOf(&["false", "true"]), does: "`true` sends no credentials" },
    text("profile", "name", "the profile of AWS's files whose keys are used, whatever the variables say"),
    secret("access_key_id", "key", "the key's name; needs `secret_access_key`"),
    secret("secret_access_key", "key", "the key; needs `access_key_id`"),
    secret("session_token", "token", "the token of a temporary key"),
    secret("role_arn", "ARN", "the role to assume"),
    secret("external_id", "text", "the external ID that the role asks for"),
    text("sse", "`AES256` or `aws:kms`", "how the server encrypts what it keeps"),
    secret("sse_kms_key_id", "key", "the name of the key that it encrypts with"),
    text("storage_class", "name", "the storage class of what is uploaded"),
    CA,
];

const fn variable(name: &'static str, says: Says) -> StoreVariable {
    StoreVariable { name, says }
}

/// What AWS's own tools read (<https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html>), as far as the library that
/// finds credentials does.
const AWS: &[StoreVariable] = &[
    variable("AWS_ACCESS_KEY_ID", Says::Secret),
    variable("AWS_SECRET_ACCESS_KEY", Says::Secret),
    variable("AWS_SESSION_TOKEN", Says::Secret),
    variable("AWS_PROFILE", Says::How),
    variable("AWS_SHARED_CREDENTIALS_FILE", Says::How),
    variable("AWS_CONFIG_FILE", Says::How),
    variable("AWS_REGION", Says::Where),
    variable("AWS_DEFAULT_REGION", Says::Where),
    variable("AWS_ENDPOINT_URL", Says::Where),
    variable("AWS_ENDPOINT_URL_S3", Says::Where),
    variable("AWS_ROLE_ARN", Says::How),
    variable("AWS_ROLE_SESSION_NAME", Says::How),
    variable("AWS_WEB_IDENTITY_TOKEN_FILE", Says::How),
    variable("AWS_STS_REGIONAL_ENDPOINTS", Says::How),
    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Says::How),
    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", Says::How),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", Says::Secret),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Says::How),
    variable("AWS_EC2_METADATA_DISABLED", Says::How),
    variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", Says::How),
    variable("AWS_SSO_ENDPOINT", Says::How),
    variable("HOME", Says::How),
];

const fn redis(
    name: &'static str,
    example: &'static str,
    does: &'static str,
    words: &'static [Word],
) -> Scheme {
    Scheme { name, place: UrlPlace::Host, example, does, words, variables: &[] }
}

/// Every kind of remote store.
pub const SCHEMES: &[Scheme] = &[
    Scheme {
        name: "file",
        place: UrlPlace::Path,
        example: "file:///mnt/cache",
        does: "a directory that several machines have mounted",
        words: &[],
        variables: &[],
    },
    redis("redis", "redis://user:password@host:6379/0", "a Redis server", &[PREFIX, EXPIRES]),
    redis(
        "rediss",
        "rediss://user:password@host:6379/0?ca=/etc/ca.pem",
        "a Redis server over TLS",
        &[PREFIX, EXPIRES, CA, CERT, KEY],
    ),
    redis(
        "redis+cluster",
        "redis+cluster://host:6379?node=other:6379",
        "a Redis cluster",
        &[PREFIX, EXPIRES, NODE],
    ),
    redis(
        "rediss+cluster",
        "rediss+cluster://host:6379?node=other:6379",
        "a Redis cluster over TLS",
        &[PREFIX, EXPIRES, NODE, CA, CERT, KEY],
    ),
    redis(
        "redis+sentinel",
        "redis+sentinel://host:26379/0?master=name",
        "the Redis server that sentinels name as the master",
        &[PREFIX, EXPIRES, MASTER, NODE, SENTINEL_USER, SENTINEL_PASSWORD],
    ),
    redis(
        "rediss+sentinel",
        "rediss+sentinel://host:26379/0?master=name",
        "the same over TLS",
        &[PREFIX, EXPIRES, MASTER, NODE, SENTINEL_USER, SENTINEL_PASSWORD, CA, CERT, KEY],
    ),
    Scheme {
        name: "s3",
        place: UrlPlace::Bucket,
        example: "s3://bucket/prefix?endpoint=http://host:9000&region=auto",
        does: "S3, or a server that speaks it (MinIO, R2, Ceph, Garage)",
        words: S3,
        variables: AWS,
    },
];

/// The scheme of this name.
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.name == name)
}

/// The variables that the stores of these URLs read, each one once.
pub fn variables<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let mut names = Vec::new();
    let read = |url: &str| Some(scheme(url.split_once("://")?.0)?.variables);
    for variable in urls.filter_map(read).flatten() {
        if !names.contains(&variable.name) {
            names.push(variable.name);
        }
    }
    names
}

/// Whether a variable says where a store is; all others are about credentials.
pub fn says_where(variable: &str) -> bool {
    let mut all = SCHEMES.iter().flat_map(|scheme| scheme.variables);
    all.any(|known| known.name == variable && known.says == Says::Where)
}

impl Scheme {
    /// A word of its query.
    pub fn word(&self, name: &str) -> Option<&'static Word> {
        std::iter::once(&ACCESS).chain(self.words).find(|word| word.name == name)
    }

    fn knows(&self) -> String {
        let words: Vec<&str> = self.words.iter().chain([&ACCESS]).map(|word| word.name).collect();
        words.join(", ")
    }
}

impl Takes {
    /// Whether a value of it may be shown.
    pub fn may_show(&self, value: &str) -> bool {
        match self {
            Takes::Text(_) => true,
            Takes::Secret(_) => false,
            Takes::Number(_) => value.bytes().all(|b| b.is_ascii_digit()),
            Takes::OneOf(all) => all.contains(&value),
        }
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Takes::Text(what) | Takes::Secret(what) | Takes::Number(what) => f.write_str(what),
            Takes::OneOf(all) => f.write_str(&all.join(" or ")),
        }
    }
}

/// The schemes that there are, as a message names them.
fn known() -> String {
    let names: Vec<String> = SCHEMES.iter().map(|scheme| format!("{}://", scheme.name)).collect();
    names.join(", ")
}

/// What is wrong with the URL of a remote store, if anything. The message has no value in it, for one may be a secret.
pub fn fault_of(url: &str) -> Option<String> {
    check(url).err()
}

fn check(url: &str) -> Result<(), String> {
    let (name, rest) = url
        .split_once("://")
        .ok_or_else(|| format!("a remote store is a URL that begins with one of {}", known()))?;
    let scheme = scheme(name).ok_or_else(|| unknown(name))?;
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(format!("there is nothing behind `{name}://`, or white space in it"));
    }
    if scheme.place == UrlPlace::Path && !rest.starts_with('/') && !rest.starts_with("localhost/") {
        return Err(format!("{name}:// takes an absolute path: three slashes, as in {}", scheme.example));
    }
    pairs(rest).try_for_each(|pair| check_word(scheme, pair))
}

/// The parts of the query.
fn pairs(url: &str) -> impl Iterator<Item = &str> {
    let without_fragment = url.split('#').next().unwrap_or_default();
    let query = without_fragment.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty())
}

fn check_word(scheme: &Scheme, pair: &str) -> Result<(), String> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err(format!(
            "a word of {}:// has a value, as in `access=read-only` ({})",
            scheme.name,
            scheme.knows()
        ));
    };
    let Some(word) = scheme.word(name) else {
        let named = if is_plain(name) { format!("`{name}`") } else { "something".to_owned() };
        return Err(format!("{named} is no word of {}:// ({})", scheme.name, scheme.knows()));
    };
    let is_number = value.parse::<u64>().is_ok();
    match word.takes {
        Takes::OneOf(all) if !all.contains(&value) => Err(format!("{name} is one of: {}", all.join(", "))),
        Takes::Number(what) if !value.is_empty() && !is_number => {
            Err(format!("{name} takes {what}, a number"))
        }
        _ => Ok(()),
    }
}

fn unknown(name: &str) -> String {
    let named = if is_plain(name) { format!("`{name}://`") } else { "it".to_owned() };
    format!("{named} is no kind of storage that kiln knows ({})", known())
}

/// Whether this is a name, and no secret at the wrong place.
fn is_plain(name: &str) -> bool {
    name.len() < 32 && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
}

#[cfg(test)]
mod tests;

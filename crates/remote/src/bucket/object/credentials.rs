//! Who we are to S3: keys in the URL, else as AWS's own tools find them, but by the variables of whoever builds. The daemon serves
//! builds with different ones, and its own are an accident.

use crate::Spec;
use crate::bucket::Variables;
use kiln_sys::files;
use opendal::HttpTransporter;
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, AssumeRoleWithWebIdentityCredentialProvider, Credential,
    ECSCredentialProvider, EnvCredentialProvider, IMDSv2CredentialProvider, ProfileCredentialProvider,
    RequestSigner, SSOCredentialProvider, StaticCredentialProvider,
};
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, Error, FileRead, ProvideCredential, ProvideCredentialChain, Signer, StaticEnv};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Somebody near who is asked for credentials answers in this time or is not there: most machines are none of Amazon's.
const NEAR: Duration = Duration::from_secs(2);
/// So long credentials from a file count; tools of companies write new ones every hour.
const OF_A_FILE: Duration = Duration::from_secs(60);
/// Reqsign takes for stale what expires in less than this (3.2, `credential.rs`).
const MARGIN: Duration = Duration::from_secs(120);
/// No file of credentials is longer.
const LONGEST: u64 = 1 << 20;

/// The ways to credentials, in the order of AWS's own tools; what the URL says comes before everything.
pub fn chain(
    spec: &Spec,
    variables: &Variables,
    region: &str,
) -> Result<ProvideCredentialChain<Credential>, String> {
    let env = StaticEnv {
        home_dir: value(variables, "HOME").map(Into::into),
        envs: variables.iter().cloned().collect(),
    };
    let mut chain = ProvideCredentialChain::new();
    match (spec.option("access_key_id"), spec.option("secret_access_key")) {
        (Some(id), Some(secret)) => {
            let fixed = StaticCredentialProvider::new(&id, &secret);
            chain = chain.push(match spec.option("session_token") {
                Some(token) => fixed.with_session_token(&token),
                None => fixed,
            });
        }
        (None, None) => {
            let found = found(spec.option("profile").as_deref(), region);
            chain = chain.push(Of { env: env.clone(), inner: found });
        }
        _ => return Err("access_key_id and secret_access_key go together".to_owned()),
    }
    let Some(role) = spec.option("role_arn") else { return Ok(chain) };
    // Whoever it is that we are may be somebody else for an hour.
    let context =
        Context::new().with_file_read(Files).with_http_send(HttpTransporter::default()).with_env(env);
    let signer = Signer::new(context, chain, RequestSigner::new("sts", region));
    let mut role = AssumeRoleCredentialProvider::new(role, signer).with_region(region.to_owned());
    role = role.with_regional_sts_endpoint().with_role_session_name("kiln".to_owned());
    if let Some(id) = spec.option("external_id") {
        role = role.with_external_id(id);
    }
    Ok(ProvideCredentialChain::new().push(role))
}

/// Without keys in the URL. A profile that the URL names is meant, whatever variables say.
fn found(profile: Option<&str>, region: &str) -> ProvideCredentialChain<Credential> {
    let mut chain = ProvideCredentialChain::new();
    let (mut file, mut sso) = (ProfileCredentialProvider::new(), SSOCredentialProvider::new());
    match profile {
        Some(profile) => {
            file = file.with_profile(profile);
            sso = sso.with_profile(profile);
        }
        None => chain = chain.push(EnvCredentialProvider::new()),
    }
    let identity = AssumeRoleWithWebIdentityCredentialProvider::new().with_region(region.to_owned());
    chain
        .push(Fresh(file))
        .push(sso)
        .push(identity)
        .push(Near(ECSCredentialProvider::new()))
        .push(Near(IMDSv2CredentialProvider::new()))
}

/// The value of a variable.
pub fn value(variables: &Variables, name: &str) -> Option<String> {
    let found = variables.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

/// Credentials as they are found with somebody's variables and files.
struct Of {
    env: StaticEnv,
    inner: ProvideCredentialChain<Credential>,
}

/// Secrets are not shown.
impl fmt::Debug for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Of")
    }
}

impl ProvideCredential for Of {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> reqsign_core::Result<Option<Credential>> {
        let theirs = context.clone().with_env(self.env.clone()).with_file_read(Files);
        self.inner.provide_credential(&theirs).await
    }
}

/// What is read again after a while, since the file may be another by then.
#[derive(Debug)]
struct Fresh<P>(P);

impl<P: ProvideCredential<Credential = Credential>> ProvideCredential for Fresh<P> {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> reqsign_core::Result<Option<Credential>> {
        let mut found = self.0.provide_credential(context).await?;
        if let Some(credential) = &mut found {
            credential.expires_in.get_or_insert(Timestamp::now() + MARGIN + OF_A_FILE);
        }
        Ok(found)
    }
}

/// Somebody who answers soon or is not there.
#[derive(Debug)]
struct Near<P>(P);

impl<P: ProvideCredential<Credential = Credential>> ProvideCredential for Near<P> {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> reqsign_core::Result<Option<Credential>> {
        tokio::time::timeout(NEAR, self.0.provide_credential(context)).await.unwrap_or(Ok(None))
    }
}

/// Small files, read in place.
#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        files::read_limited(Path::new(path), LONGEST).map_err(|error| Error::unexpected(error.to_string()))
    }
}

#[cfg(test)]
mod tests;

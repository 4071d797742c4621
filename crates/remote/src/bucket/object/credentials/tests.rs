use super::*;
use bytes::Bytes;
use reqsign_core::HttpSend;
use std::sync::{Arc, Mutex};

/// Answers every request with credentials of STS, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct Sts(Arc<Mutex<Vec<String>>>);

impl HttpSend for Sts {
    async fn http_send(&self, asked: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let body = String::from_utf8_lossy(asked.body()).into_owned();
        self.0.lock().unwrap().push(format!("{} {} {body}", asked.method(), asked.uri()));
        let answer = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
            <AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey>\
            <SessionToken>TOKEN</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
            </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        Ok(http::Response::new(Bytes::from(answer)))
    }
}

fn variables(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn provided(url: &str, of: &[(&str, &str)], sts: &Sts) -> Option<Credential> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let of = [of, &[("AWS_EC2_METADATA_DISABLED", "true")]].concat();
    let chain = chain(&Spec::parse(url).unwrap(), &variables(&of), "eu-west-1").unwrap();
    // The daemon's own environment, in which nothing may be looked up.
    let daemons = StaticEnv {
        home_dir: None,
        envs: variables(&[("AWS_ACCESS_KEY_ID", "DAEMONS"), ("AWS_SECRET_ACCESS_KEY", "DAEMONS")])
            .into_iter()
            .collect(),
    };
    let context = Context::new().with_http_send(sts.clone()).with_env(daemons);
    runtime.block_on(chain.provide_credential(&context)).unwrap()
}

fn id(url: &str, of: &[(&str, &str)]) -> Option<String> {
    provided(url, of, &Sts::default()).map(|credential| credential.access_key_id)
}

#[test]
fn variables_and_files_of_whoever_builds() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let keys = |id: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = s\n");
    let shared = file("shared", &format!("[default]\n{}[work]\n{}", keys("DEFAULT"), keys("WORK")));
    let config = file("config", &format!("[default]\nregion = x\n[profile far]\n{}", keys("FAR")));
    file(".aws/credentials", &format!("[default]\n{}", keys("HOME")));
    let home = directory.path().display().to_string();
    let shared = ("AWS_SHARED_CREDENTIALS_FILE", shared.as_str());
    let config = ("AWS_CONFIG_FILE", config.as_str());
    let own = [("AWS_ACCESS_KEY_ID", "OWN"), ("AWS_SECRET_ACCESS_KEY", "s")];
    for (url, of, expected) in [
        ("s3://b", vec![], None),
        ("s3://b", own.to_vec(), Some("OWN")),
        ("s3://b", vec![("HOME", home.as_str())], Some("HOME")),
        ("s3://b", vec![shared], Some("DEFAULT")),
        ("s3://b", vec![shared, ("AWS_PROFILE", "work")], Some("WORK")),
        ("s3://b", vec![shared, ("AWS_PROFILE", "nobody")], None),
        ("s3://b?profile=work", vec![shared], Some("WORK")),
        ("s3://b?profile=far", vec![config, shared], Some("FAR")),
        // What the URL names is meant.
        ("s3://b?profile=work", [own.to_vec(), vec![shared]].concat(), Some("WORK")),
        ("s3://b?access_key_id=URL&secret_access_key=s", own.to_vec(), Some("URL")),
    ] {
        assert_eq!(id(url, &of).as_deref(), expected, "{url} {of:?}");
    }
    let url = "s3://b?access_key_id=URL&secret_access_key=s";
    let token = [own.to_vec(), vec![("AWS_SESSION_TOKEN", "t")]].concat();
    let of_url = provided(url, &token, &Sts::default()).unwrap();
    assert_eq!(of_url.session_token, None, "the token belongs to other keys");
    assert_eq!(provided("s3://b", &token, &Sts::default()).unwrap().session_token.as_deref(), Some("t"));
    assert!(chain(&Spec::parse("s3://b?access_key_id=x").unwrap(), &[], "r").is_err());
}

#[test]
fn a_file_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared");
    std::fs::write(&path, "[default]\naws_access_key_id = a\naws_secret_access_key = s\n").unwrap();
    let path = path.display().to_string();
    let found = provided("s3://b", &[("AWS_SHARED_CREDENTIALS_FILE", &path)], &Sts::default()).unwrap();
    let lasts = found.expires_in.expect("they are not for ever");
    assert!(lasts <= Timestamp::now() + MARGIN + OF_A_FILE && lasts > Timestamp::now() + MARGIN);
}

#[test]
fn a_web_identity_is_taken_to_sts() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "a.web.token").unwrap();
    let token = token.display().to_string();
    let (sts, role) = (Sts::default(), "arn:aws:iam::123456789012:role/builds");
    let of = [("AWS_ROLE_ARN", role), ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str())];
    let found = provided("s3://b", &of, &sts).unwrap();
    assert_eq!((found.access_key_id.as_str(), found.session_token.as_deref()), ("ROLE", Some("TOKEN")));
    let asked = sts.0.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("https://sts.") && asked[0].contains("a.web.token"), "{asked:?}");
}

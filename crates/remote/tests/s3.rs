//! What is really sent to an S3 and to whoever hands out credentials: servers that remember what they were asked.
#![allow(clippy::disallowed_methods, reason = "tests arrange files themselves")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use kiln_action::ActionKey;
use kiln_remote::{Fault, Level, Spec};
use kiln_testkit::http::{self, Http, Request};
use std::net::ToSocketAddrs;

const NOBODY: &[(&str, &str)] = &[("AWS_EC2_METADATA_DISABLED", "true")];

fn open(url: &str, variables: &[(&str, &str)]) -> Level {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Level::open(&Spec::parse(url).unwrap(), &["main".into()], &variables, None).unwrap()
}

/// Writes and reads; what was asked for that.
fn used(server: &Http, words: &str, variables: &[(&str, &str)]) -> Vec<Request> {
    let url = format!("s3://bucket/some/prefix?endpoint=http://{}&{words}", server.address());
    let store = open(&url, variables);
    store.keep("g/00/thing", b"content").unwrap();
    assert!(store.has("g/00/thing").unwrap(), "{words}");
    assert!(!store.has("g/00/other").unwrap(), "{words}");
    server.asked()
}

#[track_caller]
fn signed_by(asked: &[Request], who: &str) {
    assert!(!asked.is_empty());
    for request in asked {
        let signed = request.header("authorization");
        assert!(signed.contains(&format!("Credential={who}/")), "{request:?}");
    }
}

#[test]
fn anonymously() {
    let asked = used(
        &Http::bucket(),
        "anonymous=true",
        &[("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")],
    );
    assert!(asked.iter().all(|request| request.header("authorization").is_empty()), "{asked:?}");
}

#[test]
fn by_path_and_by_host() {
    let keys = "access_key_id=URL&secret_access_key=s";
    let asked = used(&Http::bucket(), keys, NOBODY);
    assert_eq!(asked[0].path.split('?').next(), Some("/bucket/some/prefix/kiln2/main/g/00/thing"));
    signed_by(&asked, "URL");
    if ("bucket.localhost", 80).to_socket_addrs().is_err() {
        eprintln!("SKIPPED: `bucket.localhost` is no name here");
        return;
    }
    let server = Http::bucket();
    let port = server.address().port();
    let url = format!("s3://bucket/some/prefix?endpoint=http://localhost:{port}&style=virtual&{keys}");
    open(&url, NOBODY).keep("g/00/thing", b"content").unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].path.split('?').next(), Some("/some/prefix/kiln2/main/g/00/thing"));
    assert_eq!(asked[0].header("host"), format!("bucket.localhost:{port}"));
}

#[test]
fn with_variables_a_token_and_a_profile() {
    let keys =
        [("AWS_ACCESS_KEY_ID", "OWN"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "the-token")];
    let asked = used(&Http::bucket(), "region=x", &keys);
    signed_by(&asked, "OWN");
    assert!(asked.iter().all(|request| request.header("x-amz-security-token") == "the-token"), "{asked:?}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    std::fs::write(&file, "[work]\naws_access_key_id = WORK\naws_secret_access_key = s\n").unwrap();
    let file = file.display().to_string();
    let asked = used(&Http::bucket(), "profile=work", &[("AWS_SHARED_CREDENTIALS_FILE", &file)]);
    signed_by(&asked, "WORK");
}

#[test]
fn variables_can_name_the_server() {
    let server = Http::bucket();
    let endpoint = format!("http://{}", server.address());
    let (named, wrong) =
        (("AWS_ENDPOINT_URL_S3", endpoint.as_str()), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
    let keys = "access_key_id=URL&secret_access_key=s";
    open(&format!("s3://bucket?{keys}"), &[named, wrong, ("AWS_REGION", "mars-1")])
        .keep("g/00/x", b"")
        .unwrap();
    assert!(server.asked()[0].header("authorization").contains("/mars-1/s3/"), "{:?}", server.asked());
    let nowhere = Level::open(&Spec::parse(&format!("s3://bucket?{keys}")).unwrap(), &[], &[], None);
    assert!(nowhere.err().unwrap().contains("region"));
}

#[test]
fn how_it_is_to_be_kept() {
    let words =
        "access_key_id=URL&secret_access_key=s&sse=aws:kms&sse_kms_key_id=the-key&storage_class=STANDARD_IA";
    let asked = used(&Http::bucket(), words, NOBODY);
    let put = asked.iter().find(|request| request.method == "PUT").unwrap();
    assert_eq!(put.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(put.header("x-amz-server-side-encryption-aws-kms-key-id"), "the-key");
    assert_eq!(put.header("x-amz-storage-class"), "STANDARD_IA");
    assert_eq!(put.body, b"content");
}

const CREDENTIALS: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"INSTANCE","SecretAccessKey":"s",
    "Token":"its-token","Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2020-01-01T00:00:00Z"}"#;

#[test]
fn as_an_instance() {
    let metadata = Http::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("PUT", "/latest/api/token") => (200, b"session".to_vec()),
        _ if asked.header("x-aws-ec2-metadata-token") != "session" => (401, Vec::new()),
        (_, "/latest/meta-data/iam/security-credentials/") => (200, b"builds".to_vec()),
        (_, "/latest/meta-data/iam/security-credentials/builds") => (200, CREDENTIALS.into()),
        _ => (404, Vec::new()),
    });
    let endpoint = format!("http://{}", metadata.address());
    let asked = used(&Http::bucket(), "region=x", &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint)]);
    signed_by(&asked, "INSTANCE");
    assert_eq!(asked[0].header("x-amz-security-token"), "its-token");
    assert_eq!(metadata.asked().len(), 3, "they are remembered");
}

#[test]
fn as_a_container() {
    let agent = Http::start(|asked| match asked.header("authorization") {
        "let-me-in" => (200, CREDENTIALS.replace("INSTANCE", "CONTAINER").into()),
        _ => (403, Vec::new()),
    });
    let uri = format!("http://{}/role", agent.address());
    let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str());
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in");
    signed_by(&used(&Http::bucket(), "region=x", &[uri, token]), "CONTAINER");
}

/// Nobody has credentials for us, and who might have some is silent: it is said before the request is late.
#[test]
fn without_any_credentials() {
    let server = Http::bucket();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // connections are made, and nobody answers
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let url = format!("s3://bucket?region=x&endpoint=http://{}", server.address());
    let asked =
        open(&url, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint)]).unit(&ActionKey::of_name([1; 32]));
    assert!(
        matches!(&asked, Err(Fault::Refused(message)) if message.contains("credential")),
        "{:?}",
        asked.err()
    );
    assert!(server.asked().is_empty());
}

/// A server whose clock, or ours, is an hour off refuses what we sign.
#[test]
fn a_clock_that_is_an_hour_off() {
    let skewed = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference \
        between the request time and the current time is too large.</Message></Error>";
    let server = Http::start(move |_| (403, skewed.into()));
    let url = format!("s3://bucket?endpoint=http://{}&access_key_id=a&secret_access_key=s", server.address());
    let store = open(&url, NOBODY);
    let asked = store.unit(&ActionKey::of_name([1; 32]));
    assert!(
        matches!(&asked, Err(Fault::Refused(message)) if message.contains("RequestTimeTooSkewed")),
        "{:?}",
        asked.err()
    );
    assert!(store.health().last_fault.contains("time"), "{:?}", store.health());
}

#[test]
fn a_bucket_for_all() {
    let answer = http::objects();
    let server = Http::start(move |asked| answer(asked));
    assert_eq!(used(&server, "anonymous=true", NOBODY).len(), 3);
}

/// Something under one of our names that is larger than anything of ours is not read to its end.
#[test]
fn an_object_that_is_too_large() {
    let server = Http::bucket();
    let store = open(&format!("s3://bucket?anonymous=true&endpoint=http://{}", server.address()), NOBODY);
    let weak = kiln_action::WeakKey::of_name([7; 32]);
    store.keep(&kiln_remote::pack::name(kiln_remote::Kind::Shapes, weak.name()), &vec![1; 40 << 20]).unwrap();
    assert!(store.shapes(&weak).unwrap().is_none());
    assert_eq!(store.health().wrong, 1);
    assert!(store.is_asked());
    assert_eq!(server.asked().len(), 2, "one request for each");
}

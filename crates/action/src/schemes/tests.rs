use super::*;
use crate::conceal;
use std::collections::BTreeSet;

#[test]
fn every_example_is_valid() {
    for scheme in SCHEMES {
        assert_eq!(fault_of(scheme.example), None);
        assert!(scheme.example.starts_with(&format!("{}://", scheme.name)));
        let names: BTreeSet<&str> = scheme.words.iter().map(|word| word.name).collect();
        assert_eq!(names.len(), scheme.words.len(), "{}", scheme.name);
        assert!(!names.contains(ACCESS.name));
    }
}

/// What is added to the table is hidden exactly where its row says so.
#[test]
fn the_table_says_what_is_shown() {
    for scheme in SCHEMES {
        for word in scheme.words.iter().chain([&ACCESS]) {
            let value = match word.takes {
                Takes::Number(_) => "60",
                Takes::OneOf(all) => all[0],
                _ => "value",
            };
            let url = format!("{}:///place?{}={value}", scheme.name, word.name);
            assert_eq!(fault_of(&url), None);
            let shown = conceal::url(&url);
            assert_eq!(shown == url, !matches!(word.takes, Takes::Secret(_)), "{shown}");
            assert_eq!(shown.contains(&format!("={value}")), shown == url, "{shown}");
        }
    }
}

/// Whoever makes one of these public has to say so here.
#[test]
fn what_is_never_shown() {
    let words = SCHEMES.iter().flat_map(|scheme| scheme.words);
    let hidden: BTreeSet<&str> =
        words.filter(|word| matches!(word.takes, Takes::Secret(_))).map(|word| word.name).collect();
    let expected = [
        "access_key_id",
        "cert",
        "external_id",
        "key",
        "role_arn",
        "secret_access_key",
        "sentinel_password",
        "sentinel_user",
        "session_token",
        "sse_kms_key_id",
    ];
    assert_eq!(hidden.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn an_error_lists_what_would_be_right() {
    for (url, expected) in [
        ("gs://bucket", "`gs://` is no kind of storage that kiln knows (file://, redis://, rediss://,"),
        ("memcached://host", "`memcached://` is no kind of storage"),
        ("hush hush://x", "it is no kind of storage"),
        ("/mnt/cache", "a remote store is a URL that begins with one of file://, redis://"),
        ("file://relative", "file:// takes an absolute path: three slashes, as in file:///mnt/cache"),
        ("s3:// b", "white space"),
        ("s3://", "there is nothing behind"),
        ("s3://b?colour=hush", "`colour` is no word of s3:// (endpoint, region, style,"),
        ("redis://h?ca=/x", "`ca` is no word of redis:// (prefix, expires, access)"),
        ("redis://h?hush", "a word of redis:// has a value"),
        ("redis://h?hush%20=1", "something is no word of redis:// (prefix, expires, access)"),
        ("redis://h?expires=hush", "expires takes seconds"),
        ("s3://b?style=hush", "style is one of: path, virtual"),
        ("s3://b?access=hush", "access is one of: read-write, read-only"),
    ] {
        let fault = fault_of(url).unwrap_or_default();
        assert!(fault.contains(expected), "{url}: {fault}");
        assert!(!fault.contains("hush"), "{fault}");
    }
}

#[test]
fn what_is_right_is_none_of_our_business() {
    for url in [
        "file://localhost/mnt",
        "file:///mnt/a?access=read-only",
        "redis://:p@ss@host:1/0?prefix=a&expires=60",
        "redis+cluster://h?node=a:1&node=b:2",
        "s3://b?&&region=",
        "s3://b#hush",
    ] {
        assert_eq!(fault_of(url), None, "{url}");
    }
}

#[test]
fn variables_of_the_stores_that_are_named() {
    assert!(variables(["file:///x", "redis://h", "gs://b"].into_iter()).is_empty());
    let read = variables(["s3://a", "s3://b"].into_iter());
    assert_eq!(read.len(), AWS.len());
    assert!(says_where("AWS_REGION") && !says_where("AWS_SECRET_ACCESS_KEY") && !says_where("PATH"));
}

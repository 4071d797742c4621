//! Certificates for tests, made by `openssl`: an authority, a server's on 127.0.0.1, a client's, and an authority that has signed
//! nothing.

use super::is_there;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A directory of certificates, gone when dropped.
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes all of them; `None`, loudly, without `openssl`.
    pub fn make() -> Option<Certificates> {
        if !is_there("openssl") {
            return None;
        }
        let made =
            Certificates(tempfile::Builder::new().prefix("kiln-certs-").tempdir().expect("a directory"));
        made.authority("ca");
        made.authority("other");
        made.signed("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth");
        made.signed("client", "subjectAltName=DNS:client\nextendedKeyUsage=clientAuth");
        Some(made)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The certificate of an authority (`ca`, `other`), of the `server` or of the `client`.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.crt"))
    }

    /// Its key.
    pub fn key(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.key"))
    }

    fn authority(&self, name: &str) {
        openssl(
            self.0.path(),
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=kiln-{name} \
             -keyout {name}.key -out {name}.crt"
            ),
        );
    }

    fn signed(&self, name: &str, extensions: &str) {
        fs::write(self.path(&format!("{name}.ext")), format!("basicConstraints=CA:FALSE\n{extensions}\n"))
            .expect("written");
        openssl(
            self.0.path(),
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
            ),
        );
        openssl(
            self.0.path(),
            &format!(
                "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.crt"
            ),
        );
    }
}

fn openssl(directory: &Path, args: &str) {
    let mut command = Command::new("openssl");
    command.args(args.split_whitespace()).current_dir(directory).stdin(Stdio::null());
    let output = command.output().expect("openssl starts");
    assert!(output.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&output.stderr));
}

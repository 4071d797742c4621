//! A small HTTP server that answers by a function and remembers what it was asked: for what a real server does not show, and for
//! services that nobody can start here.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers, their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered: a status and a body.
pub type Response = (u16, Vec<u8>);

type Answer = dyn Fn(&Request) -> Response + Send + Sync;

/// A server; its threads end with the process.
pub struct Http {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Http {
    /// Starts one.
    pub fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Http {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (answer, remember): (Arc<Answer>, _) = (Arc::new(answer), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, remember) = (answer.clone(), remember.clone());
                thread::spawn(move || serve(&stream, &*answer, &remember));
            }
        });
        Http { address, asked }
    }

    /// A bucket for everybody: what is put there is there.
    pub fn bucket() -> Http {
        let objects = objects();
        Http::start(objects)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("unpoisoned").clone()
    }
}

/// Answers as a bucket does that lets everybody in.
pub fn objects() -> impl Fn(&Request) -> Response + Send + Sync {
    let kept: Mutex<HashMap<String, Vec<u8>>> = Mutex::default();
    move |asked| {
        let mut kept = kept.lock().expect("unpoisoned");
        match asked.method.as_str() {
            "PUT" => {
                kept.insert(asked.path.clone(), asked.body.clone());
                (200, Vec::new())
            }
            "DELETE" => {
                kept.remove(&asked.path);
                (204, Vec::new())
            }
            _ => kept.get(&asked.path).map_or((404, Vec::new()), |bytes| (200, bytes.clone())),
        }
    }
}

fn serve(stream: &TcpStream, answer: &Answer, remember: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let (status, body) = answer(&request);
        let head = format!("HTTP/1.1 {status} Told\r\nContent-Length: {}\r\n\r\n", body.len());
        let silent = request.method == "HEAD";
        remember.lock().expect("unpoisoned").push(request);
        let mut to = stream;
        let sent = to.write_all(head.as_bytes());
        if sent.is_err() || !silent && to.write_all(&body).is_err() {
            return;
        }
    }
}

fn read(from: &mut impl BufRead) -> Option<Request> {
    let line = |from: &mut dyn BufRead| {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|count| *count > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line(from)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    while let Some((name, value)) = line(from)?.split_once(':') {
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}

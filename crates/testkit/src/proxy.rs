//! A wire that misbehaves: a TCP proxy in front of a real server that delays, throttles, drops, cuts, resets, lies or answers
//! for the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What goes wrong, from the next piece on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// Connections are closed as soon as they are made.
    Dropped,
    /// Connections are made, and nobody ever answers.
    Stalled,
    /// So many bytes of answers pass on each connection, then it is closed.
    Cut(u64),
    /// So many bytes of answers pass on each connection, then they stop coming.
    Stuck(u64),
    /// In every answer, one byte in so many is another.
    Lies(u64),
    /// Every request is answered with this HTTP status.
    Status(u16),
}

/// How it is set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// What goes wrong.
    pub wrong: Wrong,
    /// The time from one end to the other and back.
    pub round_trip: Duration,
    /// Bytes in a second in each direction, for all connections together; 0 is no limit.
    pub rate: u64,
    /// One piece in so many is lost and sent again, after as long as TCP waits at least; 0 is none.
    pub lost: u64,
}

/// What TCP waits before it sends once more (Linux: TCP_RTO_MIN).
const SENT_AGAIN: Duration = Duration::from_millis(200);

struct Shared {
    setting: Mutex<Setting>,
    connections: AtomicU64,
    bytes: AtomicU64,
    pieces: AtomicU64,
    /// How often connections were forgotten.
    forgotten: AtomicU64,
    over: AtomicBool,
    /// Until when the line is taken, towards the server and towards the client.
    taken: [Mutex<Instant>; 2],
}

/// A proxy, gone when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// In front of `server`, harmless at first.
    pub fn start(server: SocketAddr) -> Proxy {
        Proxy::start_at(Ipv4Addr::LOCALHOST, server)
    }

    /// The same, listening at this address.
    pub fn start_at(at: Ipv4Addr, server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind((at, 0)).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let setting = Setting { wrong: Wrong::Nothing, round_trip: Duration::ZERO, rate: 0, lost: 0 };
        let shared = Arc::new(Shared {
            setting: Mutex::new(setting),
            connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pieces: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
            over: AtomicBool::new(false),
            taken: [Mutex::new(Instant::now()), Mutex::new(Instant::now())],
        });
        let ours = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ours.over.load(Ordering::SeqCst) {
                    return;
                }
                ours.connections.fetch_add(1, Ordering::SeqCst);
                let ours = ours.clone();
                thread::spawn(move || connect(client, server, &ours));
            }
        });
        Proxy { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this goes wrong.
    pub fn set(&self, wrong: Wrong) {
        self.shared.setting.lock().expect("unpoisoned").wrong = wrong;
    }

    /// From now on it is so far away.
    pub fn set_round_trip(&self, round_trip: Duration) {
        self.shared.setting.lock().expect("unpoisoned").round_trip = round_trip;
    }

    /// From now on it is so slow.
    pub fn set_rate(&self, rate: u64) {
        self.shared.setting.lock().expect("unpoisoned").rate = rate;
    }

    /// From now on one piece in so many is lost and sent again.
    pub fn set_lost(&self, one_in: u64) {
        self.shared.setting.lock().expect("unpoisoned").lost = one_in;
    }

    /// All connections there are are forgotten, as by a router that was switched off and on: what is sent over them goes nowhere, and
    /// nobody says so. New ones are as before.
    pub fn forget(&self) {
        self.shared.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    /// Connections that were made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Bytes of answers that passed so far.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn now(&self) -> Setting {
        *self.setting.lock().expect("unpoisoned")
    }

    /// Waits as long as nothing is to come.
    fn stall(&self) {
        while matches!(self.now().wrong, Wrong::Stalled) && !self.over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn connect(mut client: TcpStream, server: SocketAddr, shared: &Arc<Shared>) {
    let _ = client.set_nodelay(true);
    match shared.now().wrong {
        Wrong::Dropped => return,
        Wrong::Stalled => shared.stall(),
        Wrong::Status(code) => return answer(&mut client, code),
        _ => {}
    }
    thread::sleep(shared.now().round_trip); // SYN and SYN+ACK
    let Ok(server) = TcpStream::connect(server) else { return };
    let _ = server.set_nodelay(true);
    let pair = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
    let (Some((from_client, to_server)), Some((to_client, from_server))) = (pair(), pair()) else { return };
    let ours = shared.clone();
    thread::spawn(move || carry(from_client, to_server, &ours, false));
    carry(from_server, to_client, shared, true);
}

/// Answers whatever comes with a status, once, and hangs up.
fn answer(client: &mut TcpStream, code: u16) {
    let mut buffer = [0; 64 << 10];
    let _ = client.read(&mut buffer);
    let text = format!("HTTP/1.1 {code} Wrong\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = client.write_all(text.as_bytes());
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.set_read_timeout(Some(Duration::from_millis(200)));
    while client.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Carries bytes one way: one thread reads and stamps, another delivers when it is time.
fn carry(mut from: TcpStream, to: TcpStream, shared: &Arc<Shared>, answers: bool) {
    let (sender, receiver) = channel();
    let ours = shared.clone();
    let delivering = thread::spawn(move || deliver(&receiver, to, &ours, answers));
    read(&mut from, &sender, shared);
    drop(sender);
    let _ = delivering.join();
}

fn read(from: &mut TcpStream, sender: &Sender<(Instant, Vec<u8>)>, shared: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let (setting, piece) = (shared.now(), shared.pieces.fetch_add(1, Ordering::SeqCst));
        let lost = setting.lost > 0 && piece % setting.lost == setting.lost - 1;
        let at = Instant::now() + setting.round_trip / 2 + if lost { SENT_AGAIN } else { Duration::ZERO };
        if sender.send((at, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

fn deliver(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream, shared: &Shared, answers: bool) {
    let mut passed = 0_u64;
    let since = shared.forgotten.load(Ordering::SeqCst);
    while let Ok((at, mut bytes)) = receiver.recv() {
        while shared.forgotten.load(Ordering::SeqCst) != since && !shared.over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(at.saturating_duration_since(Instant::now()));
        let setting = shared.now();
        if answers {
            match setting.wrong {
                Wrong::Dropped | Wrong::Status(_) => break,
                Wrong::Stalled => shared.stall(),
                Wrong::Cut(most) if passed + bytes.len() as u64 > most => {
                    bytes.truncate(most.saturating_sub(passed) as usize);
                    let _ = to.write_all(&bytes);
                    break;
                }
                Wrong::Stuck(most) if passed + bytes.len() as u64 > most => {
                    while shared.now().wrong == setting.wrong && !shared.over.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(20));
                    }
                }
                Wrong::Lies(every) => lie(&mut bytes, passed, every),
                _ => {}
            }
            shared.bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
        passed += bytes.len() as u64;
        let sent = match setting.rate {
            0 => to.write_all(&bytes).is_ok(),
            rate => slowly(&mut to, &bytes, rate, &shared.taken[usize::from(answers)]),
        };
        if !sent {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Takes the line for as long as each piece needs.
fn slowly(to: &mut TcpStream, bytes: &[u8], rate: u64, taken: &Mutex<Instant>) -> bool {
    bytes.chunks((rate / 50).max(1) as usize).all(|piece| {
        let until = {
            let mut taken = taken.lock().expect("unpoisoned");
            *taken = (*taken).max(Instant::now()) + Duration::from_secs_f64(piece.len() as f64 / rate as f64);
            *taken
        };
        thread::sleep(until.saturating_duration_since(Instant::now()));
        to.write_all(piece).is_ok()
    })
}

fn lie(bytes: &mut [u8], passed: u64, every: u64) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        if (passed + at as u64) % every == every - 1 {
            *byte ^= 0x15;
        }
    }
}

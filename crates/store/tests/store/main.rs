//! The store as others use it, in bad company: crashes, failing system calls, full disks, other processes.
#![allow(clippy::disallowed_methods, clippy::print_stderr, reason = "tests arrange everything themselves")]

mod company;
mod crash;
mod faults;
mod model;
mod places;
mod world;

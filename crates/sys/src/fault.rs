//! Failing system calls, for tests: the N-th one of this thread fails, all from the N-th on fail, or the process dies
//! there. Without the feature `fault` (or outside this crate's own tests) nothing of it is left.

#[cfg(not(any(test, feature = "fault")))]
mod off {
    use crate::system::files::Errno;

    #[inline(always)]
    pub(crate) fn pass() -> Result<(), Errno> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn piece(length: usize) -> usize {
        length
    }
}

#[cfg(not(any(test, feature = "fault")))]
pub(crate) use off::{pass, piece};

#[cfg(any(test, feature = "fault"))]
pub use on::*;

#[cfg(any(test, feature = "fault"))]
mod on {
    use crate::system::files::Errno;
    use std::cell::Cell;

    /// What happens at the chosen system call.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Effect {
        /// It fails with this errno.
        Fail(i32),
        /// It and all after it fail with this errno, as on a full disk.
        FailFrom(i32),
        /// The process is killed.
        Kill,
    }

    #[derive(Clone, Copy)]
    struct Plan {
        at: u64,
        effect: Effect,
    }

    thread_local! {
        static CALLS: Cell<u64> = const { Cell::new(0) };
        static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
    }

    /// As long as it lives, the plan stands.
    pub struct Armed(());

    impl Armed {
        /// How many system calls there were since.
        pub fn calls(&self) -> u64 {
            CALLS.get()
        }
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            PLAN.set(None);
        }
    }

    /// From now on this thread's system calls are counted, from 0, and `effect` happens at call number `at`. Writes are
    /// made in two pieces, so that one can fail in the middle.
    pub fn arm(at: u64, effect: Effect) -> Armed {
        CALLS.set(0);
        PLAN.set(Some(Plan { at, effect }));
        Armed(())
    }

    pub(crate) fn pass() -> Result<(), Errno> {
        let Some(plan) = PLAN.get() else { return Ok(()) };
        let number = CALLS.get();
        CALLS.set(number + 1);
        match plan.effect {
            Effect::Fail(errno) if number == plan.at => Err(Errno::from_raw_os_error(errno)),
            Effect::FailFrom(errno) if number >= plan.at => Err(Errno::from_raw_os_error(errno)),
            Effect::Kill if number == plan.at => crate::system::process::die(),
            _ => Ok(()),
        }
    }

    pub(crate) fn piece(length: usize) -> usize {
        if PLAN.get().is_some() { length.div_ceil(2) } else { length }
    }
}

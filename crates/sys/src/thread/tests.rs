use super::*;
use crate::fault::{Effect, arm};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn all_is_done_however_many_threads_can_be_had() {
    for fails_from in 0..4 {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let armed = arm(fails_from, Effect::FailFrom(11)); // EAGAIN
        side_by_side(3, || {
            while next.fetch_add(1, Ordering::SeqCst) < 100 {
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
        drop(armed);
        assert_eq!(done.into_inner(), 100, "{fails_from}");
    }
    side_by_side(0, || unreachable!("there is nothing to do"));
}

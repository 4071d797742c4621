use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn waiting_in_vain_comes_to_an_end() {
    let budgets = Budgets::default();
    let mut lost = Duration::ZERO;
    for _ in 0..1000 {
        let allowed = budgets.allow(1, 200);
        budgets.in_vain(1, allowed);
        lost += allowed;
    }
    assert!(lost <= MS(251), "{lost:?}");
    assert_eq!(budgets.allow(1, 200), Duration::ZERO);
    assert_eq!(budgets.allow(2, 200), MS(200), "another build has its own");
}

#[test]
fn who_compiles_may_wait_a_little_more() {
    let budgets = Budgets::default();
    budgets.in_vain(1, MS(250));
    budgets.compiled(1, 10_000);
    assert_eq!(budgets.allow(1, 0), MS(100));
}

#[test]
fn who_was_spared_much_is_patient_and_who_waits_longer_than_it_compiles_is_not() {
    let budgets = Budgets::default();
    budgets.in_vain(1, MS(250));
    budgets.spared(1, MS(0), 10_000);
    assert_eq!(budgets.allow(1, 0), MS(400));
    budgets.spared(1, MS(2000), 1000);
    assert_eq!(budgets.allow(1, 0), Duration::ZERO);
}

/// What a unit cost is what somebody far away says.
#[test]
fn a_cost_that_lies_buys_little_patience() {
    let budgets = Budgets::default();
    budgets.spared(1, MS(0), u32::MAX);
    let mut lost = Duration::ZERO;
    for _ in 0..1000 {
        let allowed = budgets.allow(1, u32::MAX);
        budgets.in_vain(1, allowed);
        lost += allowed;
    }
    assert!(lost <= MS(6300), "{lost:?}");
}

#[test]
fn no_unit_waits_longer_than_it_takes() {
    let budgets = Budgets::default();
    budgets.spared(1, MS(0), 1_000_000);
    assert_eq!(budgets.allow(1, 70), MS(70));
}

#[test]
fn a_store_that_knows_nothing_of_a_build_is_not_waited_for() {
    let budgets = Budgets::default();
    (0..7).for_each(|_| budgets.guessed(1, false));
    assert_eq!(budgets.allow_guess(1, 200), MS(200));
    budgets.guessed(1, false);
    assert_eq!((budgets.allow_guess(1, 200), budgets.allow(1, 200)), (MS(0), MS(200)));
    assert_eq!(budgets.allow_guess(2, 200), MS(200), "another build may be known");
    budgets.guessed(1, true);
    assert_eq!(budgets.allow_guess(1, 200), MS(200));
}

#[test]
fn what_a_bundle_promises_buys_patience_at_once() {
    let budgets = Budgets::default();
    budgets.in_vain(1, MS(250));
    assert_eq!(budgets.allow(1, 0), MS(0));
    budgets.promise(1, 20_000);
    assert_eq!(budgets.allow(1, 0), MS(200));
    budgets.compiled(1, 10_000);
    assert_eq!(budgets.allow(1, 0), MS(200), "the same part is not lost twice");
    budgets.promise(2, u64::MAX);
    budgets.in_vain(2, MS(1250));
    assert_eq!(budgets.allow(2, 0), MS(0), "who promises too much is not believed");
}

use super::*;
use kiln_action::WeakKey;

/// Brings nothing, and remembers how long it might have taken.
#[derive(Default)]
struct Slow(RefCell<Vec<u32>>);

impl RemoteCache for Slow {
    fn resolve(&self, wanted: &Resolve) -> Resolved {
        self.0.borrow_mut().push(wanted.most_ms);
        Resolved::default()
    }

    fn made(&self, _: &Made) {}
}

fn wanted() -> Resolve {
    let wanted =
        Wanted::Unit { weak: WeakKey::of_name([1; 32]), seen: [0; 32], keys: Vec::new(), workspace: None };
    Resolve { wanted, build: 1, cost_ms: 0, most_ms: u32::MAX }
}

#[test]
fn nobody_is_waited_for_longer_than_compiling_on_all_processors_takes() {
    let slow = Slow::default();
    let limit = WaitLimit { processors: 4, ..WaitLimit::with(&slow) };
    let asked = || {
        let before = slow.0.borrow().len();
        limit.resolve(&wanted());
        slow.0.borrow().get(before).copied()
    };
    let first = asked().expect("the first unit is waited for");
    assert!((200..=300).contains(&first), "{first}");
    limit.waited.set(WaitLimit::AT_FIRST + Duration::from_millis(50));
    assert_eq!(asked(), None, "nothing came");
    limit.saved(Duration::from_secs(4));
    let then = asked().expect("a unit of four seconds is a second on four processors");
    assert!((900..=950).contains(&then), "{then}");
    limit.waited.set(Duration::from_secs(2));
    assert_eq!(asked(), None, "it is slower than compiling");
}

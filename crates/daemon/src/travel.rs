//! What `kiln push` may take along. The key of a result is made of answers, and says something of them to whoever tries values: a result
//! that hangs on what nobody else may ask is not uploaded when it is made, and so not later either.

use crate::shelf;
use crate::stores::Stores;
use kiln_action::shape::decode_shapes;
use kiln_action::{ActionKey, Question};
use kiln_store::Key;
use std::collections::HashMap;

/// Which results may leave this machine.
pub struct Travel {
    /// The results of which it is known what they hang on, and whether others may ask that.
    known: HashMap<ActionKey, bool>,
    /// Whether others may: where no Shape of the whole store asks what they may not, no result hangs on it.
    others: bool,
}

impl Travel {
    /// Looks through a store: what the last runs of each unit asked is beside it, and of the others only that some run asked it.
    pub fn of(stores: &Stores, alive: &mut dyn FnMut()) -> Travel {
        let mut known = HashMap::new();
        for run in stores.local.baselines().unwrap_or_default().into_iter().flat_map(|unit| unit.runs) {
            alive();
            let questions: Vec<Question<&[u8]>> =
                run.answers.iter().map(|it| it.question.borrowed()).collect();
            known.insert(run.key, stores.may_tell(&questions));
        }
        let mut others = true;
        for weak in stores.local.weak_keys().unwrap_or_default() {
            alive();
            let shapes = shelf::get(&stores.local, Key::Shapes(weak));
            let shapes = shapes.and_then(|file| decode_shapes(&weak, &file).ok()).unwrap_or_default();
            others &= shapes.iter().all(|shape| stores.may_tell(shape.questions()));
        }
        Travel { known, others }
    }

    /// Whether this one may.
    pub fn may(&self, key: &ActionKey) -> bool {
        self.known.get(key).copied().unwrap_or(self.others)
    }
}

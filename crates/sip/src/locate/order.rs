//! The order in which servers of SRV records are tried (RFC 2782).

use model::Entropy;

use super::{MAX_RECORDS, Srv};

/// By priority; within one at random, each in proportion to its weight.
pub(super) fn by_weight(mut records: Vec<Srv>, entropy: &mut Entropy) -> Vec<Srv> {
    records.truncate(MAX_RECORDS);
    // Those of weight 0 come first in their priority, so that a draw of 0 finds them (RFC 2782).
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let peers = || records.iter().take_while(|record| record.priority == priority);
        let total: u32 = peers().map(|record| u32::from(record.weight)).fold(0, u32::saturating_add);
        let drawn = entropy.below(total.saturating_add(1));
        let mut sum = 0_u32;
        let chosen = peers().position(|record| {
            sum = sum.saturating_add(u32::from(record.weight));
            sum >= drawn
        });
        ordered.push(records.remove(chosen.unwrap_or(0)));
    }
    ordered
}

//! Where what the machines decide goes, when it does not go to the network.

use guard::Ruling;
use model::event::Event;
use model::live::BindingUpdate;
use model::record::RecordUpdate;

/// The rest of the server, as the network's threads see it. Nothing here may wait: the control thread calls it.
pub trait Effects: Send + Sync {
    /// A call's record is new or changed.
    fn record(&self, update: RecordUpdate);
    /// A binding is new, refreshed or gone.
    fn binding(&self, update: BindingUpdate);
    /// Somebody is refused, or no longer; the gate knows already. Never [`Ruling::Event`].
    fn ruling(&self, ruling: &Ruling);
    /// Something happened.
    fn event(&self, event: Event);
}

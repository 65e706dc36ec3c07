//! A phone that calls without an offer, as some gateways and call centre machines do: the 2xx brings the server's, and the ACK
//! its answer (RFC 3261 section 13.2.1).

use bytes::Bytes;
use model::Mono;
use wire::sdp::Direction;
use wire::sip::Message;

use super::Phone;
use super::dialog::DialogId;

/// What its ACK brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The answer, as it should be.
    Answers,
    /// Nothing: the phone has forgotten that it was asked.
    Nothing,
    /// Something that is no description.
    Nonsense,
}

impl Phone {
    /// Calls a number without an offer.
    pub fn call_late(&mut self, now: Mono, number: &str, late: Late) -> DialogId {
        self.dial(now, number, Some(late), Vec::new())
    }

    /// What its next description says of hold, without sending one.
    pub fn want(&mut self, id: DialogId, direction: Direction) {
        if let Some(dialog) = self.dialogs.get_mut(&id.number) {
            dialog.sound.wanted = direction;
        }
    }

    /// The 2xx to such an INVITE is here: what goes into its ACK.
    pub(super) fn late_answer(
        &mut self,
        now: Mono,
        number: u32,
        late: Late,
        response: &Message,
    ) -> Option<Bytes> {
        let dialog = self.dialogs.get_mut(&number)?;
        let heard = dialog.sound.offered(response.body(), &self.habits).map(|_| ());
        let answer = dialog.sound.answer();
        let ack = match late {
            Late::Answers => {
                dialog.sound.tune(now);
                Some(answer)
            }
            Late::Nothing => None,
            Late::Nonsense => Some(Bytes::from_static(b"v=0\r\nwhatever")),
        };
        self.note_described(number, heard);
        ack
    }
}

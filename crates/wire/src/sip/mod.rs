//! SIP messages (RFC 3261): bytes to types and back.
//!
//! [`Message::parse`] makes one pass over the bytes and keeps where everything is; typed fields are read when asked for and borrow
//! from the bytes. What has two readings is refused, because this exchange routes and bills by what it reads. What phones get
//! wrong without ambiguity is accepted; each such place says so. Transactions, dialogs and transports are not here.

mod addr;
mod causes;
mod compare;
mod error;
mod frame;
mod host;
pub mod limits;
mod message;
mod method;
mod name;
mod options;
mod params;
mod reason;
mod refer;
mod reliable;
mod replaces;
mod reply;
mod scan;
mod subscribe;
mod text;
mod timer;
mod uri;
mod via;
mod write;

pub use addr::NameAddr;
pub use causes::Reason;
pub use error::{FieldError, Malformed, MalformedKind};
pub use frame::{Frame, FrameError, StreamFramer};
pub use host::Host;
pub use message::{CSeq, Contacts, Header, Message, seconds};
pub use method::Method;
pub use name::{Multiplicity, Name};
pub use params::{Param, Params, value_and_params};
pub use reason::reason_phrase;
pub use refer::ReferTo;
pub use reliable::RAck;
pub use replaces::Replaces;
pub use reply::bad_request;
pub use subscribe::{Event, SubscriptionPhase, SubscriptionState};
pub use text::{Values, percent_decode, quote, trim, unescape};
pub use timer::{LEAST_SESSION_EXPIRES, Refresher, SessionExpires};
pub use uri::{SipUri, Uri};
pub use via::{MAGIC_COOKIE, Via};
pub use write::Writer;

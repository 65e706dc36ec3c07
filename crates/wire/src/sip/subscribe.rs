//! Event and Subscription-State (RFC 6665 section 8.2). What packages there are is not for here to say.

use super::error::FieldError;
use super::message::{Message, seconds};
use super::name::Name;
use super::params::{Params, value_and_params};
use super::text::is_token;

/// The Event field.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The package with its templates (`dialog`, `presence.winfo`), as written; compared by bytes.
    pub package: &'a [u8],
    /// What tells subscriptions of one dialog and package apart.
    pub id: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads one whole value: `dialog;id=7`.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (package, params) = value_and_params(value)?;
        if package.is_empty() || !package.iter().all(|b| is_token(*b)) {
            return Err(FieldError::Syntax);
        }
        Ok(Self { package, id: params.value("id"), params })
    }

    /// Whether both name the same subscription: package and id, by bytes (RFC 6665 section 8.2.1).
    pub fn matches(&self, other: &Event<'_>) -> bool {
        self.package == other.package && self.id == other.id
    }
}

/// The state of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionPhase {
    /// Accepted and authorised.
    Active,
    /// Not decided yet.
    Pending,
    /// Over.
    Terminated,
    /// One that an extension defined.
    Other,
}

/// The Subscription-State field.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionState<'a> {
    /// The state.
    pub phase: SubscriptionPhase,
    /// Seconds left, if it says so.
    pub expires: Option<u32>,
    /// Why it is over, as written: `timeout`, `noresource`, `deactivated` ...
    pub reason: Option<&'a [u8]>,
    /// After how many seconds a new subscription is welcome.
    pub retry_after: Option<u32>,
}

impl<'a> SubscriptionState<'a> {
    /// Reads one whole value: `active;expires=600`.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (word, params) = value_and_params(value)?;
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let phase = match () {
            () if is("active") => SubscriptionPhase::Active,
            () if is("pending") => SubscriptionPhase::Pending,
            () if is("terminated") => SubscriptionPhase::Terminated,
            () if !word.is_empty() && word.iter().all(|b| is_token(*b)) => SubscriptionPhase::Other,
            () => return Err(FieldError::Syntax),
        };
        let number = |name| params.value(name).map(seconds).transpose();
        Ok(Self {
            phase,
            expires: number("expires")?,
            reason: params.value("reason"),
            retry_after: number("retry-after")?,
        })
    }
}

impl Message {
    /// The event package of a SUBSCRIBE, NOTIFY or PUBLISH.
    pub fn event(&self) -> Result<Event<'_>, FieldError> {
        Event::parse(self.first(Name::Event).ok_or(FieldError::Missing)?)
    }

    /// The subscription's state as a NOTIFY says it.
    pub fn subscription_state(&self) -> Result<SubscriptionState<'_>, FieldError> {
        SubscriptionState::parse(self.first(Name::SubscriptionState).ok_or(FieldError::Missing)?)
    }
}

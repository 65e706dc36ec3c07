//! What the views are sent as.

use crate::objects::body::Pending;
use model::Wall;
use model::record::CallRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of `GET dial-plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DialPlanRow {
    /// What is dialled.
    pub number: String,
    /// What answers.
    pub kind: DialPlanKind,
    /// What it is called.
    pub name: String,
    /// Where the call goes, in words.
    pub target: String,
}

/// What a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DialPlanKind {
    /// Somebody's phones.
    Extension,
    /// A service of the PBX.
    Service,
}

/// `GET firewall` (SPEC R4.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Firewall {
    /// A row for each service.
    pub rows: Vec<FirewallRow>,
    /// The change that waits for its confirmation.
    #[schema(required)]
    pub pending: Option<Pending>,
}

/// Who reaches a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirewallRow {
    /// The service in words.
    pub service: String,
    /// Its key in section `firewall`.
    pub key: String,
    /// The address group that reaches it; `None`: whoever is not blocked.
    #[schema(required)]
    pub group: Option<String>,
    /// Who should reach it.
    pub recommendation: String,
    /// What the row means as it is.
    pub text: String,
}

/// `GET history/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallStory {
    /// The record.
    pub record: CallRecord,
    /// What happened, in order.
    pub story: Vec<StoryStep>,
}

/// A step of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoryStep {
    /// When.
    pub time: Wall,
    /// What, as a sentence.
    pub text: String,
}

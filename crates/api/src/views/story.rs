//! A call record in sentences.

use model::Wall;
use model::record::{CallRecord, CallResult};

use super::body::StoryStep;

/// What the record says happened, in order.
pub(super) fn story(record: &CallRecord) -> Vec<StoryStep> {
    let CallRecord { from, to, started, answered, ended, reason, route, .. } = record;
    let step = |time: Wall, text: String| StoryStep { time, text };
    let mut steps = vec![step(*started, format!("{from} called {to}."))];
    if route.contains('>') {
        steps.push(step(*started, format!("The call went by {}.", route.replace(" > ", ", then "))));
    }
    if let Some(answered) = answered {
        steps.push(step(*answered, format!("It was answered after {}.", between(*started, *answered))));
    }
    let Some(ended) = ended else {
        return steps;
    };
    let end = match record.result {
        Some(CallResult::Answered) => {
            format!("They were connected for {}", between(answered.unwrap_or(*started), *ended))
        }
        Some(CallResult::Busy) => "It found the line busy".to_owned(),
        Some(CallResult::NoAnswer) => "Nobody answered".to_owned(),
        Some(CallResult::Cancelled) => "The caller hung up before an answer".to_owned(),
        Some(CallResult::Refused) => "The call was refused by a rule".to_owned(),
        Some(CallResult::Failed) => "The call failed".to_owned(),
        Some(CallResult::Blacklisted) => "The caller is on the blacklist".to_owned(),
        Some(CallResult::Locked) => "Outgoing calls were locked".to_owned(),
        None => "The call ended".to_owned(),
    };
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    steps.push(step(*ended, format!("{end}{why}.")));
    steps
}

fn between(from: Wall, to: Wall) -> String {
    let seconds = to.as_millis().saturating_sub(from.as_millis()).max(0) / 1_000;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    if minutes == 0 { format!("{rest} s") } else { format!("{minutes} min {rest} s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::record::Direction;
    use model::{CallId, Id};

    #[test]
    fn a_story_tells_who_called_how_it_went_and_why_it_ended() {
        let mut record = CallRecord {
            id: CallId(Id::from_bits(1)),
            from: "101".into(),
            to: "102".into(),
            direction: Direction::Internal,
            started: Wall::from_millis(10_000),
            answered: Some(Wall::from_millis(14_500)),
            ended: Some(Wall::from_millis(80_000)),
            duration_s: 65.5,
            result: Some(CallResult::Answered),
            reason: "hung up by 101".into(),
            route: "102 > 103".into(),
            quality: None,
        };
        let told = |record: &CallRecord| -> Vec<String> {
            story(record).into_iter().map(|step| step.text).collect()
        };
        assert_eq!(
            told(&record),
            [
                "101 called 102.",
                "The call went by 102, then 103.",
                "It was answered after 4 s.",
                "They were connected for 1 min 5 s: hung up by 101."
            ]
        );
        record.answered = None;
        record.result = Some(CallResult::Busy);
        record.reason = "declined by 102".into();
        record.route = String::new();
        assert_eq!(told(&record), ["101 called 102.", "It found the line busy: declined by 102."]);
        record.ended = None;
        assert_eq!(told(&record), ["101 called 102."]);
    }
}

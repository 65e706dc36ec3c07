//! What goes first, what finds no room, and what has waited too long.

use super::*;

fn message(start: &str, to: &str, method: &str, more: &str) -> Message {
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: {to}\r\n\
         Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
    );
    Message::parse(text.into_bytes().into()).unwrap()
}

#[test]
fn what_belongs_to_a_call_goes_before_credentials_and_these_before_strangers() {
    let digest = "Authorization: Digest username=\"a\"\r\n";
    for (start, to, method, more, expected) in [
        ("INVITE sip:b@x SIP/2.0", "<sip:b@x>", "INVITE", "", Urgency::Unknown),
        ("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", "", Urgency::Unknown),
        ("INVITE sip:b@x SIP/2.0", "<sip:b@x>", "INVITE", digest, Urgency::Credentialed),
        ("INVITE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "INVITE", "", Urgency::InProgress),
        ("BYE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "BYE", "", Urgency::InProgress),
        ("CANCEL sip:b@x SIP/2.0", "<sip:b@x>", "CANCEL", "", Urgency::InProgress),
        ("SIP/2.0 200 OK", "<sip:b@x>;tag=2", "INVITE", "", Urgency::InProgress),
    ] {
        assert_eq!(Urgency::of(&message(start, to, method, more)), expected, "{start} {to}");
    }
}

#[test]
fn what_strangers_forge_crowds_out_no_call_in_progress_and_no_phone_that_comes_back() {
    let (inbox, tray) = inbox();
    let phone = Flow { remote: "192.0.2.7:5060".parse().unwrap(), ..flow() };
    inbox.vouch(phone.remote.ip());
    let comes = |flow: Flow, message: &Message| {
        matches!(inbox.deliver(Arrival::new(flow, message.clone(), Mono::ZERO)), Delivery::Queued)
    };
    let bye = message("BYE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "BYE", "");
    let answer = message("SIP/2.0 200 OK", "<sip:b@x>;tag=2", "INVITE", "");
    for forged in [&bye, &answer].iter().cycle().take(MAX_IN_PROGRESS) {
        comes(flow(), forged);
    }
    assert_eq!((tray.in_progress.len(), tray.unknown.receiver.len()), (0, MAX_FRESH));
    assert!(comes(phone, &bye) && tray.in_progress.len() == 1);
    let digest = "Authorization: Digest username=\"a\"\r\n";
    let signed = message("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", digest);
    while comes(flow(), &signed) {}
    assert_eq!(tray.credentialed.len(), MAX_CREDENTIALED_OF_STRANGERS);
    assert!(comes(phone, &signed));
}

#[test]
fn in_a_crowd_few_new_requests_wait_and_calls_in_progress_as_ever() {
    let (inbox, tray) = inbox();
    inbox.vouch(flow().remote.ip());
    let new = message("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", "");
    let bye = message("BYE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "BYE", "");
    let comes = |message: &Message, at| {
        matches!(inbox.deliver(Arrival::new(flow(), message.clone(), at)), Delivery::Queued)
    };
    let at = |wait: Duration| Mono::ZERO + wait;
    assert!((0..MAX_FRESH).all(|_| comes(&new, Mono::ZERO)), "an office comes back at once");
    assert!(!comes(&new, Mono::ZERO));
    let first = tray.familiar.receiver.try_recv().unwrap();
    assert!(!tray.familiar.is_stale(&first, at(STALE)) && comes(&new, at(STALE)), "it just fits");
    drop(tray.familiar.receiver.try_recv());
    let late = at(STALE + Duration::from_nanos(1));
    assert!(tray.familiar.is_stale(&first, late));
    assert!(!comes(&new, late), "whoever comes now would wait in vain");
    assert!(comes(&bye, late));
    while tray.familiar.receiver.len() >= MAX_FRESH_IN_A_CROWD {
        drop(tray.familiar.receiver.try_recv());
    }
    assert!(comes(&new, late) && !comes(&new, late));
    let over = late + CROWD_LASTS;
    assert!(!comes(&new, at(CROWD_LASTS)) && comes(&new, over) && comes(&new, over));
    assert_eq!(inbox.shed(), Counts { familiar: 4, ..Counts::default() });
}

#[test]
fn what_waited_because_nobody_looked_is_served_unless_too_much_waits_behind_it() {
    let new = message("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", "");
    let late = Mono::ZERO + STALE + Duration::from_secs(1);
    for (wait, stale) in [(1, 0), (200, 0), (BACKLOG, 0), (BACKLOG + 1, BACKLOG + 1), (MAX_FRESH, MAX_FRESH)]
    {
        let (inbox, tray) = inbox();
        for _ in 0..wait {
            assert!(matches!(inbox.deliver(Arrival::new(flow(), new.clone(), Mono::ZERO)), Delivery::Queued));
        }
        let waiting = std::iter::from_fn(|| tray.unknown.receiver.try_recv().ok());
        let refused = waiting.filter(|arrival| tray.unknown.is_stale(arrival, late)).count();
        assert_eq!(refused, stale, "{wait} wait");
    }
}

#[test]
fn a_flood_of_strangers_keeps_no_known_phone_waiting() {
    let (inbox, tray) = inbox();
    let phone = Flow { remote: "192.0.2.7:5060".parse().unwrap(), ..flow() };
    inbox.vouch(phone.remote.ip());
    let new = message("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", "");
    let comes =
        |flow: Flow| matches!(inbox.deliver(Arrival::new(flow, new.clone(), Mono::ZERO)), Delivery::Queued);
    while comes(flow()) {}
    let closed = |flow: Flow| inbox.is_closed_to(flow.remote.ip(), Mono::ZERO);
    assert!(closed(flow()) && !closed(phone) && comes(phone));
    assert_eq!((tray.unknown.receiver.len(), tray.familiar.receiver.len()), (MAX_FRESH, 1));
    assert_eq!(inbox.shed(), Counts { unknown: 1, ..Counts::default() });
}

fn flow() -> Flow {
    Flow {
        id: FlowId(1),
        transport: model::Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: "127.0.0.1:5070".parse().unwrap(),
    }
}

#[test]
fn a_queue_of_the_largest_messages_is_full_long_before_its_number_is_reached() {
    let (inbox, tray) = inbox();
    let flow = flow();
    inbox.vouch(flow.remote.ip());
    let padding = format!("Subject: {}\r\n", "x".repeat(8_000)).repeat(7);
    let large = message("BYE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "BYE", &padding);
    let send = |message: &Message| inbox.deliver(Arrival::new(flow, message.clone(), Mono::ZERO));
    let most = MAX_IN_PROGRESS * BYTES_EACH / large.bytes().len();
    for _ in 0..most {
        assert!(matches!(send(&large), Delivery::Queued));
    }
    assert!(matches!(send(&large), Delivery::Shed(_)));
    let new = message("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", "");
    assert!(matches!(send(&new), Delivery::Queued), "its queue is another");
    drop(tray.in_progress.try_recv().unwrap());
    assert!(matches!(send(&large), Delivery::Queued));
    while tray.in_progress.try_recv().is_ok() {}
    assert_eq!(inbox.in_progress.taken.load(Ordering::Relaxed), 0);
}

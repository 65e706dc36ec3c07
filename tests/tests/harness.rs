//! The drivers of phones, proved against Kamailio: when a test of the server and one of these fail together, the driver
//! is at fault.

use blackbox::link::Doubling;
use blackbox::sipp::COMPLETED_ELSEWHERE;
use blackbox::{Baresip, Kamailio, Namespaces, RawPhone, Sipp, probe, sipp};

#[test]
fn a_tone_passes_between_two_baresips_and_keys_arrive() {
    let proxy = Kamailio::start(&["101", "102"]);
    for transport in ["udp", "tcp"] {
        let start = |number, tone| {
            let phone = Baresip::phone(number, proxy.sip).playing(tone);
            if transport == "tcp" { phone.over_tcp().start() } else { phone.start() }
        };
        let (mut one, other) = (start("101", 1000), start("102", 1600));
        one.call("102");
        one.expect_tone(1600);
        other.expect_tone(1000);
        let (at_one, at_other) = (one.ear(), other.ear());
        one.hold();
        at_one.expect_silence();
        one.resume();
        at_one.expect_tone(1600);
        at_other.expect_tone(1000);
        one.press("5");
        other.expect_keys("5");
        one.hang_up();
        other.expect_event("CALL_CLOSED");
    }
}

#[test]
fn sipp_calls_are_answered_refused_cancelled_and_held() {
    let pairs = [
        ("caller", "callee"),
        ("caller_is_refused", "callee_refuses"),
        ("caller_gives_up", "callee_is_cancelled"),
        ("caller_holds", "callee_is_held"),
        ("caller_is_hung_up_on", "callee_hangs_up"),
        ("caller", "callee_takes_what_comes"),
        ("caller_gives_up", "callee_takes_what_comes"),
        ("caller_updates", "callee_is_updated"),
        ("caller_offers_late", "callee"),
        ("caller_hears_early", "callee_has_early_media"),
    ];
    let numbers: Vec<_> = (0..=pairs.len()).map(|n| (100 + n).to_string()).collect();
    let proxy = Kamailio::start(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
    for ((calling, called), number) in pairs.into_iter().zip(&numbers[1..]) {
        let ring = if calling == "caller_gives_up" { "2000" } else { "100" };
        let callee = sipp::phone(called, number, proxy.sip).with("RING_MS", ring).start().listening();
        Sipp::new(calling, proxy.sip).row("100", number).run();
        callee.succeed();
    }
}

#[test]
fn sipp_survives_lost_messages() {
    let proxy = Kamailio::start(&["101", "102"]);
    let callee = sipp::phone("callee", "102", proxy.sip).calls(20).start().listening();
    let lossy =
        Sipp::new("caller", proxy.sip).row("101", "102").calls(20).rate(10, 20).with("HOLD_MS", "4000");
    lossy.arguments(&["-lost", "8"]).run();
    callee.succeed();
}

#[test]
fn sipp_survives_doubled_messages() {
    let proxy = Kamailio::start(&["101", "102"]);
    let callee = sipp::phone("callee", "102", proxy.sip).calls(20).start().listening();
    let link = Doubling::to(proxy.sip);
    let caller = Sipp::new("caller", proxy.sip).row("101", "102").calls(20).rate(10, 20);
    // SIPp itself takes some doubled answers for unexpected ones; what it must do is end every call by the script.
    caller.arguments(&["-rsa", &link.near.to_string(), "-default_behaviors", "all,-abortunexp"]).run();
    callee.succeed();
    assert!(link.carried() >= 20 * 8, "{} datagrams took the bad cable", link.carried());
}

#[test]
fn probes_get_answers_and_a_wrong_password_does_not_register() {
    let proxy = Kamailio::start(&["101"]);
    let (code, text) = probe::sipsak("101", proxy.sip);
    assert_eq!(code, 0, "{text}");
    assert!(probe::svmap(proxy.sip).contains(&proxy.sip.to_string()));
    let mut phone = RawPhone::new("101", proxy.sip);
    assert_eq!(phone.register(60).status(), 200);
    let request = blackbox::raw::registration("101", proxy.sip, 60);
    assert_eq!(phone.ask_as(&request, "101", "wrong").status(), 401);
}

#[test]
fn a_router_hides_the_phone_behind_its_own_address() {
    let world = Namespaces::new(&["lan", "nat", "pub"]);
    world.cable(("lan", "10.77.0.2/24"), ("nat", "10.77.0.1/24"));
    world.cable(("nat", "203.0.113.1/24"), ("pub", "203.0.113.2/24"));
    world.default_route("lan", "10.77.0.1");
    world.masquerade("nat", "10.77.0.0/24");
    let listen = "import socket; s=socket.create_server((\"203.0.113.2\",7000)); print(\"up\",flush=True); print(s.accept()[1][0],flush=True)";
    let words = ["netns", "exec", world.name("pub"), "python3", "-c", listen];
    let mut listener = blackbox::Process::start("listener", "ip", words);
    listener.expect_output("up");
    let connection = blackbox::netns::connect(world.name("lan"), "203.0.113.2:7000".parse().unwrap());
    listener.expect_output("203.0.113.1");
    drop(connection);
}

#[test]
fn of_two_ringing_phones_the_slower_is_cancelled_as_completed_elsewhere() {
    let proxy = Kamailio::start(&["101", "102"]);
    let slow = sipp::phone("callee_is_cancelled", "102", proxy.sip)
        .with("MATCH", COMPLETED_ELSEWHERE)
        .start()
        .listening();
    let fast = sipp::phone("callee", "102", proxy.sip).start().listening();
    Sipp::new("caller", proxy.sip).row("101", "102").run();
    fast.succeed();
    slow.succeed();
}

//! Letters against a scripted mail server and an outbox in memory. Real servers meet the real binary in tests/tests/mail.rs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::event::Event;
use model::{Entropy, Id, IdMint, Wall};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::*;

/// What a scripted server answers to the end of DATA, and otherwise.
#[derive(Clone, Debug, Default)]
struct Script {
    /// For each conversation; when they are used up, all goes well.
    conversations: VecDeque<Conversation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversation {
    /// RCPT is answered so.
    Recipient(&'static str),
    /// The connection closes after the greeting.
    Closes,
    /// Nothing is ever said.
    Hangs,
    /// Takes the letter, and closes instead of saying so.
    TakesAndCloses,
    /// No extension is offered.
    OffersNothing,
}

struct Server {
    port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<Script>>,
}

impl Server {
    async fn start(conversations: &[Conversation]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script { conversations: conversations.iter().copied().collect() }));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let server = Server { port, taken: taken.clone(), script: script.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let conversation = script.lock().unwrap().conversations.pop_front();
                tokio::spawn(speak(stream, conversation, taken.clone()));
            }
        });
        server
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn used_up(&self) -> bool {
        self.script.lock().unwrap().conversations.is_empty()
    }
}

async fn speak(stream: tokio::net::TcpStream, how: Option<Conversation>, taken: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    if how == Some(Conversation::Hangs) {
        std::future::pending::<()>().await;
    }
    let _ = stream.write_all(b"220 test\r\n").await;
    if how == Some(Conversation::Closes) {
        return;
    }
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let command = line.get(..4).unwrap_or("").to_ascii_uppercase();
        let answer = match (command.as_str(), how) {
            ("EHLO", Some(Conversation::OffersNothing)) => "250 test\r\n",
            ("EHLO", _) => "250-test\r\n250 STARTTLS\r\n",
            ("RCPT", Some(Conversation::Recipient(answer))) => answer,
            ("DATA", _) => {
                let _ = stream.write_all(b"354 go on\r\n").await;
                let mut letter = String::new();
                while !letter.ends_with("\r\n.\r\n") && stream.read_line(&mut letter).await.unwrap_or(0) > 0 {
                }
                taken.lock().unwrap().push(letter);
                if how == Some(Conversation::TakesAndCloses) {
                    return;
                }
                "250 taken\r\n"
            }
            ("QUIT", _) => "221 bye\r\n",
            _ => "250 fine\r\n",
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

/// An outbox in memory, shared so that a second pair of tasks can be started over it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    letters: Vec<(Letter, Option<(u32, Wall)>)>,
    held: Vec<Held>,
}

impl Outbox for Memory {
    async fn written_within(&self, since: Wall, until: Wall) -> Result<u32, String> {
        let kept = self.0.lock().unwrap();
        let within = |written: Wall| written > since && written <= until;
        Ok(kept.letters.iter().filter(|(letter, _)| within(letter.written)).count() as u32)
    }

    async fn waiting(&self) -> Result<u32, String> {
        Ok(self.0.lock().unwrap().letters.iter().filter(|(_, state)| state.is_some()).count() as u32)
    }

    async fn keep(&self, letter: &Letter) -> Result<(), String> {
        self.0.lock().unwrap().letters.push((letter.clone(), Some((0, letter.written))));
        Ok(())
    }

    async fn hold(&self, held: &Held, most: u32) -> Result<(), String> {
        let list = &mut self.0.lock().unwrap().held;
        if list.len() < most as usize {
            list.push(held.clone());
        } else if let Some(last) = list.last_mut() {
            last.count += 1;
        }
        Ok(())
    }

    async fn held(&self) -> Result<Vec<Held>, String> {
        Ok(self.0.lock().unwrap().held.clone())
    }

    async fn fold(&self, digests: &[Letter]) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap();
        kept.held.clear();
        kept.letters.extend(digests.iter().map(|letter| (letter.clone(), Some((0, letter.written)))));
        Ok(())
    }

    async fn next(&self) -> Result<Option<(Wall, Waiting)>, String> {
        let kept = self.0.lock().unwrap();
        let waiting = kept.letters.iter().filter_map(|(letter, state)| state.map(|state| (letter, state)));
        let first = waiting.min_by_key(|(_, (_, due))| *due);
        Ok(first.map(|(letter, (tries, due))| (due, Waiting { letter: letter.clone(), tries })))
    }

    async fn put_off(&self, letter: Id, tries: u32, until: Wall) -> Result<(), String> {
        for (kept, state) in &mut self.0.lock().unwrap().letters {
            if kept.id == letter {
                *state = Some((tries, until));
            }
        }
        Ok(())
    }

    async fn gone(&self, letter: Id) -> Result<(), String> {
        for (kept, state) in &mut self.0.lock().unwrap().letters {
            if kept.id == letter {
                *state = None;
            }
        }
        Ok(())
    }
}

fn wall() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Wall::from_millis(since.as_millis() as i64)
}

fn account(port: u16) -> Account {
    Account {
        host: "127.0.0.1".into(),
        port,
        security: Security::None,
        login: None,
        from: "pbx@office.test".into(),
        office: "Office".into(),
        retry: Duration::from_millis(20),
        timeout: Duration::from_millis(300),
        digest: Duration::from_secs(2),
    }
}

struct Post {
    slot: Slot,
    outbox: Memory,
    events: Arc<Mutex<Vec<Event>>>,
    account: watch::Sender<Option<Arc<Account>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Post {
    fn open(account: Account, outbox: Memory) -> Post {
        let (account, receiver) = watch::channel(Some(Arc::new(account)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = events.clone();
        let supplies = Supplies {
            outbox: outbox.clone(),
            account: receiver,
            mint: IdMint::new(1, &mut Entropy::from_seed([3; 32])),
            clock: wall,
            log: Arc::new(move |event| log.lock().unwrap().push(event)),
        };
        let (slot, task) = start(supplies);
        Post { slot, outbox, events, account, task }
    }

    fn count(&self, kind: &model::event::Kind) -> usize {
        self.events.lock().unwrap().iter().filter(|event| event.kind == kind).count()
    }
}

fn warning(address: &str) -> Warning {
    Warning {
        to: "it@office.test".into(),
        at: wall(),
        address: address.into(),
        refused: Refused::Address,
        services: vec!["sip".into()],
        accounts: vec!["101".into(), "admin".into()],
        accounts_tried: 7,
        agents: vec!["friendly-scanner".into()],
        failures: 5,
        first: Some(wall()),
        last: Some(wall()),
        until: Some(wall()),
        sentence: "5 wrong passwords came from there.".into(),
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(tokio::time::Instant::now() < deadline, "{what} never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn header<'a>(letter: &'a str, name: &str) -> &'a str {
    letter.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim()
}

#[tokio::test]
async fn a_warning_names_address_accounts_count_end_and_what_to_do() {
    let server = Server::start(&[]).await;
    let post = Post::open(account(server.port), Memory::default());
    post.slot.put(warning("203.0.113.9"));
    until("the letter", || server.taken().len() == 1).await;
    let letter = server.taken().remove(0);
    assert_eq!(header(&letter, "Subject:"), "[Office] 203.0.113.9 is blocked");
    assert_eq!(header(&letter, "Auto-Submitted:"), "auto-generated");
    assert!(header(&letter, "Message-ID:").ends_with("@office.test>"), "{letter}");
    for part in [
        "101, admin and 5 more",
        "Failures  5, from",
        "Ends  ",
        "friendly-scanner",
        "ringwall unblock 203.0.113.9",
    ] {
        assert!(letter.contains(part), "{part}\n{letter}");
    }
    until("its end", || post.count(&model::event::MAIL_SENT) == 1).await;
}

#[tokio::test]
async fn ten_letters_go_out_and_then_one_digest_counts_the_rest() {
    let server = Server::start(&[]).await;
    let post = Post::open(account(server.port), Memory::default());
    for n in 0..250 {
        post.slot.put(warning(&format!("203.0.113.{n}")));
    }
    until("the digest", || server.taken().iter().any(|letter| letter.contains("more blocks since"))).await;
    let letters = server.taken();
    assert_eq!(letters.len(), 11, "{letters:#?}");
    let digest = &letters[10];
    assert!(header(digest, "Subject:").contains("240 more blocks"), "{digest}");
    assert!(
        digest.contains("203.0.113.10:") && digest.contains("and 40 more that are not named here"),
        "{digest}"
    );
    // The next one has room again.
    post.slot.put(warning("203.0.113.251"));
    until("the next letter", || server.taken().len() == 12).await;
}

#[tokio::test]
async fn what_is_held_is_told_after_a_restart() {
    let server = Server::start(&[]).await;
    let outbox = Memory::default();
    let mut slow = account(server.port);
    slow.digest = Duration::from_secs(3_600);
    let post = Post::open(slow, outbox.clone());
    for n in 0..12 {
        post.slot.put(warning(&format!("203.0.113.{n}")));
    }
    until("ten letters and two held", || {
        server.taken().len() == 10 && outbox.0.lock().unwrap().held.len() == 2
    })
    .await;
    drop(post.slot);
    post.task.await.unwrap();
    let _post = Post::open(account(server.port), outbox);
    until("the digest", || server.taken().len() == 11).await;
    assert!(header(&server.taken()[10], "Subject:").contains("2 more blocks"));
}

#[tokio::test]
async fn letters_of_before_the_clock_was_set_back_hold_none_of_todays_back() {
    let server = Server::start(&[]).await;
    let outbox = Memory::default();
    let mut slow = account(server.port);
    slow.digest = Duration::from_secs(3_600);
    let post = Post::open(slow, outbox.clone());
    for n in 0..10 {
        post.slot.put(warning(&format!("203.0.113.{n}")));
    }
    until("ten letters", || server.taken().len() == 10).await;
    for (letter, _) in &mut outbox.0.lock().unwrap().letters {
        letter.written = letter.written.after(Duration::from_secs(86_400));
    }
    post.slot.put(warning("203.0.113.251"));
    until("the next letter", || server.taken().len() == 11).await;
    assert!(outbox.0.lock().unwrap().held.is_empty());
}

#[tokio::test]
async fn a_server_that_closes_hangs_or_puts_off_gets_each_letter_once_in_the_end() {
    use Conversation::{Closes, Hangs, Recipient};
    let script = [Closes, Hangs, Recipient("451 later\r\n"), Recipient("421 too many\r\n"), Closes];
    let server = Server::start(&script).await;
    let post = Post::open(account(server.port), Memory::default());
    for n in 0..3 {
        post.slot.put(warning(&format!("203.0.113.{n}")));
    }
    until("three letters", || server.taken().len() == 3 && server.used_up()).await;
    until("their end", || post.count(&model::event::MAIL_SENT) == 3).await;
    assert_eq!(post.count(&model::event::MAIL_DELAYED), 5);
    let mut ids: Vec<_> = server.taken().iter().map(|l| header(l, "Message-ID:").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_letter_that_is_refused_is_given_up_and_the_others_go() {
    let server = Server::start(&[Conversation::Recipient("550 no such user\r\n")]).await;
    let post = Post::open(account(server.port), Memory::default());
    post.slot.put(warning("203.0.113.1"));
    post.slot.put(warning("203.0.113.2"));
    until("the second", || server.taken().len() == 1).await;
    assert!(server.taken()[0].contains("203.0.113.2 is blocked"));
    assert_eq!(post.count(&model::event::MAIL_REFUSED), 1);
}

#[tokio::test]
async fn a_letter_whose_receipt_was_lost_goes_again_under_the_same_name() {
    let server = Server::start(&[Conversation::TakesAndCloses]).await;
    let post = Post::open(account(server.port), Memory::default());
    post.slot.put(warning("203.0.113.1"));
    until("both copies", || server.taken().len() == 2).await;
    let letters = server.taken();
    assert_eq!(letters[0], letters[1]);
    until("its end", || post.count(&model::event::MAIL_SENT) == 1).await;
}

#[tokio::test]
async fn nothing_said_in_clear_is_left_over_when_tls_begins() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    let mut server = accepted.unwrap().0;
    server.write_all(b"220 go\r\n250-slipped in\r\n").await.unwrap();
    let client = client.unwrap();
    // Both lines are there to be read.
    let mut peeked = [0; 64];
    while client.peek(&mut peeked).await.unwrap() < 24 {}
    let mut reader = BufReader::new(stream::Plain::new(client));
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    assert_eq!((line.as_str(), reader.buffer()), ("220 go\r\n", &[][..]));
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_letter_nor_password() {
    let server = Server::start(&[Conversation::OffersNothing]).await;
    let mut account = account(server.port);
    account.security = Security::StartTls;
    account.retry = Duration::from_secs(3_600);
    account.login = Some(("pbx".into(), model::Secret::new("mail-secret".into())));
    let post = Post::open(account, Memory::default());
    post.slot.put(warning("203.0.113.1"));
    until("a failure", || post.count(&model::event::MAIL_DELAYED) == 1).await;
    let why = post.events.lock().unwrap()[0].line();
    assert!(why.contains("does not offer STARTTLS") && server.taken().is_empty(), "{why}");
}

#[tokio::test]
async fn names_break_neither_headers_nor_lines_of_a_letter() {
    let server = Server::start(&[]).await;
    let post = Post::open(account(server.port), Memory::default());
    let hostile = "x\r\nBcc: all@victim.test\r\n\r\n.\r\nQUIT\u{202e}\u{1b}[2J";
    let mut bad = warning(hostile);
    bad.refused = Refused::Account(hostile.into());
    bad.accounts = vec![hostile.into()];
    bad.agents = vec![hostile.into(), "<script>".into()];
    bad.sentence = format!("5 wrong passwords for {hostile}.");
    post.slot.put(bad);
    until("the letter", || server.taken().len() == 1).await;
    let letter = server.taken().remove(0);
    assert!(!letter.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("QUIT")), "{letter}");
    assert!(!letter.contains('\u{1b}') && !letter.contains('\u{202e}'), "{letter}");
    assert!(letter.ends_with("\r\n.\r\n"));
}

#[tokio::test]
async fn a_change_of_the_account_is_taken_up_at_once() {
    let server = Server::start(&[]).await;
    let mut wrong = account(1);
    wrong.retry = Duration::from_secs(3_600);
    let post = Post::open(wrong, Memory::default());
    post.slot.put(warning("203.0.113.1"));
    until("a failure", || post.count(&model::event::MAIL_DELAYED) == 1).await;
    post.account.send_replace(Some(Arc::new(account(server.port))));
    until("the letter", || server.taken().len() == 1).await;
    // The server has it before we know that it does.
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while post.outbox.waiting().await != Ok(0) {
        assert!(tokio::time::Instant::now() < end, "the letter still waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_trial_answers_with_what_the_server_says_and_goes_out_once() {
    let refusal = Conversation::Recipient("550 5.1.1 nobody of that name\r\n");
    let server = Server::start(&[refusal, Conversation::Hangs]).await;
    let id = IdMint::new(1, &mut Entropy::from_seed([5; 32])).mint(wall());
    let account = account(server.port);
    let refused = try_out(&account, id, "it@office.test", wall()).await.unwrap_err();
    assert!(
        refused.contains("does not take the letter") && refused.contains("nobody of that name"),
        "{refused}"
    );
    let hung = try_out(&account, id, "it@office.test", wall()).await.unwrap_err();
    assert!(hung.contains("no answer within"), "{hung}");
    assert_eq!(server.taken().len(), 0);
    let said = try_out(&account, id, "it@office.test", wall()).await.unwrap();
    assert_eq!(said, "250 taken");
    let letter = server.taken().remove(0);
    assert_eq!((header(&letter, "To:"), header(&letter, "Subject:")), ("it@office.test", "[Office] Test"));
}

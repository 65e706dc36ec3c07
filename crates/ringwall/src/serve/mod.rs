//! The server: the order of its start, its signals, and the order of its end.

mod attacks;
mod blocks;
mod boot;
mod certificates;
mod check;
mod console;
mod desk;
mod drill;
mod effects;
mod firewall;
mod hosts;
mod letters;
mod lock;
mod logs;
mod mail;
mod names;
mod notes;
mod objects;
mod office;
mod overrides;
mod ports;
mod pulse;
mod registrations;
mod start_page;
mod stop;
mod time;
mod told;
mod troubles;
mod uploads;
mod views;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use guard::{Gate, Limits};
use model::{Entropy, Wall};
use net::{Clock, Control, ControlHandle, Door, Patience};
use store::{Opened, Settings, Store};
use tokio::sync::watch;

use self::boot::Boot;
use self::certificates::Certificates;
use self::console::Porter;
use self::desk::{Author, Desk};
use self::drill::{Drill, Marks};
use self::effects::Outside;
use self::hosts::Hosts;
use self::lock::Lock;
use self::mail::Mail;
use self::office::Reception;
use self::overrides::Overrides;
use self::pulse::Pulse;
use self::troubles::Troubles;
use crate::cli::Serve;
use crate::failure::{Failure, words};
use crate::folder;

/// This node's number, part of every id. One machine is node 1.
const NODE: u16 = 1;
/// Threads for sockets, HTTP and the store; deciding and moving packets have threads of their own.
const IO_THREADS: usize = 2;

/// Runs the server to its end.
///
/// # Errors
/// It can't start: one line that says what, where, and what to do.
pub fn run(data: Option<PathBuf>, options: Serve) -> Result<(), Failure> {
    let boot = Boot::read(options.config.as_deref())?;
    let data = folder::data_folder(data.or_else(|| boot.data.clone()))?;
    let overrides = Overrides::new(&options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(IO_THREADS)
        .thread_name("io")
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the server's threads can't start: {}", words(&error))))?;
    runtime.block_on(serve(&data, &boot, overrides, options.apply.as_deref()))
}

async fn serve(data: &Path, boot: &Boot, overrides: Overrides, apply: Option<&Path>) -> Result<(), Failure> {
    let mut signals = stop::Signals::listen()?;
    let settings = Settings { folder: data.to_owned(), echo: boot.echo() };
    let opened = Store::open(settings).await.map_err(Failure::failed)?;
    let store = opened.store.clone();
    let socket = folder::control_socket(data);
    let started = start(opened, &socket, overrides, apply).await;
    let server = match started {
        Ok(server) => server,
        Err(failure) => {
            store.close().await;
            // Only the server that holds the folder's lock comes here, so it is ours.
            let _ = std::fs::remove_file(&socket);
            return Err(failure);
        }
    };
    server.announce(data)?;
    server.run(&mut signals).await;
    let _ = std::fs::remove_file(&socket);
    Ok(())
}

/// A server that answers on every listener.
struct Server {
    store: Store,
    desk: Arc<Desk>,
    control: ControlHandle,
    control_thread: JoinHandle<()>,
    kernel: Arc<net::Offload>,
    outside: Arc<Outside>,
    mail: Mail,
    resources: tokio::task::JoinHandle<std::io::Result<()>>,
    stopping: watch::Sender<bool>,
}

async fn start(
    opened: Opened,
    socket: &Path,
    overrides: Overrides,
    apply: Option<&Path>,
) -> Result<Server, Failure> {
    let Opened { store, bindings, blocks, known, certificates: kept, hosts, lock, .. } = opened;
    let unix = net::bind::control_socket(socket)
        .map_err(|error| Failure::failed(format!("{}: {}", socket.display(), words(&error))))?;
    let mut entropy = seed()?;
    let clock = Clock::start();
    let gate = Gate::open();
    let blocks = blocks::restore(&blocks, &gate);
    let (post, mail) = Mail::start(&store, &mut entropy);
    let counter = post.counter();
    let pulse = Pulse::new();
    let troubles = Arc::<Troubles>::default();
    let marks: Arc<Marks> = Arc::default();
    let seen = (marks.clone(), pulse.clone(), troubles.clone());
    store.logs().watch(move |event| {
        seen.0.mark(event);
        seen.1.see(event);
        seen.2.see(event);
    });
    let outside: Arc<Outside> = Arc::new(Outside::new(&store, post, pulse.clone(), marks.clone()));
    let (inbox, tray) = net::inbox();
    let limits = Limits::default();
    let shown = net::tls::Shown::nothing().map_err(|error| {
        Failure::failed(format!("TLS cannot be set up: {error}; look whether the system gives random bytes"))
    })?;
    let patience = Patience::default();
    let kernel = net::Offload::start(clock, outside.clone())
        .map_err(|error| Failure::failed(format!("the server's threads can't start: {}", words(&error))))?;
    let kernel = Arc::new(kernel);
    blocks::mirror(&blocks, &kernel);
    let door =
        Door::new(gate.clone(), inbox.clone(), clock, outside.clone(), shown.clone(), limits, patience);
    let certificates = Certificates::restore(&store, &kept, shown, overrides.addresses())?;
    let bell = inbox.bell();
    let control = ControlHandle::new(inbox);

    let hosts = Arc::new(Hosts::restore(store.clone(), hosts));
    let desk = Desk::new(
        store.clone(),
        control.clone(),
        (door.clone(), kernel.clone()),
        overrides,
        certificates,
        hosts.clone(),
        entropy.fork(),
    );
    desk.first_administrator(boot::administrator_password()?).await?;
    desk.open(apply).await?;
    let office = store.office();
    let directory = desk.directory();
    let range = desk.media_range();
    net::raise_file_limit(usize::from(range.pairs()) * 2, limits.total).map_err(Failure::failed)?;

    let config = media::Config { dead_media: directory.times.dead_media, ..media::Config::default() };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failed = |error: std::io::Error| {
        Failure::failed(format!("the server's threads can't start: {}", words(&error)))
    };
    let unsent = &door.counters().media_unsent;
    let shards = net::media::Shards::start(cores, config, &gate, clock, &mut entropy, &bell, unsent)
        .map_err(failed)?;
    let setup = calls::Setup { node: NODE, shards: shards.count(), directory, entropy: entropy.fork() };
    let mut exchange = calls::Exchange::new(setup);
    let mut ports = net::media::BoundPorts::new(range, entropy.fork());
    let known = known.into_iter().map(|(source, seen)| {
        door.expect(source);
        guard::KnownSource { source: guard::Source::of(source), seen }
    });
    let restore = calls::Input::Command(calls::Command::RestoreKnown(known.collect()));
    exchange.handle(clock.now(), restore, &mut ports);
    let restored = bindings.into_iter().map(|binding| {
        door.expect(binding.source.ip());
        let flow = door.flows().restored(binding.transport, binding.local, binding.source);
        (binding, flow)
    });
    let restore = calls::Input::Command(calls::Command::Restore(restored.collect()));
    exchange.handle(clock.now(), restore, &mut ports);
    let restore = calls::Input::Command(calls::Command::RestoreBlocks(blocks));
    exchange.handle(clock.now(), restore, &mut ports);
    exchange.handle(clock.now(), calls::Input::Command(Lock::command(lock.as_ref())), &mut ports);
    let control_thread = Control {
        exchange,
        tray,
        door: door.clone(),
        ports,
        shards,
        effects: outside.clone(),
        clock,
        grace: net::Grace::default(),
        kernel: kernel.clone(),
    };
    let control_thread = control_thread.start().map_err(failed)?;

    let desk = Arc::new(desk);
    tokio::spawn(hosts.look_after(desk.clone()));
    tokio::spawn(time::watch(store.logs()));
    tokio::spawn(desk.clone().look_after_pending());
    let (stopping, stop) = watch::channel(false);
    let lock = Lock::new(store.clone(), control.clone(), lock);
    let visited = door.clone();
    let reception = Reception::new(
        store.clone(),
        desk.clone(),
        control.clone(),
        (door, kernel.clone()),
        gate,
        (
            lock,
            Drill::new(marks, desk.clone(), control.clone(), stop.clone()),
            letters::Writer::new(&mut entropy, counter),
        ),
        (pulse.clone(), troubles, stop.clone()),
    );
    let reception = Arc::new(reception);
    let looked_at = reception.clone();
    tokio::spawn(pulse.beat(move || {
        let reception = looked_at.clone();
        async move { reception.state().await }
    }));
    let porter = Porter::restore(store.clone(), desk.clone(), control.clone(), visited.clone()).await?;
    let porter = Arc::new(porter);
    if let Some(visits) = visited.visits() {
        tokio::spawn(console::receive(
            visits,
            api::Https::new(reception.clone(), porter.clone()),
            stop.clone(),
        ));
    }
    let resources = tokio::spawn(api::serve(unix, reception, porter, stop::told(stop)));
    store.logs().write(
        model::event::Event::new(&model::event::STARTED, Clock::wall())
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("revision", office.revision),
    );
    Ok(Server { store, desk, control, control_thread, kernel, outside, mail, resources, stopping })
}

/// A generator that nobody can predict.
fn seed() -> Result<Entropy, Failure> {
    let seed = vault::random_key().map_err(|_| {
        Failure::failed("the system gives no random bytes; is /dev/urandom or getrandom forbidden?")
    })?;
    Ok(Entropy::from_seed(*seed))
}

impl Server {
    /// Says that every listener answers.
    fn announce(&self, data: &Path) -> Result<(), Failure> {
        start_page::show(data, &self.store, &self.desk);
        let told = {
            use std::io::Write;
            let mut out = std::io::stdout().lock();
            out.write_all(b"ready\n").and_then(|()| out.flush())
        };
        if let Err(error) = told
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(Failure::failed(format!("standard output: {}", words(&error))));
        }
        // Not started by systemd: there is nobody to notify.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Ok(())
    }

    async fn run(self, signals: &mut stop::Signals) {
        signals.until_stop(&self.desk).await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        self.store.logs().write(model::event::Event::new(&model::event::STOPPING, Clock::wall()));
        stop::drain(&self.control, self.desk.directory().times.drain, signals).await;
        self.desk.close().await;
        self.control.order(net::Order::Stop);
        let thread = self.control_thread;
        // A thread that panicked has said so on stderr.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        let kernel = self.kernel;
        let _ = tokio::task::spawn_blocking(move || kernel.stop()).await;
        // Whoever follows a log is told that it ends; answers that are on their way are given first.
        let _ = self.stopping.send(true);
        let _ = tokio::time::timeout(stop::LAST_ANSWERS, self.resources).await;
        self.outside.close_post();
        self.mail.stop().await;
        self.store.close().await;
    }
}

/// The wall clock, for what is stored.
fn now() -> Wall {
    Clock::wall()
}

/// Who makes the changes of the start.
fn start_author() -> Author {
    api::Author(format!("{} (at start)", api::user_name(rustix::process::geteuid().as_raw())))
}

//! The netlink socket that owns the table: transactions and questions, each answered before the call returns, since the
//! kernel works on them in the caller's time.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname, recv, send, socket_with,
    sockopt,
};

use super::netlink::{Batch, Kind, Reply, attribute, attribute_u32, attribute_u64, question, replies};

/// Room for the largest transaction: all blocks and rows at once, some 60 bytes each; the kernel takes it only in one piece.
const SEND_ROOM: usize = 64 << 20;
/// Room for answers: a refusal holds the refused message, of which the first bytes are read.
const ANSWER: usize = 8_192;
/// Answers read to one message: as many as a transaction of one mistake can bring, and then some.
const MAX_ANSWERS: usize = 1_024;

/// Why the kernel did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// The process lacks CAP_NET_ADMIN in the namespace.
    #[error("needs CAP_NET_ADMIN; with systemd set AmbientCapabilities=CAP_NET_ADMIN")]
    NotPermitted,
    #[error(
        "this kernel has no nftables; load the module nf_tables, or build the kernel with CONFIG_NF_TABLES_INET"
    )]
    NoNftables,
    #[error(
        "the kernel lacks a part of nftables; load the modules nft_fib_inet, nft_reject_inet and nft_limit"
    )]
    NoModule,
    #[error("the kernel refused: {0}")]
    Kernel(#[from] Errno),
    #[error("the kernel gave no answer")]
    NoAnswer,
}

/// What is known of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The socket that owns it.
    pub owner: Option<u32>,
    /// Its number, never used twice.
    pub handle: u64,
    /// Chains and sets in it.
    pub holds: u32,
}

/// The socket.
pub(super) struct Socket {
    fd: OwnedFd,
    port: u32,
    sequence: u32,
    answer: Vec<u8>,
}

impl Socket {
    pub(super) fn open() -> Result<Socket, Refused> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(NETFILTER))
            .map_err(|_| Refused::NoNftables)?;
        bind(&fd, &SocketAddrNetlink::new(0, 0))?;
        let port = SocketAddrNetlink::try_from(getsockname(&fd)?)?.pid();
        // Fails without the permission that everything else needs too; the first question says so.
        let _ = sockopt::set_socket_send_buffer_size_force(&fd, SEND_ROOM);
        let mut socket = Socket { fd, port, sequence: 1, answer: vec![0; ANSWER] };
        match socket.generation() {
            // Nobody in the kernel answers for the subsystem.
            Err(Refused::Kernel(Errno::INVAL)) => Err(Refused::NoNftables),
            Err(other) => Err(other),
            Ok(_) => Ok(socket),
        }
    }

    /// The number by which the kernel knows this socket as an owner.
    pub(super) fn port(&self) -> u32 {
        self.port
    }

    /// An empty transaction.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.sequence)
    }

    /// The number of the last change of anything in nftables.
    pub(super) fn generation(&mut self) -> Result<u32, Refused> {
        const ID: u16 = 1;
        self.ask(Kind::AskGeneration, None, |attributes| attribute_u32(attributes, ID))
            .and_then(|found| found.flatten().ok_or(Refused::NoAnswer))
    }

    /// What is known of a table; `None`: there is none of this name.
    pub(super) fn table(&mut self, name: &str) -> Result<Option<Found>, Refused> {
        const USE: u16 = 3;
        const HANDLE: u16 = 4;
        const OWNER: u16 = 7;
        self.ask(Kind::AskTable, Some(name), |attributes| Found {
            owner: attribute(attributes, OWNER).and_then(|_| attribute_u32(attributes, OWNER)),
            handle: attribute_u64(attributes, HANDLE).unwrap_or_default(),
            holds: attribute_u32(attributes, USE).unwrap_or_default(),
        })
    }

    /// Has a transaction carried out, all of it or nothing.
    pub(super) fn commit(&mut self, batch: Batch) -> Result<(), Refused> {
        if batch.is_empty() {
            return Ok(());
        }
        let (bytes, acknowledged) = batch.finish();
        self.sequence = acknowledged.wrapping_add(2);
        self.send(&bytes)?;
        let mut done = Err(Refused::NoAnswer);
        self.answers(|reply| {
            if let Reply::Answer { sequence, error } = reply {
                if error != 0 {
                    // The first mistake is the cause; the rest follows from it.
                    if matches!(done, Ok(()) | Err(Refused::NoAnswer)) {
                        done = Err(refused(error));
                    }
                } else if sequence == acknowledged && matches!(done, Err(Refused::NoAnswer)) {
                    done = Ok(());
                }
            }
        })?;
        done
    }

    fn ask<T>(
        &mut self,
        kind: Kind,
        table: Option<&str>,
        read: impl Fn(&[u8]) -> T,
    ) -> Result<Option<T>, Refused> {
        const NAME: u16 = 1;
        let asked = self.sequence;
        self.sequence = asked.wrapping_add(1);
        let bytes = question(kind, asked, |attributes| {
            if let Some(name) = table {
                attributes.text(NAME, name);
            }
        });
        self.send(&bytes)?;
        let mut found = Err(Refused::NoAnswer);
        self.answers(|reply| match reply {
            Reply::Message { sequence, attributes, .. } if sequence == asked => {
                found = Ok(Some(read(attributes)));
            }
            Reply::Answer { sequence, error } if sequence == asked && error != 0 => {
                found = match error == Errno::NOENT.raw_os_error() {
                    true => Ok(None),
                    false => Err(refused(error)),
                };
            }
            _ => {}
        })?;
        found
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Refused> {
        let sent = send(&self.fd, bytes, SendFlags::empty())?;
        if sent == bytes.len() { Ok(()) } else { Err(Refused::NoAnswer) }
    }

    /// Reads what waits: the kernel has answered when the sending returns.
    fn answers(&mut self, mut take: impl FnMut(Reply<'_>)) -> Result<(), Refused> {
        for _ in 0..MAX_ANSWERS {
            match recv(&self.fd, &mut *self.answer, RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    replies(self.answer.get(..length).unwrap_or_default()).for_each(&mut take);
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn refused(error: i32) -> Refused {
    match Errno::from_raw_os_error(error) {
        Errno::PERM => Refused::NotPermitted,
        // An expression that nobody has registered.
        Errno::NOENT => Refused::NoModule,
        error => Refused::Kernel(error),
    }
}

//! A way between two TCP ends that can be broken in every manner.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What the way does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Carries,
    /// Everything arrives later by this much, in both directions.
    Slow(Duration),
    /// This many bytes each 100 ms.
    Trickles(usize),
    /// Whatever is sent is swallowed; connections are accepted and nobody says that anything is wrong.
    Swallows,
    /// Requests arrive; their answers do not: at the first byte of one, the connection is closed.
    DropsReplies,
    /// Connections are reset, those that stand and those that come.
    Resets,
}

/// The proxy; it ends with this value.
#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    way: Mutex<Way>,
    open: Mutex<Vec<[TcpStream; 2]>>,
    over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to,
            way: Mutex::new(Way::Carries),
            open: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for near in listener.incoming() {
                if own.over.load(SeqCst) {
                    return;
                }
                // Who cannot be connected is hung up on.
                let _ = near.and_then(|near| join(near, &own));
            }
        });
        Ok(Self { address, shared })
    }

    pub fn set(&self, way: Way) {
        let before = std::mem::replace(&mut *lock(&self.shared.way), way);
        // What hung before hangs no longer.
        if before == Way::Swallows || way == Way::Resets {
            self.reset();
        }
    }

    /// Resets every connection that stands.
    pub fn reset(&self) {
        for pair in lock(&self.shared.open).drain(..) {
            for end in pair {
                let _ = socket2::SockRef::from(&end).set_linger(Some(Duration::ZERO));
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        self.reset();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn join(near: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    if *lock(&shared.way) == Way::Resets {
        return socket2::SockRef::from(&near).set_linger(Some(Duration::ZERO));
    }
    let far = TcpStream::connect_timeout(&shared.to, Duration::from_secs(2))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let mut open = lock(&shared.open);
    open.retain(|pair| pair[0].peer_addr().is_ok());
    open.push([near.try_clone()?, far.try_clone()?]);
    drop(open);
    let (from_far, to_near) = (far.try_clone()?, near.try_clone()?);
    carry(near, far, Arc::clone(shared), false);
    carry(from_far, to_near, Arc::clone(shared), true);
    Ok(())
}

fn carry(mut from: TcpStream, mut to: TcpStream, shared: Arc<Shared>, replies: bool) {
    thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 || pass(&mut to, &buffer[..read], &shared, replies).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn pass(to: &mut TcpStream, bytes: &[u8], shared: &Shared, replies: bool) -> io::Result<()> {
    let way = *lock(&shared.way);
    match way {
        Way::DropsReplies if replies => Err(io::ErrorKind::ConnectionReset.into()),
        Way::Carries | Way::DropsReplies => to.write_all(bytes),
        Way::Slow(by) => {
            thread::sleep(by);
            to.write_all(bytes)
        }
        Way::Trickles(amount) => {
            for piece in bytes.chunks(amount.max(1)) {
                to.write_all(piece)?;
                if matches!(*lock(&shared.way), Way::Trickles(_)) {
                    thread::sleep(Duration::from_millis(100));
                }
            }
            Ok(())
        }
        Way::Swallows => Ok(()),
        Way::Resets => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

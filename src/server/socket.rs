//! The socket beside a file: one process holds the file, the others reach it there (`ARCHITECTURE.md`, the store's
//! contract).
//!
//! The holder, shell or server, listens on `FILE.sock`, which only the file's owner may open, and speaks the same
//! HTTP protocol. The file's lock says who holds it; a socket without a holder is a leftover, and replaced. A shell
//! that shares its file pays for a thread that sleeps: the asynchronous runtime is made when somebody connects.

use super::{Server, listen};
use crate::engine::{DatabaseFile, Engine, OpenError, Session, socket_path};
use crate::store::StoreError;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a holder may take to listen once it has the file.
const BEGINNING: Duration = Duration::from_secs(3);
/// How long a holder that leaves waits for the requests of others.
const FAREWELL: Duration = Duration::from_secs(10);

/// A socket that is bound and not yet served. Dropping it gives it up.
pub struct Bound {
    #[cfg(unix)]
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
    #[cfg(unix)]
    owner: u32,
    /// Device and number of the socket's file: another process may have put its own in the place.
    #[cfg(unix)]
    identity: (u64, u64),
}

/// Binds the socket of a file that this process holds.
#[cfg(unix)]
pub(super) fn bind(file: &Path) -> io::Result<Bound> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let path = socket_path(file);
    // Made under another name and moved there when only the owner may open it.
    let mut fresh = path.clone().into_os_string();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    let _ = std::fs::remove_file(&fresh);
    let listener = std::os::unix::net::UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    // Who made the socket is who runs this process.
    let metadata = std::fs::metadata(&fresh)?;
    std::fs::rename(&fresh, &path)?;
    Ok(Bound {
        listener,
        path,
        owner: metadata.uid(),
        identity: (metadata.dev(), metadata.ino()),
    })
}

/// Not here.
#[cfg(not(unix))]
pub(super) fn bind(file: &Path) -> io::Result<Bound> {
    let _ = socket_path(file);
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
impl Bound {
    /// For the runtime.
    pub(super) fn listener(&self) -> io::Result<tokio::net::UnixListener> {
        self.listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(self.listener.try_clone()?)
    }

    /// The user who may speak.
    pub(super) fn owner(&self) -> u32 {
        self.owner
    }

    /// Removes the socket's file, so that nobody connects any more.
    pub(super) fn unlink(&self) {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(&self.path).map(|found| (found.dev(), found.ino()));
        if found.is_ok_and(|found| found == self.identity) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
impl Drop for Bound {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// Lets other processes use a file as long as it lives. When it is dropped, requests that have come are answered first.
pub struct Sharing {
    stop: watch::Sender<bool>,
    /// Wakes the thread while it waits for a connection.
    #[cfg(unix)]
    wake: Option<std::os::unix::net::UnixStream>,
    /// Closed by the thread when it ends.
    ended: std::sync::mpsc::Receiver<()>,
}

/// Shares the file that an engine has open.
#[cfg(unix)]
pub fn share(engine: &Arc<Engine>, file: &Path) -> io::Result<Sharing> {
    let bound = bind(file)?;
    let (stop, stopping) = watch::channel(false);
    let (wake, woken) = std::os::unix::net::UnixStream::pair()?;
    let (ends, ended) = std::sync::mpsc::channel();
    let engine: Weak<Engine> = Arc::downgrade(engine);
    std::thread::Builder::new()
        .name("fql-share".into())
        .spawn(move || {
            let _ends: std::sync::mpsc::Sender<()> = ends;
            // The first connection is only waited for; the runtime takes it up.
            if !matches!(wait_for_connection(&bound.listener, &woken), Ok(true)) {
                return;
            }
            let (Some(engine), Ok(runtime)) = (engine.upgrade(), listen::runtime()) else {
                return;
            };
            let server = Server::new(engine, stopping);
            runtime.block_on(listen::serve_until_stopped(server, None, None, Some(bound)));
        })?;
    Ok(Sharing {
        stop,
        wake: Some(wake),
        ended,
    })
}

/// Not here.
#[cfg(not(unix))]
pub fn share(_: &Arc<Engine>, _: &Path) -> io::Result<Sharing> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Waits until somebody connects, without taking the connection. `false`: the waiting is over.
#[cfg(unix)]
fn wait_for_connection(
    listener: &std::os::unix::net::UnixListener,
    woken: &std::os::unix::net::UnixStream,
) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    loop {
        let mut fds = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(woken.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let is = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        // Who connected before the end is still answered.
        if is(&fds[0]) {
            return Ok(true);
        }
        if is(&fds[1]) {
            return Ok(false);
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        #[cfg(unix)]
        drop(self.wake.take());
        let _ = self.ended.recv_timeout(FAREWELL);
    }
}

/// Opens a file; `None` if another process holds it and listens.
pub(super) fn open_or_find_holder(file: &DatabaseFile) -> Result<Option<Arc<Engine>>, OpenError> {
    let started = Instant::now();
    loop {
        match file.open() {
            Ok(engine) => return Ok(Some(engine)),
            Err(OpenError::Store(StoreError::InUse(name))) => {
                if is_served(&file.path) {
                    return Ok(None);
                }
                // The holder may be about to listen, or to leave.
                if started.elapsed() > BEGINNING {
                    return Err(OpenError::Store(StoreError::InUse(name)));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn is_served(file: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket_path(file)).is_ok()
}

#[cfg(not(unix))]
fn is_served(_: &Path) -> bool {
    false
}

/// A file opened here, or reached through its holder.
pub struct OpenedFile {
    /// The engine; a stand-in without data while another process holds the file.
    pub engine: Arc<Engine>,
    /// The owner's session.
    pub session: Session,
    /// What shares the file, once it is held here.
    pub sharing: Arc<Mutex<Option<Sharing>>>,
}

/// Opens a file, or connects to the process that holds it and takes it over when that one leaves.
pub fn open_shared(file: &DatabaseFile) -> Result<OpenedFile, OpenError> {
    let sharing = Arc::new(Mutex::new(None));
    match open_or_find_holder(file)? {
        Some(engine) => {
            // A file in a place where no socket can be is used alone.
            *sharing.lock() = share(&engine, &file.path).ok();
            Ok(OpenedFile {
                session: engine.root(),
                engine,
                sharing,
            })
        }
        None => {
            let shared = sharing.clone();
            let session = Session::beside(file.clone(), move |engine, file| {
                *shared.lock() = share(engine, file).ok();
            })?;
            Ok(OpenedFile {
                engine: session.engine().clone(),
                session,
                sharing,
            })
        }
    }
}

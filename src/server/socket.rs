//! The socket beside a file: one process holds the file, the others reach it there (`ARCHITECTURE.md`, the store's
//! contract).
//!
//! The holder, shell or server, listens on `FILE.sock`, which only the file's owner may open, and speaks the same
//! HTTP protocol. The file's lock says who holds it; a socket without a holder is a leftover, and replaced. A shell
//! that shares its file pays for a thread that sleeps: the asynchronous runtime is made when somebody connects.

use super::{Server, listen};
use crate::engine::{Engine, OpenError, Session, socket_path};
use crate::store::StoreError;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use tokio::sync::watch;

/// A socket that is bound and not yet served.
pub struct Bound {
    #[cfg(unix)]
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
    #[cfg(unix)]
    owner: u32,
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
    std::fs::rename(&fresh, &path)?;
    // Who made the socket is who runs this process.
    let owner = std::fs::metadata(&path)?.uid();
    Ok(Bound {
        listener,
        path,
        owner,
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
    pub(super) fn into_listener(self) -> io::Result<(tokio::net::UnixListener, u32)> {
        self.listener.set_nonblocking(true)?;
        let listener = self.listener.try_clone()?;
        Ok((tokio::net::UnixListener::from_std(listener)?, self.owner))
    }
}

/// Lets other processes use a file as long as it lives.
pub struct Sharing {
    path: PathBuf,
    stop: watch::Sender<bool>,
}

/// Shares the file that an engine has open.
#[cfg(unix)]
pub fn share(engine: &Arc<Engine>, file: &Path) -> io::Result<Sharing> {
    let bound = bind(file)?;
    let (stop, stopping) = watch::channel(false);
    let engine: Weak<Engine> = Arc::downgrade(engine);
    let path = bound.path.clone();
    std::thread::Builder::new()
        .name("fql-share".into())
        .spawn(move || {
            // The first connection is only waited for; the runtime takes it up.
            if wait_readable(&bound.listener, &stopping).is_err() {
                return;
            }
            let (Some(engine), Ok(runtime)) = (engine.upgrade(), listen::runtime()) else {
                return;
            };
            let server = Server::new(engine, stopping);
            runtime.block_on(listen::serve_until_stopped(server, None, None, Some(bound)));
        })?;
    Ok(Sharing { path, stop })
}

/// Not here.
#[cfg(not(unix))]
pub fn share(_: &Arc<Engine>, _: &Path) -> io::Result<Sharing> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Waits until somebody connects, without taking the connection.
#[cfg(unix)]
fn wait_readable(
    listener: &std::os::unix::net::UnixListener,
    stopping: &watch::Receiver<bool>,
) -> io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::NONE).map_err(io::Error::from)?;
        if *stopping.borrow() || stopping.has_changed().is_err() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if ready > 0 {
            return Ok(());
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        // Wakes the thread that waits for a connection.
        #[cfg(unix)]
        let _ = std::os::unix::net::UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
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
pub fn open_shared(file: &Path) -> Result<OpenedFile, OpenError> {
    let sharing = Arc::new(Mutex::new(None));
    match Engine::open(file) {
        Ok(engine) => {
            // A file in a place where no socket can be is used alone.
            *sharing.lock() = share(&engine, file).ok();
            Ok(OpenedFile {
                session: engine.root(),
                engine,
                sharing,
            })
        }
        Err(OpenError::Store(StoreError::InUse(name))) => {
            if !socket_path(file).exists() {
                return Err(OpenError::Store(StoreError::InUse(name)));
            }
            let shared = sharing.clone();
            let session = Session::beside(file, move |engine, file| {
                *shared.lock() = share(engine, file).ok();
            })?;
            Ok(OpenedFile {
                engine: session.engine().clone(),
                session,
                sharing,
            })
        }
        Err(error) => Err(error),
    }
}

//! A cable between a client and a database's socket that a test can cut at a chosen message.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

/// A socket that passes everything on to another one.
pub struct Cable {
    socket: PathBuf,
    cut: Arc<AtomicBool>,
}

impl Cable {
    /// Listens at `socket` and passes on to `server`.
    pub fn new(socket: PathBuf, server: &Path) -> Self {
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).expect("a socket can be made");
        let (cut, server) = (Arc::new(AtomicBool::new(false)), server.to_owned());
        let wanted = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&server) else { continue };
                carry(client, server, &wanted);
            }
        });
        Self { socket, cut }
    }

    /// Delivers the next message to the server and then cuts: the server does what it was told, and nobody hears of it.
    pub fn cut_after_the_next_message(&self) {
        self.cut.store(true, SeqCst);
    }

    /// The URL that leads through the cable.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?unix_socket={}", self.socket.display())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn carry(client: UnixStream, server: UnixStream, cut: &Arc<AtomicBool>) {
    let (mut answers, mut hears) =
        (server.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
    thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut hears);
        let _ = hears.shutdown(Shutdown::Both);
    });
    let (mut asks, mut server, cut) = (client, server, Arc::clone(cut));
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = asks.read(&mut buffer) {
            let last = cut.swap(false, SeqCst);
            if last {
                let _ = asks.shutdown(Shutdown::Both);
            }
            if server.write_all(&buffer[..count]).is_err() || last {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Write);
    });
}

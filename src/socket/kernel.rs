//! The buffers that the kernel keeps for a connection, and for how long. Left to itself it takes megabytes for a peer
//! that reads nothing, and goes on keeping them when the connection is closed here.

use std::io;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};

/// The bytes that may wait in the kernel to be sent by a socket, besides the one segment that goes over the bound (64
/// KiB at most). Enough for half a second of a busy map on a phone; what is newer by then is worth more than what
/// waits.
const UNSENT_BYTES_MAX: u32 = 32 * 1024;

/// Bounds what may wait unsent on each connection of this listener: they take its options over.
pub fn bound_unsent(listener: &TcpListener) -> io::Result<()> {
    set_unsent_max(&SockRef::from(listener), UNSENT_BYTES_MAX)
}

/// Takes the bound away for the last frames of a connection: nothing is sent behind them.
pub(super) fn unbound_unsent(tcp: &TcpStream) {
    // A bound that cannot be raised stays.
    let _ = set_unsent_max(&SockRef::from(tcp), u32::MAX >> 1);
}

#[cfg(target_os = "linux")]
fn set_unsent_max(socket: &SockRef<'_>, bytes: u32) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(bytes)
}

/// Elsewhere the size of the send buffer has to do.
#[cfg(not(target_os = "linux"))]
fn set_unsent_max(_: &SockRef<'_>, _: u32) -> io::Result<()> {
    Ok(())
}

/// Ready when everything that was written has left this machine, so that nothing is kept for a peer that takes nothing.
pub fn poll_sent(tcp: &TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    // The socket takes more only when nothing waits, with this bound.
    set_unsent_max(&SockRef::from(tcp), 1)?;
    loop {
        // Forgotten before it is looked at, so that what changes in between counts as news.
        let _ = tcp.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
        let mut socket = [PollFd::new(tcp, PollFlags::OUT)];
        poll(&mut socket, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        if !socket[0].revents().is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(tcp.poll_write_ready(cx))?;
    }
}

/// Says that nothing more will be written.
pub fn shut_down(tcp: &TcpStream) -> io::Result<()> {
    SockRef::from(tcp).shutdown(std::net::Shutdown::Write)
}

/// Gives up what is not sent by now: the kernel forgets it with the socket instead of keeping it for minutes.
pub fn forget_unsent(tcp: &TcpStream) {
    // A socket that broke has nothing left to forget.
    let _ = tcp.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// Goal: what the kernel keeps unsent for one peer is bounded, and known. Method: a peer with little room reads
    /// nothing, then everything.
    #[tokio::test]
    async fn little_waits_unsent_and_it_is_known_when_nothing_does() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        bound_unsent(&listener).unwrap();
        let peer = tokio::net::TcpSocket::new_v4().unwrap();
        peer.set_recv_buffer_size(4 * 1024).unwrap();
        let mut peer = peer.connect(listener.local_addr().unwrap()).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        poll_fn(|cx| poll_sent(&tcp, cx)).await.unwrap();
        set_unsent_max(&SockRef::from(&tcp), UNSENT_BYTES_MAX).unwrap();
        let mut taken = 0;
        tcp.writable().await.unwrap();
        while let Ok(count) = tcp.try_write(&[0; 1000]) {
            taken += count;
        }
        assert!((32 * 1024..160 * 1024).contains(&taken), "{taken} bytes");
        let mut sent = Box::pin(poll_fn(|cx| poll_sent(&tcp, cx)));
        assert!(futures_util::poll!(&mut sent).is_pending());
        let mut got = vec![0; taken];
        let (read, sent) = tokio::join!(peer.read_exact(&mut got), sent);
        assert_eq!(read.unwrap(), taken);
        sent.unwrap();
        forget_unsent(&tcp);
    }
}

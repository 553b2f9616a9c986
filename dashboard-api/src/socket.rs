//! One task for one screen: the socket's bytes to and from its pure session.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::incoming::limited_scope;
use crate::outbox::{Farewell, Outbox};
use crate::session::Session;

/// Time for the closing handshake.
const CLOSE_MS_MAX: u64 = 500;

/// Places for sessions, in all and for each address.
#[derive(Debug)]
pub(crate) struct Places {
    sessions_max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// One taken place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// So many places.
    #[must_use]
    pub(crate) fn new(sessions_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { sessions_max, per_address_max, taken: Mutex::default() })
    }

    /// A place, if there is one left.
    #[must_use]
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= self.sessions_max || here >= self.per_address_max {
            metrics::counter!("nhip_dashboard_sessions_refused_total").increment(1);
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, here + 1);
        metrics::gauge!("nhip_dashboard_sessions").set(taken.all as f64);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let here = taken.by_address.remove(&self.address).unwrap_or(0);
        if here > 1 {
            taken.by_address.insert(self.address, here - 1);
        }
        metrics::gauge!("nhip_dashboard_sessions").set(taken.all as f64);
    }
}

/// Bounds of one socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketLimits {
    /// Time for the first frame.
    pub(crate) hello_ms_max: u64,
    /// Time for one send.
    pub(crate) send_ms_max: u64,
}

/// Serves one screen until it leaves, misbehaves, falls behind or the node stops.
pub(crate) async fn serve(
    mut socket: WebSocket,
    hub: Arc<Hub>,
    limits: SocketLimits,
    stop: CancellationToken,
    place: Place,
) {
    let mut session = Session::new(hub.now(), limits.hello_ms_max);
    let mut news = hub.news();
    let send_max = Duration::from_millis(limits.send_ms_max);
    loop {
        let mut out = Outbox::default();
        tokio::select! {
            biased;
            () = stop.cancelled() => session.leave(Farewell::Stopping, &mut out),
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Text(text))) => {
                    if let Some(scope) = limited_scope(&text) {
                        hub.open(&scope).await;
                    }
                    let (now, pulse) = (hub.now(), hub.pulse());
                    session.receive(now, &text, &mut hub.boards(), &pulse, &mut out);
                }
                Some(Ok(Message::Binary(_))) => session.leave(Farewell::NotProtocol, &mut out),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
            // A session that already has news waiting for its time need not be woken by more.
            told = news.changed(), if session.greeted() && !session.pending() => {
                if told.is_err() {
                    session.leave(Farewell::Stopping, &mut out);
                }
                advance(&mut session, &hub, &mut out);
            }
            () = sleep_until(hub.instant(session.due_ms())) => advance(&mut session, &hub, &mut out),
        }
        match timeout(send_max, send(&mut socket, &mut out)).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                metrics::counter!("nhip_dashboard_byes_total", "reason" => "send_timeout").increment(1);
                break;
            }
        }
    }
    drop(place);
}

fn advance(session: &mut Session, hub: &Hub, out: &mut Outbox) {
    let (now, pulse) = (hub.now(), hub.pulse());
    session.advance(now, &mut hub.boards(), &pulse, out);
}

/// Sends all frames; false: the socket is done.
async fn send(socket: &mut WebSocket, out: &mut Outbox) -> bool {
    let frames = out.frames.len() as u64;
    if frames > 0 {
        let bytes: usize = out.frames.iter().map(|frame| frame.len()).sum();
        for frame in out.frames.drain(..) {
            if socket.feed(Message::Text(frame)).await.is_err() {
                return false;
            }
        }
        if socket.flush().await.is_err() {
            return false;
        }
        metrics::counter!("nhip_dashboard_frames_total").increment(frames);
        metrics::counter!("nhip_dashboard_sent_bytes_total").increment(bytes as u64);
    }
    let Some(code) = out.close else { return true };
    let goodbye = Message::Close(Some(CloseFrame { code, reason: "".into() }));
    if socket.send(goodbye).await.is_ok() {
        let answer = async { while let Some(Ok(_)) = socket.recv().await {} };
        // A screen that does not answer the close is cut off.
        timeout(Duration::from_millis(CLOSE_MS_MAX), answer).await.unwrap_or_default();
    }
    false
}

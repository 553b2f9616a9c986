//! A device's few bytes of MQTT 3.1.1, written by hand: a mistake of a client library cannot hide one of ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// Publications sent before their acknowledgements are read; packet ids repeat beyond it.
const UNACKNOWLEDGED_MAX: usize = 500;

/// One connection.
#[derive(Debug)]
pub struct MqttWire {
    stream: TcpStream,
}

impl MqttWire {
    /// Connects with a clean session, without user.
    ///
    /// # Errors
    /// If the connection is refused.
    pub fn connect(address: SocketAddr, client: &str) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0];
        body.extend((client.len() as u16).to_be_bytes());
        body.extend(client.as_bytes());
        stream.write_all(&packet(0x10, &body))?;
        let mut answer = [0_u8; 4];
        stream.read_exact(&mut answer)?;
        if answer == [0x20, 2, 0, 0] {
            Ok(Self { stream })
        } else {
            Err(std::io::ErrorKind::PermissionDenied.into())
        }
    }

    /// Publishes all at QoS 1 and waits until each is acknowledged.
    ///
    /// # Errors
    /// If the connection is closed before that.
    pub fn publish_all<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> std::io::Result<()> {
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            let mut bytes = Vec::new();
            let mut sent = 0_usize;
            for (topic, payload) in messages.by_ref().take(UNACKNOWLEDGED_MAX) {
                sent += 1;
                bytes.extend(publication(topic, Some(sent as u16), payload));
            }
            self.stream.write_all(&bytes)?;
            let mut answers = vec![0_u8; 4 * sent];
            self.stream.read_exact(&mut answers)?;
            let all = answers.chunks(4).all(|answer| answer.starts_with(&[0x40, 2]));
            if !all {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
        }
        Ok(())
    }

    /// Publishes one at QoS 0; nobody answers.
    ///
    /// # Errors
    /// If the connection is closed.
    pub fn publish_best_effort(&mut self, topic: &str, payload: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(&publication(topic, None, payload))
    }
}

fn publication(topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend(id.iter().flat_map(|id| id.to_be_bytes()));
    body.extend(payload);
    packet(if id.is_some() { 0x32 } else { 0x30 }, &body)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut length = body.len();
    while length >= 128 {
        bytes.push((length % 128) as u8 | 0x80);
        length /= 128;
    }
    bytes.push(length as u8);
    bytes.extend(body);
    bytes
}

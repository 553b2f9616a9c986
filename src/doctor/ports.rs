//! Whether the addresses a node serves on are free.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::config::Config;

use super::finding::Finding;

/// Tries each address as a start would.
pub(super) fn examine(config: &Config, running: bool) -> Vec<Finding> {
    let addresses = [("--http", Some(config.http)), ("--mqtt", config.mqtt)];
    let asked = addresses.into_iter().filter_map(|(flag, address)| Some((flag, address?)));
    asked.map(|(flag, address)| one(flag, address, running)).collect()
}

fn one(flag: &str, address: SocketAddr, running: bool) -> Finding {
    let place = format!("{flag} {address}");
    match TcpListener::bind(address) {
        Ok(_) => Finding::fine("port", place, "free"),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && running => Finding::note(
            "port",
            place,
            "taken, as is to be expected while the node of this data directory runs",
        ),
        Err(error) => Finding::error(
            "port",
            place,
            error.to_string(),
            "an address of this machine and a port nobody uses",
            &format!("see who has it (ss -ltnp 'sport = :{}'), or name another", address.port()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn a_taken_port_is_an_error_unless_the_node_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address");
        assert_eq!(one("--http", address, false).grade, Grade::Error);
        assert_eq!(one("--http", address, true).grade, Grade::Note);
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        assert_eq!(one("--http", free, false).grade, Grade::Fine);
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0));
        assert_eq!(one("--http", elsewhere, true).grade, Grade::Error, "no address of this machine");
    }
}

//! Certificates for tests, made with the openssl tool: an authority, a server `localhost`, a client.

use std::path::Path;
use std::process::Command;

/// Writes `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`; false if openssl is not
/// installed.
pub(crate) fn certificates(directory: &Path) -> bool {
    let run = |arguments: &str| {
        let arguments = arguments.split_whitespace();
        let made = Command::new("openssl").args(arguments).current_dir(directory).output();
        made.is_ok_and(|output| output.status.success())
    };
    std::fs::write(directory.join("san"), "subjectAltName=DNS:localhost\n").expect("writes");
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let sign = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san";
    run(&format!("req -x509 {new} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"))
        && run(&format!("req {new} -keyout server.key -out server.csr -subj /CN=localhost"))
        && run(&format!("x509 -req -in server.csr -out server.pem {sign}"))
        && run(&format!("req {new} -keyout client.key -out client.csr -subj /CN=nhip"))
        && run(&format!("x509 -req -in client.csr -out client.pem {sign}"))
}

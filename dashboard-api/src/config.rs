//! Every bound of this room, by name and unit.

/// Bounds and allowances.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origins that may open the WebSocket or post beside the page's own (`https://host:port`).
    pub origins: Vec<String>,
    /// Open TCP connections; more wait in the kernel's queue.
    pub connections_max: usize,
    /// WebSocket sessions in all; one more gets 503.
    pub sessions_max: usize,
    /// WebSocket sessions of one address; one more gets 503.
    pub sessions_per_address_max: usize,
    /// Time for the first frame of a session.
    pub hello_ms_max: u64,
    /// Time for one send; then the session is closed as too slow.
    pub send_ms_max: u64,
    /// Time sessions and requests get to end when the node stops.
    pub drain_ms_max: u64,
    /// Time for a request body to arrive.
    pub body_ms_max: u64,
    /// Bytes of one request body.
    pub body_bytes_max: usize,
    /// Bytes of one document of statistics.
    pub document_bytes_max: usize,
    /// Bytes of all request bodies held at once; more wait.
    pub bodies_bytes_max: usize,
    /// Bytes of one WebSocket frame of a screen.
    pub incoming_bytes_max: usize,
    /// Bytes of one socket's write buffer.
    pub write_bytes_max: usize,
    /// Items on one page of a list, at most and by default.
    pub page_items_max: usize,
    /// See [`Config::page_items_max`].
    pub page_items_default: usize,
    /// Exports under way at once; one more gets 503.
    pub exports_max: usize,
    /// Rejections kept in view.
    pub rejections_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            connections_max: 8_000,
            sessions_max: 6_000,
            sessions_per_address_max: 6_000,
            hello_ms_max: 5_000,
            send_ms_max: 5_000,
            drain_ms_max: 3_000,
            body_ms_max: 10_000,
            body_bytes_max: 1024 * 1024,
            document_bytes_max: 16 * 1024 * 1024,
            bodies_bytes_max: 64 * 1024 * 1024,
            incoming_bytes_max: 64 * 1024,
            write_bytes_max: 256 * 1024,
            page_items_max: 5_000,
            page_items_default: 500,
            exports_max: 2,
            rejections_max: 1_000,
        }
    }
}

//! Knowledge becomes pictures: REST, WebSocket and the static pages

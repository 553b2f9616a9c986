// The server side of RFC 6455, as little as the dev server needs: text frames, ping, close.
import { createHash } from "node:crypto";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Answers the upgrade and returns `{ send, close, destroy, onText, onClose }`. */
export function accept(request, socket, subprotocol) {
  const key = createHash("sha1")
    .update(request.headers["sec-websocket-key"] + MAGIC)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
  );
  socket.setNoDelay(true);
  const peer = {
    onText: () => {},
    onClose: () => {},
    send: (text) => {
      if (!socket.destroyed) socket.write(frame(1, Buffer.from(text)));
    },
    close: () => {
      if (!socket.destroyed) socket.end(frame(8, Buffer.alloc(0)));
    },
    destroy: () => socket.destroy(),
  };
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let read = parse(rest); read; read = parse(rest)) {
      rest = rest.subarray(read.length);
      if (read.code === 1) peer.onText(read.body.toString());
      else if (read.code === 8) peer.close();
      else if (read.code === 9) socket.write(frame(10, read.body));
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => peer.onClose());
  return peer;
}

function frame(code, body) {
  const head = body.length < 126 ? Buffer.from([0x80 | code, body.length]) : Buffer.alloc(4);
  if (body.length >= 126) {
    head[0] = 0x80 | code;
    head[1] = 126;
    head.writeUInt16BE(body.length, 2);
  }
  return Buffer.concat([head, body]);
}

/** One masked client frame below 64 KiB, or null while bytes are missing. */
function parse(bytes) {
  if (bytes.length < 6) return null;
  const short = bytes[1] & 0x7f;
  const at = short === 126 ? 4 : 2;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  const length = at + 4 + size;
  if (bytes.length < length) return null;
  const mask = bytes.subarray(at, at + 4);
  const body = Buffer.from(bytes.subarray(at + 4, length));
  for (let index = 0; index < body.length; index++) body[index] ^= mask[index % 4];
  return { code: bytes[0] & 0x0f, body, length };
}

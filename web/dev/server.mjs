// A dev server that speaks nhip.v1 with invented data: for building the page and for the browser tests.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { snapshot } from "./province.mjs";
import { accept } from "./websocket.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Options: port, cadence_s, stale_s, rate, updates_s, simulated, replayed, showcase, seed. */
export class DevServer {
  constructor(options = {}) {
    this.options = { updates_s: 0, seed: 7, ...options };
    this.random = mulberry(this.options.seed);
    this.peers = new Set();
    this.sent = new Map();
    this.muted = false;
    this.requests = [];
    this.timers = [];
  }

  /** Starts (or starts again on the same port, under a new epoch). */
  async start() {
    this.epoch = `dev-${Date.now().toString(36)}`;
    this.offset = 918_000;
    this.started = { real: performance.now(), server: Date.now() };
    this.table = { ...snapshot(this.options, this.now(), this.random), epoch: this.epoch };
    this.http = createServer((request, response) => void this.#answer(request, response));
    this.sockets = new Set();
    this.http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.http.on("upgrade", (request, socket) => this.#upgrade(request, socket));
    await new Promise((resolve) => this.http.listen(this.options.port ?? 0, "127.0.0.1", resolve));
    this.options.port = this.http.address().port;
    this.base = `http://127.0.0.1:${this.options.port}`;
    this.timers = [setInterval(() => this.#beat(), 1000)];
    if (this.options.updates_s > 0) this.timers.push(setInterval(() => this.#update(), 50));
    return this;
  }

  async stop() {
    for (const timer of this.timers) clearInterval(timer);
    const closed = new Promise((resolve) => this.http.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** The node's Clock. */
  now() {
    const rate = this.options.rate ?? 1;
    return Math.round(this.started.server + (performance.now() - this.started.real) * rate);
  }

  /** While muted nothing is sent and no request is answered: the link is cut, the sockets stay. */
  mute(muted) {
    this.muted = muted;
  }

  /** Changes rows by id and sends them at once. */
  change(changes, skip = false) {
    const previous = this.offset;
    this.offset += changes.length;
    const base = this.now();
    const tuples = changes.map(({ id, ...fields }) => {
      const row = Object.assign(this.table.rows[id], fields, { o: this.offset });
      const near = (time) => (time === null || time === undefined ? null : time - base);
      return [
        id,
        near(row.t),
        row.v,
        row.q,
        row.f,
        row.k,
        row.m,
        row.l,
        near(row.w?.[0]),
        near(row.w?.[1]),
        row.b,
        row.rev,
      ];
    });
    this.sent.set(this.offset, Date.now());
    if (this.sent.size > 4000) this.sent.delete(this.sent.keys().next().value);
    if (!skip) this.#all({ t: "d", o: this.offset, p: previous, b: base, u: tuples });
  }

  #update() {
    const count = Math.round(this.options.updates_s / 20);
    const changed = new Map();
    const now = this.now();
    for (let at = 0; at < count; at++) {
      const row = this.table.rows[Math.floor(this.random() * this.table.rows.length)];
      if (row.v === null || now - row.t > 60_000) continue;
      const indicator = this.table.indicators[this.table.dict[row.id].indicator];
      const top = indicator.unit === "%" ? 100 : Infinity;
      const value = Math.min(top, Math.max(0, row.v * (1 + (this.random() - 0.5) * 0.02)));
      changed.set(row.id, { id: row.id, v: Number(value.toFixed(indicator.scale)), t: now });
    }
    this.change([...changed.values()]);
  }

  #beat() {
    const { sources, links } = this.table;
    const [dung, du, sach, song] = this.table.badges[""];
    const q = { dung, du, sach, song };
    const { rate = 1, updates_s } = this.options;
    const body = { ts: this.now(), rate, lag_ms: 3, in_s: updates_s, q, sources, links };
    this.#all({ t: "hb", o: this.offset, ...body });
  }

  #all(frame) {
    if (this.muted) return;
    const text = JSON.stringify(frame);
    for (const peer of this.peers) if (peer.greeted) peer.send(text);
  }

  #upgrade(request, socket) {
    if (this.muted) return;
    const peer = accept(request, socket, "nhip.v1");
    this.peers.add(peer);
    peer.onClose = () => this.peers.delete(peer);
    peer.onText = (text) => this.#hear(peer, JSON.parse(text));
  }

  #hear(peer, frame) {
    if (this.muted) return;
    const now = this.now();
    if (frame.t === "ping")
      peer.send(JSON.stringify({ t: "pong", n: frame.n, c0: frame.c0, s1: now, s2: now }));
    if (frame.t === "stat") this.stat = frame;
    if (frame.t !== "hello") return;
    const { e, o } = frame.resume ?? {};
    const known = e === this.epoch && o <= this.offset;
    const welcome = {
      t: "welcome",
      v: 1,
      e: this.epoch,
      ts: now,
      rate: this.options.rate ?? 1,
      hb_ms: 1000,
      build: "dev",
    };
    if (!known) {
      peer.send(JSON.stringify({ ...welcome, o: this.offset, mode: "snapshot", reason: "epoch" }));
      const rows = this.table.rows.map(({ hist: _, ...row }) => row);
      peer.send(JSON.stringify({ t: "snap", e: this.epoch, o: this.offset, part: 0, parts: 1, rows }));
    } else {
      peer.send(JSON.stringify({ ...welcome, o, mode: "resumed" }));
      this.#catchUp(peer, o);
    }
    peer.greeted = true;
  }

  #catchUp(peer, from) {
    const base = this.now();
    const near = (time) => (time === null || time === undefined ? null : time - base);
    const u = this.table.rows
      .filter((row) => row.o > from)
      .map((row) => [
        row.id,
        near(row.t),
        row.v,
        row.q,
        row.f,
        row.k,
        row.m,
        row.l,
        near(row.w?.[0]),
        near(row.w?.[1]),
        row.b,
        row.rev,
      ]);
    peer.send(JSON.stringify({ t: "d", o: this.offset, p: from, b: base, u }));
  }

  async #answer(request, response) {
    this.requests.push(request.url);
    if (this.requests.length > 1000) this.requests.shift();
    if (this.muted) return;
    const url = new URL(request.url, "http://localhost");
    if (url.pathname.startsWith("/api/v1/views/")) return this.#snapshot(request, response, url);
    if (url.pathname === "/api/v1/explain") return json(response, 200, this.#explain(url.searchParams));
    if (url.pathname === "/readyz") return json(response, 200, {});
    const file = /^\/wall\/[^/]+$/.test(url.pathname) ? "/index.html" : normalize(url.pathname);
    try {
      const body = await readFile(join(DIST, file));
      const headers = {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
      };
      response.writeHead(200, headers).end(body);
    } catch {
      json(response, 404, { title: "Not Found", status: 404 });
    }
  }

  #snapshot(request, response, url) {
    if (url.pathname !== "/api/v1/views/main/snapshot")
      return json(response, 404, { title: "no such view", status: 404 });
    const body = JSON.stringify({ ...this.table, offset: this.offset, server_ts: this.now() });
    response
      .writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
      .end(gzipSync(body));
  }

  #explain(query) {
    const indicator = query.get("indicator");
    const entry = this.table.dict.find(
      (one) => one.indicator === indicator && one.area === query.get("area"),
    );
    const row = this.table.rows[entry?.id ?? 0];
    const { unit } = this.table.indicators[indicator] ?? { unit: "" };
    const time = (ms) => new Date(ms + 7 * 3_600_000).toISOString().replace("Z", "+07:00");
    const samples = [0, 1, 2, 3].map((at) => ({
      offset: 917_120 + at * 37,
      arrival: time(this.now() - at * 900_000),
      source: `station-0${at + 1}`,
      topic: `nhip/v1/sample/air/station-0${at + 1}`,
      payload_hash: `${(0x9f3a21c7 * (at + 1)).toString(16)}5d41402abc4b2a76`.slice(0, 24),
      items: [`pm25=${31 + at}.5 µg/m³`],
    }));
    const named = (at) => ({
      source: `station-0${at}`,
      name: { vi: `Trạm ${at}`, en: `Station ${at}` },
      area: "99",
    });
    return {
      figure: { value: row.v, unit, state: "provisional", revision: 0, origin: "simulated" },
      definition: {
        version: "5d41402abc4b2a76",
        basis: "QCVN 05:2023/BTNMT",
        owner: "Sở Nông nghiệp và Môi trường",
        text: `[[indicator]]\nid = "${indicator}"\nunit = "${unit}"\nmean = "pm25"\nwindow = "1h"\n`,
      },
      inputs: { stream: "air", names: ["pm25"] },
      window: row.w && { start: time(row.w[0]), end: time(row.w[1]) },
      k: row.k,
      m: row.m,
      missing: row.k < row.m ? [named(5)] : [],
      sources: [1, 2, 3, 4].map(named),
      offsets: { first: 917_120, last: this.offset },
      samples,
    };
  }
}

function json(response, status, body) {
  const type = status === 200 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

/** A small seeded generator. */
function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const has = (flag) => process.argv.includes(flag);
  const server = await new DevServer({
    port: Number(process.env.PORT ?? 8090),
    updates_s: 200,
    showcase: has("--showcase"),
    replayed: has("--replayed"),
    areas: has("--tay-ninh") ? "tay-ninh" : "",
    simulated: !has("--real") && !has("--replayed"),
  }).start();
  process.stdout.write(`dev server ${server.base}/wall/main\n`);
}

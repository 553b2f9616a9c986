// The real program as its operator runs it: `nhip demo`, ports 0, a data directory of its own, killed at exit.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Profiles are named relative to the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** How long a node may take to say that it is ready (a loaded test machine, an unoptimised build). */
const READY_MAX_MS = 60_000;
const running = new Set();

process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** The program under test; null where `NHIP_BINARY` names none. */
export function program() {
  const path = process.env.NHIP_BINARY;
  return path && existsSync(resolve(path)) ? resolve(path) : null;
}

/** A node of the demo. After `kill` it starts again on the same ports and the same data. */
export class Demo {
  address = "";
  /** Date.now of the ready line. */
  ready_at = 0;
  #words;
  #home = "";
  #ports = ["127.0.0.1:0", "127.0.0.1:0"];
  #child = null;

  constructor(words) {
    this.#words = words;
  }

  async start() {
    this.#home ||= await mkdtemp(join(tmpdir(), "nhip-browser-"));
    const [http, mqtt] = this.#ports;
    const place = ["--http", http, "--mqtt", mqtt, "--data", join(this.#home, "data")];
    const keys = ["--keys", join(this.#home, "keys")];
    const child = spawn(program(), ["demo", ...place, ...keys, ...this.#words], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    running.add(child);
    const line = await readyLine(child);
    this.ready_at = Date.now();
    this.#ports = [/http=http:\/\/(\S+)/.exec(line)[1], /mqtt=(\S+)/.exec(line)[1]];
    this.address = `http://${this.#ports[0]}`;
    return this;
  }

  /** `kill -9`, the moment of it by Date.now; returns when the process is gone. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Date.now();
    const gone = new Promise((done) => child.once("exit", done));
    const at = Date.now();
    child.kill("SIGKILL");
    await gone;
    running.delete(child);
    return at;
  }

  async end() {
    await this.kill();
    if (this.#home) await rm(this.#home, { recursive: true, force: true });
  }
}

/** The ready line; what the program said on stderr, if it ended or kept silent instead. */
function readyLine(child) {
  return new Promise((found, failed) => {
    let said = "";
    child.stderr.on("data", (bytes) => (said = (said + bytes).slice(-4000)));
    const timer = setTimeout(() => child.kill("SIGKILL"), READY_MAX_MS);
    child.once("error", failed);
    child.once("exit", (code, signal) => failed(new Error(`not ready (${signal ?? code}):\n${said}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.startsWith("ready ")) return;
      clearTimeout(timer);
      found(line);
    });
  });
}

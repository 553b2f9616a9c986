// Builds web/dist (page, hashed assets) after checking types and words; `--test` runs the unit tests instead.
import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const SCRIPT_GZIP_BYTES_MAX = 90 * 1024;
const LOAD_GZIP_BYTES_MAX = 350 * 1024;

if (process.argv.includes("--test")) await runTests();
else await buildPage();

async function buildPage() {
  await checkWords();
  typeCheck();
  const dist = join(here, "dist");
  await rm(dist, { recursive: true, force: true });
  await mkdir(join(dist, "assets"), { recursive: true });
  const version = JSON.parse(await readFile(join(here, "package.json"), "utf8")).version;
  const result = await build({
    absWorkingDir: here,
    entryPoints: { wall: "src/main.ts", style: "src/styles/main.css", icon: "src/icon.svg" },
    outdir: "dist/assets",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome120", "firefox121", "safari17"],
    charset: "utf8",
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "copy" },
    define: { BUILD: JSON.stringify(version) },
    conditions: ["production"],
    legalComments: "none",
    metafile: true,
  });
  await writePage(
    dist,
    Object.keys(result.metafile.outputs).map((path) => path.replace("dist", "")),
  );
  await copyFile(
    join(here, "node_modules/@fontsource-variable/inter/LICENSE"),
    join(dist, "assets/inter-license.txt"),
  );
  await compress(dist);
  await report(dist);
}

/** The page names the hashed assets; nothing stands inline, so the strictest policy holds. */
async function writePage(dist, assets) {
  const find = (pattern) => assets.find((path) => pattern.test(path)) ?? fail(`no asset like ${pattern}`);
  const names = {
    icon: find(/icon-.*\.svg$/),
    script: find(/wall-.*\.js$/),
    style: find(/style-.*\.css$/),
    latin: find(/inter-latin-.*\.woff2$/),
    vietnamese: find(/inter-vietnamese-.*\.woff2$/),
  };
  const template = await readFile(join(here, "src/index.html"), "utf8");
  const page = template.replace(/\{\{(\w+)\}\}/g, (_, name) => names[name] ?? fail(`no ${name}`));
  await writeFile(join(dist, "index.html"), page);
}

/** A packed copy beside every text, so that the server packs nothing by itself. */
async function compress(dist) {
  const names = (await readdir(join(dist, "assets"))).map((name) => join("assets", name));
  for (const name of ["index.html", ...names].filter((name) => /\.(html|js|css|svg)$/.test(name))) {
    await writeFile(join(dist, `${name}.gz`), gzipSync(await readFile(join(dist, name)), { level: 9 }));
  }
}

/** Both languages have the same keys with the same blanks, and no text is empty. */
async function checkWords() {
  const read = async (lang) => JSON.parse(await readFile(join(here, `src/locales/${lang}.json`), "utf8"));
  const [vi, en] = [await read("vi"), await read("en")];
  const blanks = (text) => (text?.match(/\{\w+\}/g) ?? []).sort().join();
  for (const key of new Set([...Object.keys(vi), ...Object.keys(en)])) {
    if (!vi[key]) fail(`vi.json: no text for ${key}`);
    if (!en[key]) fail(`en.json: no text for ${key}`);
    if (blanks(vi[key]) !== blanks(en[key])) fail(`${key}: the blanks of vi.json and en.json differ`);
  }
}

function typeCheck() {
  const tsc = join(here, "node_modules/typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "--noEmit", "-p", here], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

async function report(dist) {
  let [script, all] = [0, 0];
  const files = [join(dist, "index.html")];
  for (const name of await readdir(join(dist, "assets")))
    if (!name.endsWith(".gz")) files.push(join(dist, "assets", name));
  for (const file of files) {
    const bytes = await readFile(file);
    const size = /\.woff2$/.test(file) ? bytes.length : gzipSync(bytes, { level: 9 }).length;
    all += size;
    if (file.endsWith(".js")) script += size;
  }
  const kib = (bytes) => (bytes / 1024).toFixed(1);
  const line = `script ${kib(script)} KiB gzip (≤ 90), first load ${kib(all)} KiB (≤ 350)`;
  if (script > SCRIPT_GZIP_BYTES_MAX || all > LOAD_GZIP_BYTES_MAX) fail(`over budget: ${line}`);
  process.stdout.write(`web/dist: ${line}\n`);
}

async function runTests() {
  const out = await mkdtemp(join(tmpdir(), "nhip-web-test-"));
  try {
    const entries = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts"));
    await build({
      absWorkingDir: here,
      entryPoints: entries.map((name) => `test/${name}`),
      outdir: out,
      bundle: true,
      platform: "node",
      format: "esm",
      outExtension: { ".js": ".mjs" },
      logLevel: "warning",
      charset: "utf8",
    });
    const files = entries.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
    process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

function fail(reason) {
  process.stderr.write(`web/build: ${reason}\n`);
  process.exit(1);
}

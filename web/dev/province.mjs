// An invented province for the dev server: catalogue, communes, rows with histories. Nothing here is real.

import { readFileSync } from "node:fs";

const HOUR = 3_600_000;
const FIRST = ["Tân", "Long", "Mỹ", "Thạnh", "Bình", "Phước", "Hưng", "Đông", "Lộc", "Hòa", "Ninh", "Trường"];
const SECOND = ["Hưng", "Thuỷ", "Lợi", "Nghĩa", "Điền", "Quới", "Phú", "Thạnh"];
/** First column and length of each row of cells: 96 in all. */
const ROWS = [
  [3, 4],
  [2, 6],
  [2, 7],
  [1, 8],
  [1, 8],
  [2, 8],
  [3, 8],
  [1, 10],
  [0, 11],
  [0, 11],
  [2, 9],
  [7, 6],
];
const PROVINCE = "99";

/** The twelve figures, the map's, and those of the secondary zone. */
export function indicators({ cadence_s, stale_s }) {
  const of = (vi, en, unit, scale, domain, more = {}) => ({
    name: { vi, en },
    unit,
    scale,
    domain,
    direction: "worse",
    cadence_s: cadence_s ?? 60,
    stale_s: stale_s ?? 300,
    completeness_min: 0.5,
    window: "1h",
    limit: null,
    below: false,
    document: "",
    owner: "Sở Nông nghiệp và Môi trường",
    ...more,
  });
  const target = (value) => [{ area: PROVINCE, value, from: null, to: null, document: "KH 12/KH-UBND" }];
  return {
    "env.pm25_1h": of("Bụi mịn PM2.5, trung bình 1 giờ", "Fine dust PM2.5, 1-hour mean", "µg/m³", 1, "env", {
      limit: 50,
      document: "QCVN 05:2023/BTNMT",
      targets: target(45),
    }),
    "env.pm10_1h": of("Bụi PM10, trung bình 1 giờ", "PM10, 1-hour mean", "µg/m³", 1, "env", {
      limit: 100,
      document: "QCVN 05:2023/BTNMT",
    }),
    "env.no2_1h": of("Khí NO₂, trung bình 1 giờ", "NO₂, 1-hour mean", "µg/m³", 1, "env", {
      limit: 200,
      document: "QCVN 05:2023/BTNMT",
    }),
    "env.o3_8h": of("Khí O₃, lớn nhất 1 giờ", "O₃, 1-hour maximum", "µg/m³", 0, "env", {
      limit: 200,
      document: "QCVN 05:2023/BTNMT",
    }),
    "traffic.flow_5m": of(
      "Lưu lượng xe qua các điểm đếm",
      "Vehicles at counting points",
      "vehicles",
      0,
      "traffic",
      { window: "5m", direction: "neutral", owner: "Sở Xây dựng" },
    ),
    "traffic.speed_5m": of(
      "Tốc độ trung bình có trọng số",
      "Flow-weighted mean speed",
      "km/h",
      1,
      "traffic",
      {
        window: "5m",
        direction: "better",
        limit: 25,
        below: true,
        document: "Quy chế trực 12/2026",
        owner: "Sở Xây dựng",
      },
    ),
    "traffic.accident_1d": of(
      "Tai nạn giao thông trong ngày",
      "Traffic accidents today",
      "count",
      0,
      "traffic",
      { window: "1d", owner: "Công an tỉnh", targets: target(2) },
    ),
    "camera.online_share": of("Tỷ lệ camera hoạt động", "Cameras online", "%", 1, "camera", {
      direction: "better",
      limit: 95,
      below: true,
      document: "Quy chế trực 12/2026",
      owner: "Công an tỉnh",
    }),
    "device.restart_day": of("Số lần thiết bị khởi động lại", "Device restarts", "readings", 0, "camera", {
      window: "1d",
      owner: "Công an tỉnh",
    }),
    "report.open": of("Phản ánh hiện trường đang xử lý", "Field reports in hand", "count", 0, "report", {
      owner: "Văn phòng UBND tỉnh",
    }),
    "report.late_share": of("Tỷ lệ phản ánh quá hạn", "Overdue field reports", "%", 1, "report", {
      limit: 10,
      warning: 5,
      document: "QĐ 45/2025/QĐ-UBND",
      targets: target(5),
    }),
    "env.aqi_h": of("Chỉ số chất lượng không khí giờ", "Hourly air quality index", "1", 0, "env", {
      limit: 150,
      warning: 100,
      document: "QĐ 1459/QĐ-TCMT",
    }),
    "env.water_level": of("Mực nước sông Vàm Cỏ Đông", "Vàm Cỏ Đông water level", "m", 2, "env", {
      limit: 1.6,
      warning: 1.4,
      document: "QĐ 05/2020/QĐ-TTg",
    }),
    "env.noise_1h": of("Mức ồn tương đương", "Equivalent noise level", "dBA", 1, "env", {}),
    "device.battery_min": of("Pin thấp nhất của tủ thiết bị", "Lowest cabinet battery", "%", 0, "camera", {
      direction: "better",
    }),
  };
}

/** The province and its 96 communes. */
export function areas() {
  const list = [
    {
      code: PROVINCE,
      name: { vi: "Tỉnh Mẫu", en: "Sample Province" },
      kind: "province",
      parent: null,
      cell: null,
    },
  ];
  let at = 0;
  ROWS.forEach(([from, count], row) => {
    for (let column = from; column < from + count; column++, at++) {
      const name = `${FIRST[at % FIRST.length]} ${SECOND[Math.floor(at / FIRST.length)]}`;
      const plain = name.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "D");
      const code = String(30_000 + at);
      list.push({ code, name: { vi: name, en: plain }, kind: "xa", parent: PROVINCE, cell: [column, row] });
    }
  });
  return list;
}

/** The areas of a profile in this tree, to see how its names and cells look. */
export function profileAreas(name) {
  const text = readFileSync(new URL(`../../profiles/${name}/areas.csv`, import.meta.url), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.slice(1).map((line) => {
    const [code, vi, en, kind, parent, column, row] = line.split(",");
    const cell = column === "" ? null : [Number(column), Number(row)];
    return {
      code: parent === "" ? PROVINCE : code,
      name: { vi, en },
      kind,
      parent: parent === "" ? null : PROVINCE,
      cell,
    };
  });
}

/** A whole snapshot at `now`; `random` is 0…1. */
export function snapshot(options, now, random) {
  const catalogue = indicators(options);
  const places = options.areas ? profileAreas(options.areas) : areas();
  const dict = [];
  const add = (indicator, area) => dict.push({ id: dict.length, indicator, area, sensitivity: "public" });
  const secondary = ["env.water_level", "env.noise_1h", "device.battery_min"];
  for (const id of Object.keys(catalogue)) add(id, PROVINCE);
  for (const area of places) if (area.parent) add("camera.online_share", area.code);
  const flag = ((options.simulated ?? true) ? 4 : 0) | (options.replayed ? 32 : 0);
  const rows = dict.map((entry) => row(entry, catalogue[entry.indicator], now, flag, options, random));
  return {
    v: 1,
    server_ts: now,
    rate: options.rate ?? 1,
    build: "dev",
    view: {
      id: "main",
      title: { vi: "Toàn cảnh", en: "Overview" },
      tiles: Object.keys(catalogue).filter((id) => !secondary.includes(id)),
      map: "camera.online_share",
      rotation: [
        { title: { vi: "Môi trường", en: "Environment" }, indicators: ["env.water_level", "env.noise_1h"] },
        { title: { vi: "Hạ tầng", en: "Infrastructure" }, indicators: ["device.battery_min"] },
      ],
      dwell_s: options.dwell_s ?? 20,
    },
    profile: {
      id: "sample",
      name: places[0].name,
      zone: "Asia/Ho_Chi_Minh",
      banner: options.replayed
        ? {
            vi: "dữ liệu phát lại – không phải số liệu của tỉnh",
            en: "replayed data – not figures of the province",
          }
        : { vi: "", en: "" },
    },
    domains: {
      env: { vi: "Môi trường", en: "Environment" },
      traffic: { vi: "Giao thông", en: "Traffic" },
      camera: { vi: "Camera", en: "Cameras" },
    },
    indicators: catalogue,
    areas: places,
    dict,
    rows,
    sources: { live: 418, due: 420 },
    units: [
      ["so-nnmt", [null, 0.91, 0.998, 0.8]],
      ["ca-tinh", [null, 0.98, 1, 0.971]],
    ],
    unit_names: {
      "so-nnmt": { vi: "Sở Nông nghiệp và Môi trường", en: "Dept. of Agriculture and Environment" },
      "ca-tinh": { vi: "Công an tỉnh", en: "Provincial Police" },
    },
    badges: {
      "": [null, 0.978, 0.999, 0.961],
      env: [0.97, 0.99, 0.998, 0.8],
      traffic: [null, 0.96, 0.999, 0.95],
      camera: [null, 0.98, 1, 0.971],
    },
    links: [{ name: "embedded", up: true }],
  };
}

const LEVELS = {
  "env.pm25_1h": 34,
  "env.pm10_1h": 61,
  "env.no2_1h": 42,
  "env.o3_8h": 88,
  "traffic.flow_5m": 1_830,
  "traffic.speed_5m": 38,
  "camera.online_share": 97.6,
  "device.restart_day": 12,
  "traffic.accident_1d": 1,
  "report.open": 37,
  "report.late_share": 6.4,
  "env.aqi_h": 84,
  "env.water_level": 1.12,
  "env.noise_1h": 61.4,
  "device.battery_min": 74,
};

function row(entry, indicator, now, flag, options, random) {
  const length = { "1h": HOUR, "5m": HOUR / 12, "1d": 24 * HOUR }[indicator.window] ?? HOUR;
  const start = Math.floor((now + 7 * HOUR) / length) * length - 7 * HOUR;
  const base = LEVELS[entry.indicator] ?? 10;
  const daily = (at) =>
    1 + 0.28 * Math.sin((((at / HOUR + 3) % 24) / 24) * 2 * Math.PI) + 0.1 * (random() - 0.5);
  const value = (at) =>
    Number((base * (indicator.unit === "%" ? 1 - 0.03 * random() : daily(at))).toFixed(indicator.scale));
  const hist = [];
  for (let back = 48; back >= 1; back--) {
    const at = start - back * length;
    hist.push([at, back === 20 || back === 21 ? null : value(at)]);
  }
  const made = {
    id: entry.id,
    t: now - Math.round(random() * 5000),
    v: value(start),
    q: 0,
    f: 2 | flag,
    k: 5,
    m: 5,
    l: indicator.limit === null ? 0 : 1,
    w: [start, start + length],
    b: [null, 0.98, 1, 0.8],
    rev: 0,
    o: 1,
    hist,
  };
  if (entry.area !== PROVINCE) commune(made, entry.id);
  else if (options.showcase) showcase(made, entry.indicator, now, flag);
  else if (entry.indicator === "report.late_share") made.l = 3;
  return made;
}

/** Communes: most normal, a few of every other kind. */
function commune(made, id) {
  delete made.hist;
  const never = {
    t: null,
    v: null,
    q: 130,
    w: null,
    k: 0,
    l: 0,
    f: made.f & ~2,
    b: [null, null, null, null],
  };
  if (id % 31 === 3) Object.assign(made, { v: 62.5, l: 2, k: 4 });
  else if (id % 41 === 5) Object.assign(made, { t: made.t - 9_000_000 });
  else if (id % 37 === 7) Object.assign(made, never, { m: 0 });
  else if (id % 43 === 9) Object.assign(made, { v: null, q: 130 });
}

/** One tile of each kind of the value grammar. */
function showcase(made, indicator, now, flag) {
  const kinds = {
    "env.pm25_1h": { v: 61.3, l: 2, k: 4, f: 2 | 8 | flag, b: [0.97, 0.98, 1, 0.8] },
    "env.pm10_1h": { t: now - 200_000 },
    "env.no2_1h": { t: now - 7_860_000 },
    "env.o3_8h": { v: null, q: 129 },
    "traffic.flow_5m": { f: flag, v: 12_045 },
    "traffic.speed_5m": { q: 64, k: 2, f: 2 | 8 | flag },
    "report.late_share": { v: 6.4, l: 3 },
    "env.aqi_h": { f: 16 | 64 | flag, rev: 3 },
    "device.restart_day": {
      t: null,
      v: null,
      q: 130,
      f: 8,
      w: null,
      k: 0,
      m: 0,
      hist: [],
      b: [null, null, null, null],
    },
  };
  Object.assign(made, kinds[indicator] ?? { f: 16 | 1 | flag, rev: 2 });
}

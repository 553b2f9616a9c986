//! What a device would measure at a moment: daily rhythm, its own character, slow drift and noise, in whole
//! thousandths, so that every machine makes the same digits.

use nhip_proto::Decimal;

use super::dice::Dice;
use super::society;
use super::systems;

/// Thousandths of the natural unit.
pub(super) type Milli = i64;
/// One value for each civil hour.
pub(super) type Rhythm = [i64; 24];

const PM25: Rhythm =
    [41, 43, 44, 46, 47, 46, 42, 37, 31, 26, 22, 19, 17, 16, 16, 17, 19, 23, 28, 32, 35, 37, 38, 40];
pub(super) const TEMPERATURE: Rhythm =
    [26, 25, 25, 24, 24, 24, 24, 25, 27, 29, 30, 32, 33, 33, 33, 33, 32, 31, 29, 28, 28, 27, 27, 26];
const HUMIDITY: Rhythm =
    [86, 88, 89, 90, 91, 91, 90, 86, 79, 72, 66, 61, 57, 55, 55, 57, 61, 66, 72, 77, 80, 82, 84, 85];
const OZONE: Rhythm =
    [18, 16, 15, 14, 13, 12, 14, 20, 32, 45, 58, 68, 75, 80, 78, 70, 58, 44, 34, 28, 25, 23, 21, 19];
/// Vehicles a minute on a middle road: two peaks.
const VEHICLES: Rhythm =
    [2, 1, 1, 1, 2, 6, 15, 27, 24, 17, 15, 16, 17, 15, 15, 17, 23, 30, 25, 17, 12, 9, 6, 4];
pub(super) const FLAT: Rhythm = [1; 24];
/// Two tides a day at the mouth of the Vàm Cỏ, in centimetres.
const TIDE: Rhythm =
    [96, 78, 62, 52, 50, 58, 74, 94, 112, 124, 128, 122, 108, 90, 72, 60, 56, 62, 78, 98, 116, 126, 124, 112];

/// How a quantity behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Rhythm × per mille of scale, drift and noise per mille, floor.
    Level { rhythm: &'static Rhythm, scale: Milli, drift: i64, noise: i64, least: Milli, most: Milli },
    /// Counted vehicles of one minute, by a share per mille of all.
    Vehicles { share: i64 },
    /// Falls as the road fills.
    Speed,
    /// Grows as the road fills.
    Occupancy,
    /// A whole number of things, or the part of them that so many per mille come to: of one throw for all quantities
    /// of a device.
    Counted { whole: i64, spread: i64, share: i64, sway: i64 },
    /// A part of a whole, per mille and by how much it wanders: all parts of one moment have the same whole, so
    /// that a part is never more than it.
    Part { whole: Milli, share: i64, spread: i64 },
    /// What has come together since the year began, of what the year should bring, by its pace per mille.
    YearToDate { whole: Milli, pace: i64 },
    /// What the year should bring.
    YearSize { whole: Milli },
    /// Nearly always 0: above it in so many of a hundred readings, and then at most this.
    Rare { percent: u64, most: u64 },
}

/// A quantity the model knows, in its natural unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gauge {
    behaviour: Behaviour,
    /// The unit of the values; empty: whatever the stream says.
    pub(crate) unit: &'static str,
    /// Digits behind the point.
    digits: u8,
}

pub(super) const fn level(
    rhythm: &'static Rhythm,
    scale: Milli,
    spread: (i64, i64),
    ends: (Milli, Milli),
) -> Behaviour {
    let ((drift, noise), (least, most)) = (spread, ends);
    Behaviour::Level { rhythm, scale, drift, noise, least, most }
}

pub(super) const fn gauge(behaviour: Behaviour, unit: &'static str, digits: u8) -> Gauge {
    Gauge { behaviour, unit, digits }
}

/// A level without rhythm: its middle in thousandths, drift and noise per mille, its ends.
pub(super) const fn level_of(
    scale: Milli,
    spread: (i64, i64),
    ends: (Milli, Milli),
    unit: &'static str,
    digits: u8,
) -> Gauge {
    gauge(level(&FLAT, scale, spread, ends), unit, digits)
}

/// About so many things, give or take per mille of them; of these the share per mille, give or take.
pub(super) const fn counted(whole: i64, spread: i64, (share, sway): (i64, i64)) -> Gauge {
    gauge(Behaviour::Counted { whole, spread, share, sway }, "", 0)
}

/// Nearly always none.
pub(super) const fn rare(percent: u64, most: u64) -> Gauge {
    gauge(Behaviour::Rare { percent, most }, "", 0)
}

/// The gauge of a quantity by the name profiles give it; none: the model does not know it.
pub(crate) fn gauge_of(name: &str) -> Option<Gauge> {
    let air = (1_000, 500_000);
    Some(match name {
        "pm25" | "pm2_5" => gauge(level(&PM25, 1_000, (250, 60), air), "µg/m³", 1),
        "pm10" => gauge(level(&PM25, 1_650, (250, 70), air), "µg/m³", 1),
        "no2" => gauge(level(&VEHICLES, 1_300, (200, 80), (2_000, 200_000)), "µg/m³", 1),
        "so2" => gauge(level(&FLAT, 9_000, (300, 80), (500, 100_000)), "µg/m³", 1),
        "o3" => gauge(level(&OZONE, 1_000, (200, 60), air), "µg/m³", 1),
        "co" => gauge(level(&VEHICLES, 40_000, (200, 60), (150_000, 5_000_000)), "µg/m³", 0),
        "temperature" | "temp" => gauge(level(&TEMPERATURE, 1_000, (60, 8), (8_000, 41_000)), "°C", 1),
        "humidity" => gauge(level(&HUMIDITY, 1_000, (60, 12), (25_000, 100_000)), "%", 1),
        "pressure" => gauge(level(&FLAT, 1_009_000, (4, 1), (980_000, 1_030_000)), "hPa", 1),
        "wind_speed" => gauge(level(&OZONE, 45, (500, 300), (0, 25_000)), "m/s", 1),
        "noise" | "laeq" => gauge(level(&HUMIDITY, 700, (120, 40), (35_000, 100_000)), "dBA", 1),
        "count" | "vehicles" | "vehicle_count" | "volume" => {
            gauge(Behaviour::Vehicles { share: 1_000 }, "", 0)
        }
        "motorbikes" | "motorbike_count" => gauge(Behaviour::Vehicles { share: 700 }, "", 0),
        "cars" | "car_count" => gauge(Behaviour::Vehicles { share: 210 }, "", 0),
        "heavy" | "trucks" | "truck_count" => gauge(Behaviour::Vehicles { share: 90 }, "", 0),
        "speed" | "mean_speed" => gauge(Behaviour::Speed, "km/h", 1),
        "occupancy" => gauge(Behaviour::Occupancy, "%", 1),
        "level" => gauge(level(&TIDE, 10, (60, 10), (-1_000, 2_500)), "m", 2),
        "rain_total" => gauge(level(&FLAT, 150, (3_000, 500), (0, 4_000)), "mm", 1),
        "passages" => gauge(level(&VEHICLES, 700, (300, 200), (0, 90_000)), "", 0),
        "peopleCount" => gauge(level(&VEHICLES, 12_000, (300, 150), (0, 5_000_000)), "", 0),
        "cod" => gauge(level(&FLAT, 92_000, (450, 60), (5_000, 900_000)), "mg/L", 1),
        "tss" => gauge(level(&FLAT, 48_000, (400, 80), (2_000, 600_000)), "mg/L", 1),
        "ph" => gauge(level(&FLAT, 7_200, (40, 10), (3_000, 11_000)), "pH", 2),
        "stack_so2" => gauge(level(&FLAT, 330_000, (350, 60), (20_000, 2_000_000)), "mg/m³", 1),
        "response" => gauge(level(&FLAT, 11_000, (300, 400), (2_000, 90_000)), "min", 1),
        "resolution_time" => gauge(level(&FLAT, 90_000_000, (500, 900), (3_600_000, 900_000_000)), "s", 0),
        "requests" => gauge(level(&FLAT, 1_000, (0, 0), (1_000, 1_000)), "", 0),
        "killed" => gauge(Behaviour::Rare { percent: 12, most: 2 }, "", 0),
        "injured" => gauge(Behaviour::Rare { percent: 60, most: 3 }, "", 0),
        "battery" => gauge(level(&FLAT, 88_000, (80, 5), (5_000, 100_000)), "%", 0),
        "voltage" | "supply_voltage" => gauge(level(&FLAT, 12_600, (30, 6), (10_500, 14_400)), "V", 2),
        "signal" | "rssi" => gauge(level(&FLAT, -71_000, (120, 40), (-110_000, -45_000)), "dBm", 0),
        "cpu" | "cpu_load" | "load" => gauge(level(&VEHICLES, 2_000, (150, 200), (2_000, 98_000)), "%", 1),
        "fps" | "frame_rate" => gauge(level(&FLAT, 24_600, (10, 10), (1_000, 30_000)), "", 1),
        "bitrate" => gauge(level(&FLAT, 3_900_000, (150, 60), (200_000, 9_000_000)), "", 0),
        "latency" | "latency_ms" | "delay" | "rtt" => {
            gauge(level(&VEHICLES, 900, (300, 400), (3_000, 900_000)), "ms", 0)
        }
        _ => {
            let known = systems::gauge_of(name).or_else(|| society::gauge_of(name));
            return known.or_else(|| super::water::gauge_of(name));
        }
    })
}

/// Whether a quantity is a running total: its gauge tells the step of one slot.
pub(crate) fn step_of(name: &str) -> bool {
    matches!(name, "rain_total" | "passages")
}

/// One device's moment.
pub(crate) struct Moment<'a> {
    /// The dice of the device.
    pub(crate) dice: &'a Dice,
    /// UTC seconds.
    pub(crate) seconds: i64,
    /// Seconds since civil midnight.
    pub(crate) civil_s: i64,
    /// Which of the device's quantities is asked, so that they differ.
    pub(crate) purpose: u64,
    /// Minutes one reading covers.
    pub(crate) minutes: i64,
    /// Per mille of its civil year behind it.
    pub(crate) year: i64,
}

impl Gauge {
    /// Whether values are counts that add up over a period.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.behaviour, Behaviour::Vehicles { .. })
    }

    /// The most one minute may count.
    pub(crate) fn count_max(&self) -> i64 {
        100
    }

    /// The value in thousandths of the natural unit.
    pub(crate) fn milli(&self, moment: &Moment<'_>) -> Milli {
        match self.behaviour {
            Behaviour::Level { rhythm, scale, drift, noise, least, most } => {
                let shape = moment.rhythm(rhythm) * scale / 1_000;
                let wander = 1_000 + moment.character(120) + moment.drift(drift) + moment.noise(noise);
                (shape * wander / 1_000).clamp(least, most)
            }
            Behaviour::Vehicles { share } => {
                let flow = moment.vehicles() * share / 1_000 * moment.minutes.max(1);
                // One throw for all classes, so that a part is never more than the whole.
                let spread = 1_000 + moment.dice.around(moment.seconds, 59, 350);
                let dither = moment.dice.throw(moment.seconds, 58, 1_000) as i64;
                ((flow * spread / 1_000 + dither) / 1_000 * 1_000).clamp(0, self.count_max() * 1_000)
            }
            Behaviour::Speed => {
                let free = 52_000 + moment.character(250) * 40;
                let slowed = free - moment.vehicles() * 55 / 100;
                (slowed * (1_000 + moment.noise(60)) / 1_000).clamp(6_000, 110_000)
            }
            Behaviour::Counted { whole, spread, share, sway } => {
                let size = 1_000 + moment.dice.around(0, 63, spread / 2);
                let all =
                    whole * size / 1_000 * (1_000 + moment.dice.around(moment.seconds, 62, spread)) / 1_000;
                (all.max(0) * (share + moment.noise(sway)).clamp(0, 1_000) / 1_000) * 1_000
            }
            Behaviour::Part { whole, share, spread } => {
                let share =
                    (share + moment.dice.around(moment.seconds, moment.purpose + 40, spread)).clamp(0, 1_000);
                moment.whole(whole) / 1_000 * share / 1_000 * 1_000
            }
            Behaviour::YearToDate { whole, pace } => {
                moment.year_size(whole) * moment.year / 1_000 * pace / 1_000
            }
            Behaviour::YearSize { whole } => moment.year_size(whole),
            Behaviour::Rare { percent, most } => {
                let some = moment.dice.throw(moment.seconds, moment.purpose + 30, 100) < percent;
                let count = 1 + moment.dice.throw(moment.seconds, moment.purpose + 31, most) as i64;
                if some { count * 1_000 } else { 0 }
            }
            Behaviour::Occupancy => {
                (moment.vehicles() * 55 / 100 * (1_000 + moment.noise(80)) / 1_000).clamp(0, 96_000)
            }
        }
    }

    /// Thousandths as a decimal with this gauge's digits.
    pub(crate) fn decimal(&self, milli: Milli) -> Decimal {
        let dropped = 10_i64.pow(3 - u32::from(self.digits.min(3)));
        Decimal::new(i128::from(milli.div_euclid(dropped)), self.digits.min(3))
    }
}

impl Moment<'_> {
    /// The daily rhythm in thousandths, straight between the hours.
    fn rhythm(&self, rhythm: &Rhythm) -> Milli {
        let (hour, into) = (self.civil_s / 3_600 % 24, self.civil_s % 3_600);
        let at = |hour: i64| rhythm.get((hour % 24) as usize).copied().unwrap_or(0) * 1_000;
        at(hour) + (at(hour + 1) - at(hour)) * into / 3_600
    }

    /// Vehicles a minute in thousandths on this road, without the noise of one minute.
    fn vehicles(&self) -> Milli {
        let size = 1_000 + self.dice.around(0, 60, 600);
        let drift = 1_000 + self.dice.drift(self.seconds, 1_800, 61, 180);
        self.rhythm(&VEHICLES) * size / 1_000 * drift / 1_000
    }

    /// The whole that parts are of: larger in one place than in another, and a little different each time.
    fn whole(&self, usual: Milli) -> Milli {
        self.year_size(usual) * (1_000 + self.dice.around(self.seconds, 59, 60)) / 1_000
    }

    /// What the year should bring one sender.
    fn year_size(&self, usual: Milli) -> Milli {
        usual * (1_000 + self.dice.around(0, 60, 300)) / 1_000
    }

    /// What sets this device apart for ever, per mille.
    fn character(&self, span: i64) -> i64 {
        self.dice.around(0, self.purpose, span)
    }

    /// Per mille that wanders over hours.
    fn drift(&self, span: i64) -> i64 {
        self.dice.drift(self.seconds, 3 * 3_600, self.purpose + 20, span)
    }

    /// Per mille of this moment only.
    fn noise(&self, span: i64) -> i64 {
        self.dice.around(self.seconds, self.purpose + 40, span)
    }
}

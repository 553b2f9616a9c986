//! How fast records go into the archive and come back, and how many bytes they take. Generator: 2,000 sources in turn,
//! one message in 20 ms each with three numbers in the clear and 216 random sealed bytes; a Tick each second.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use nhip_history::archive::{Archive, Part};
use nhip_ports::memory::MemoryLog;
use nhip_ports::{EventLog as _, ReadLimit};
use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, Item, ItemName, ItemValue, MILLISECOND, Message,
    MessageBody, Offset, Record, SourceId, StreamId, Tick, encode_record,
};

const SOURCES: u64 = 2_000;
const SEALED_BYTES: usize = 216;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(200_000_u64);
    let runtime = tokio::runtime::Runtime::new()?;
    let log = MemoryLog::new();
    let mut noise = blake3::Hasher::new().finalize_xof();
    let records: Vec<Record> = (0..wanted).map(|number| record(number, &mut noise)).collect();
    let log_bytes: usize = records.iter().map(bytes_of).sum();
    runtime.block_on(async { log.append(records).await?.durable().await })?;
    let directory = tempfile::tempdir()?;
    let archive = Archive::open(directory.path())?;
    archive.sweep(Offset(0))?;
    let part = Part { first: Offset(0), end: Offset(wanted), chain_before: [0; 32], chain: [1; 32] };
    let began = Instant::now();
    let file =
        archive.seal(part, &mut |from, limit| runtime.block_on(log.read(from, limit)), &mut |_| true)?;
    let sealed_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let (mut at, limit) = (Offset(0), ReadLimit { records_max: 8_192, bytes_max: 8 << 20 });
    while at < archive.end() {
        at = archive.read(at, limit)?.last().map_or(archive.end(), |last| last.offset.next());
    }
    let read_s = began.elapsed().as_secs_f64();
    let each = |bytes: f64| bytes / wanted as f64;
    writeln!(
        std::io::stdout(),
        "records {wanted}\nbytes per record: log {:.1}, archive {:.1}, of it sealed {SEALED_BYTES}\n\
         sealed (written, read back, compared) {:.0} records/s\nread {:.0} records/s",
        each(log_bytes as f64),
        each(file.bytes as f64),
        wanted as f64 / sealed_s,
        wanted as f64 / read_s,
    )?;
    Ok(())
}

fn record(number: u64, noise: &mut blake3::OutputReader) -> Record {
    let at = ArrivalTime(1_900_000_000_000_000_000 + number.cast_signed() * 20 * MILLISECOND / 40);
    if number.is_multiple_of(2_000) {
        return Record::Tick(Tick { at });
    }
    let source = number % SOURCES;
    let event_time = EventTime(at.0 - 500 * MILLISECOND);
    let item = |name: &str, value: u64| Item {
        event_time: Some(event_time),
        sequence: Some(number / SOURCES),
        ..Item::bare(ItemName::Text(name.to_owned()), ItemValue::Number(Decimal::new(i128::from(value), 1)))
    };
    let mut sealed = vec![0; SEALED_BYTES];
    noise.fill(&mut sealed);
    let (nonce, payload_hash) = (fixed(&sealed, 0), fixed(&sealed, 100));
    Record::Message(Box::new(Message {
        arrival: at,
        source: SourceId::new(&format!("station-{source:04}")),
        stream: StreamId::new("air"),
        topic: format!("nhip/v1/tay-ninh/air/station-{source:04}"),
        dialect: "native-json@1".to_owned(),
        profile_hash: [7; 16],
        principal: "gateway-1".to_owned(),
        epoch: 42,
        dedication: Dedication { qos: 1, retain: false, dup: false },
        partition: (source % 64) as u8,
        body: MessageBody::Items(vec![
            item("pm25", 100 + number % 400),
            item("pm10", 200 + number % 700),
            item("temperature", 250 + number % 90),
        ]),
        session: None,
        sealed: Some(nhip_proto::Sealed {
            key: "machine/2030-03-17".to_owned(),
            nonce,
            ciphertext: sealed.into(),
            payload_hash,
        }),
    }))
}

fn fixed<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut taken = [0; N];
    taken.iter_mut().zip(bytes.iter().skip(from)).for_each(|(to, byte)| *to = *byte);
    taken
}

fn bytes_of(record: &Record) -> usize {
    let mut bytes = Vec::new();
    encode_record(record, &mut bytes);
    bytes.len()
}

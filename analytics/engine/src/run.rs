//! A run of messages between two barriers: sessions first, then partitions, on several threads where it pays.

use nhip_proto::{Entry, Logged, Message, Record, SourceId, StreamId};

use crate::admit::{Frame, Output, REFUSED_MAX, Task, perform};
use crate::engine::{Engine, Partition};
use crate::plan::Plan;
use crate::{Effects, RebirthRequest};

/// Shorter runs stay on one thread: starting workers costs more than they save.
const PARALLEL_MIN: usize = 2_048;
/// Touches are merged after this many messages, while they are still in the cache.
const CHUNK: usize = 512;

/// One task with its offset and its source's place inside a partition.
struct Work<'a> {
    offset: u64,
    place: u32,
    partition: u8,
    task: Task<'a>,
}

impl Engine {
    /// Takes messages in; what they do is the same for any threads and any split into runs.
    pub(crate) fn take_messages(&mut self, messages: &[Logged], effects: &mut Effects) {
        let threads = if messages.len() < PARALLEL_MIN { 1 } else { self.settings.threads.clamp(1, 64) };
        while self.outputs.len() < threads {
            let mut output = Output::default();
            output.prepare(&self.plan);
            self.outputs.push(output);
        }
        let chunk = if threads == 1 { CHUNK } else { messages.len() };
        let mut works = Vec::with_capacity(chunk.min(messages.len()));
        for part in messages.chunks(chunk.max(1)) {
            works.clear();
            for logged in part {
                match &logged.record {
                    Record::Message(message) => self.hear(logged.offset.0, message, &mut works, effects),
                    Record::Entry(entry) => self.hear_entry(logged.offset.0, entry, &mut works),
                    _ => {}
                }
            }
            self.work(std::mem::take(&mut works), threads);
            self.merge(threads);
        }
    }

    /// Finds the source and what the session says; runs in offset order.
    fn hear<'a>(
        &mut self,
        offset: u64,
        message: &'a Message,
        works: &mut Vec<Work<'a>>,
        effects: &mut Effects,
    ) {
        let number = self.source_number(&message.source, &message.stream, message.arrival.0);
        if !self.typed.is_empty() {
            self.typed.remove(&number);
        }
        let mut meanings = None;
        let mut offline = Vec::new();
        if let Some(session) = &message.session {
            let heard = self.nodes.hear(message, session, number, &self.words);
            (meanings, offline) = (heard.meanings, heard.offline);
            if heard.rebirth {
                effects.rebirths.push(RebirthRequest { node: session.node.clone() });
            }
        }
        // Sources get their numbers and nodes are followed all the same: both are of all streams.
        if self.sub_plan.as_ref().is_none_or(|sub_plan| sub_plan.needs(&message.stream)) {
            self.push(works, offset, number, Task::Message(message, meanings));
        }
        for number in offline {
            self.push(works, offset, number, Task::Offline(message.arrival.0));
        }
    }

    /// What a person typed is of the source it is about.
    fn hear_entry<'a>(&mut self, offset: u64, entry: &'a Entry, works: &mut Vec<Work<'a>>) {
        self.others.entries += 1;
        let stream = StreamId::new(&entry.stream);
        let number = self.source_number(&SourceId::new(&entry.subject), &stream, entry.at.0);
        self.typed.insert(number);
        if self.sub_plan.as_ref().is_none_or(|sub_plan| sub_plan.needs(&stream)) {
            self.push(works, offset, number, Task::Entry(entry));
        }
    }

    fn push<'a>(&self, works: &mut Vec<Work<'a>>, offset: u64, number: u32, task: Task<'a>) {
        if let Some((partition, place)) = self.homes.get(number as usize).copied() {
            works.push(Work { offset, place, partition, task });
        }
    }

    fn work(&mut self, works: Vec<Work<'_>>, threads: usize) {
        let tick = self.tick.map(|(_, at)| at);
        let frame = Frame { plan: &self.plan, tick, entering: self.entering.as_ref() };
        let (partitions, outputs) = (&mut self.partitions, &mut self.outputs);
        if threads == 1 {
            if let Some(output) = outputs.first_mut() {
                perform_all(partitions, 0, works, frame, output);
            }
            return;
        }
        let each = partitions.len().div_ceil(threads);
        let mut shares: Vec<Vec<Work<'_>>> = (0..threads).map(|_| Vec::new()).collect();
        for work in works {
            if let Some(share) = shares.get_mut(usize::from(work.partition) / each) {
                share.push(work);
            }
        }
        std::thread::scope(|scope| {
            let parts = partitions.chunks_mut(each).zip(outputs.iter_mut()).zip(shares);
            for (worker, ((part, output), share)) in parts.enumerate() {
                scope.spawn(move || perform_all(part, worker * each, share, frame, output));
            }
        });
    }

    /// The barrier: touches in partition order, rejections in offset order.
    fn merge(&mut self, threads: usize) {
        merge_touches(&mut self.board, &self.plan, &mut self.outputs);
        let (mut refused, mut late) = (Vec::new(), Vec::new());
        for output in self.outputs.iter_mut().take(threads) {
            self.changed_sources.append(&mut output.changed);
            self.watch.stirred.append(&mut output.stirred);
            self.case_watch.take(&mut output.woken);
            refused.append(&mut output.refused);
            late.append(&mut output.late);
        }
        if !late.is_empty() {
            self.amends.remember_late(late);
        }
        refused.sort_by_key(|refused| (refused.offset, refused.place));
        self.refused.extend(refused);
        while self.refused.len() > REFUSED_MAX {
            self.refused.pop_front();
        }
    }
}

fn merge_touches(board: &mut crate::lane::Board, plan: &Plan, outputs: &mut [Output]) {
    for output in outputs {
        for touch in output.touches.drain(..) {
            board.take(plan, &touch);
        }
    }
}

fn perform_all(
    partitions: &mut [Partition],
    first: usize,
    works: Vec<Work<'_>>,
    frame: Frame<'_>,
    output: &mut Output,
) {
    for work in works {
        let partition = usize::from(work.partition).checked_sub(first).and_then(|at| partitions.get_mut(at));
        let source = partition.and_then(|partition| partition.sources.get_mut(work.place as usize));
        if let Some(source) = source {
            perform(source, work.offset, work.task, frame, output);
        }
    }
}

//! A node whose clock stands still until the test steps it, and knows when everything sent has been applied.

use std::time::Duration;

use nhip_proto::{ArrivalTime, MILLISECOND, SECOND};

use crate::http::{metric, post};
use crate::node::{Node, NodeOptions};
use crate::wait::until;

/// How long a step may take to become a Tick and be applied (a loaded test machine, an unoptimised build).
const APPLIED_MAX: Duration = Duration::from_secs(60);

/// The node and where its clock stands.
#[derive(Debug)]
pub struct SteppedNode {
    /// The node.
    pub node: Node,
    options: NodeOptions,
    now: ArrivalTime,
    /// The log's end before this process opened it.
    base: f64,
}

impl SteppedNode {
    /// Starts one with `--speed 0 --clock START`; the first Tick is in the log when this returns.
    ///
    /// # Errors
    /// What the node said, if it is not ready.
    pub fn start(options: NodeOptions, start: ArrivalTime) -> Result<Self, String> {
        let text =
            jiff::Timestamp::from_nanosecond(i128::from(start.0)).map_err(|error| error.to_string())?;
        let options = options.set("--speed", "0").set("--clock", &text.to_string());
        let node = Node::start(&options)?;
        let stepped = Self { node, options, now: start, base: 0.0 };
        stepped.first_tick();
        Ok(stepped)
    }

    /// Where the clock stands.
    #[must_use]
    pub fn now(&self) -> ArrivalTime {
        self.now
    }

    /// Moves the clock on to a time (never back) and waits until its Tick is applied.
    pub fn step_to(&mut self, at: ArrivalTime) {
        let span = at.since(self.now);
        if span <= 0 {
            return;
        }
        assert_eq!(at.0 % SECOND, 0, "Ticks fall on whole seconds: step to one");
        let ticks = self.ticks();
        let body = format!("{{\"step_ms\":{}}}", span / MILLISECOND);
        let answer = post(self.node.http, "/clock", "application/json", body.as_bytes()).expect("an answer");
        assert_eq!(answer.0, 200, "{}", answer.1);
        self.now = at;
        until("the step becomes a Tick", APPLIED_MAX, || self.ticks() > ticks);
        self.settle();
    }

    /// Waits until the engine has applied every record that is in the log.
    pub fn settle(&self) {
        let end = self.end();
        until("the log is applied", APPLIED_MAX, || {
            metric(self.node.http, "nhip_analytics_applied_offset").is_some_and(|applied| applied >= end)
        });
    }

    /// Stops the node with SIGTERM and starts it again with the same flags; its clock goes on where it stood.
    pub fn restart(&mut self) {
        self.settle();
        let end = self.end();
        assert!(self.node.stop().success(), "{}", self.node.said());
        self.node = Node::start(&self.options).expect("the node starts again");
        self.base = end;
        self.first_tick();
    }

    /// `kill -9`, then the same start again.
    pub fn kill_and_start(&mut self) {
        self.kill();
        self.start_again();
    }

    /// `kill -9`: what lies on the disk then stays as it is until the node starts again.
    pub fn kill(&mut self) {
        self.base = self.end();
        self.node.kill();
    }

    /// The same start again, after [`SteppedNode::kill`].
    pub fn start_again(&mut self) {
        self.node = Node::start(&self.options).expect("the node starts again");
        self.first_tick();
    }

    /// The offset after the last record.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.base + metric(self.node.http, "nhip_log_records_total").unwrap_or(0.0)
    }

    fn first_tick(&self) {
        until("the first Tick", APPLIED_MAX, || self.ticks() > 0.0);
        self.settle();
    }

    fn ticks(&self) -> f64 {
        metric(self.node.http, "nhip_ingest_ticks_total").unwrap_or(0.0)
    }
}

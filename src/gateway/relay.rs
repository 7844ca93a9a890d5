//! Runs a streamed answer into the client's connection, and knows how it ended.

use std::cell::RefCell;
use std::rc::Rc;

use super::attempt::{Source, cancel};
use super::batches::together;
use super::continuation::{Continuation, Onward};
use super::flight::Flight;
use super::host::{Body, Gone, Host, Sink};
use super::race::{First, race};
use super::record::Record;
use super::settle::{Books, Ending};
use crate::error::Error;
use crate::http::HttpRequest;
use crate::money::Money;
use crate::openai::Usage;
use crate::provider::StreamReader;
use crate::secret::{Secret, redact};

/// How long an upstream that has said its last word may take to close, in ms: a connection that is read to its end can be
/// used again.
const CLOSING_MS: u64 = 1_000;

/// A streamed answer on its way.
pub struct Relay<B> {
    pub(super) reader: Box<StreamReader>,
    pub(super) body: Source<B>,
    /// What ends the job that the stream is of, if it is of one.
    pub(super) running: Option<HttpRequest>,
    pub(super) record: Record,
    /// What the answer is priced by.
    pub(super) ending: Ending,
    /// What is told of what it has used.
    pub(super) books: Books,
    /// Says that the deployment is busy with it.
    pub(super) flight: Rc<Flight>,
    /// Cut out of errors that come inside of the stream.
    pub(super) secrets: Vec<Secret>,
    /// How long the whole stream may take, in ms from now.
    pub(super) longest_ms: u64,
    /// Who goes on with it when it breaks.
    pub(super) onward: Option<Box<Continuation>>,
    /// What those have used that it was gone on after.
    pub(super) before: Option<Usage>,
}

/// How a stream ended.
enum End {
    Whole,
    Broken(Error),
    ClientGone,
}

impl<B: Body> Relay<B> {
    /// Runs the stream to its end: the upstream's, the client's, or the bound of its time.
    ///
    /// What is read is handed to the sink before more is read, so a slow client slows the upstream and fills no memory. When this
    /// returns, the upstream's connection is read to its end, or closed.
    pub async fn run<H: Host<Body = B>, S: Sink>(mut self, host: &H, sink: &mut S) {
        let bound = host.sleep(self.longest_ms);
        let end = match race(self.whole(host, sink), bound).await {
            First::Left(Ok(())) => End::Whole,
            First::Left(Err(Stop::Gone)) => End::ClientGone,
            First::Left(Err(Stop::Broken(error))) => End::Broken(error),
            First::Right(()) => {
                End::Broken(self.reader.broken("the stream took longer than it may: raise `request_timeout`"))
            }
        };
        if !matches!(end, End::Whole) {
            self.close(host).await;
        }
        // The books first: a client that has seen the end finds it in them.
        let mut used = self.ending.of_stream(self.reader.out());
        self.record.charge.clone_from(&used.charge);
        match &end {
            End::Whole => self.flight.succeeded(used.usage.as_ref(), host.now_ms()),
            End::Broken(error) => drop(self.flight.failed(error, host.now_ms())),
            End::ClientGone => self.flight.land(host.now_ms()),
        }
        if let (Some(before), Some(usage)) = (&self.before, &mut used.usage) {
            *usage = together(before, usage);
            self.reader.out().replace_usage(usage.clone());
        }
        if matches!(end, End::Whole) {
            self.books.settle(host, &self.record, &used).await;
        } else {
            self.books.settle_broken(host, &self.record, &used).await;
        }
        let end = self.write_end(sink, end).await;
        self.note(host, &end, used.usage.as_ref());
        if let Some(note) = self.books.take_note() {
            note.write(host).await;
        }
        if matches!(end, End::Whole) {
            race(self.drain(), host.sleep(CLOSING_MS)).await;
        }
    }

    /// Relays, and goes on with another upstream when one breaks.
    async fn whole<H: Host<Body = B>, S: Sink>(&mut self, host: &H, sink: &mut S) -> Result<(), Stop> {
        loop {
            match self.relay(host, sink).await {
                Err(Stop::Broken(error)) if error.falls_back() && self.onward.is_some() => {
                    let bytes = self.news();
                    if !bytes.is_empty() {
                        sink.write(bytes).await?;
                    }
                    self.go_on(host, sink, error).await?;
                }
                end => return end,
            }
        }
    }

    /// Goes on after `error` with the next deployment that may.
    async fn go_on<H: Host<Body = B>, S: Sink>(&mut self, host: &H, sink: &mut S, error: Error) -> Result<(), Stop> {
        if self.onward.as_ref().is_none_or(|onward| onward.splice.open().is_none()) {
            return Err(Stop::Broken(error));
        }
        self.close(host).await;
        let Some(onward) = &mut self.onward else { return Err(Stop::Broken(error)) };
        self.flight.failed(&error, host.now_ms());
        let used = self.ending.of_stream(self.reader.out());
        self.books.leave(host, &used).await;
        let next = onward.next(host, sink, self.books.hold(), &used, &error, &mut self.record).await;
        let Some(mut next) = next else {
            self.ending.beside += onward.lost;
            return Err(Stop::Broken(error));
        };
        next.ending.beside += std::mem::take(&mut onward.lost);
        self.before = match (self.before.take(), used.usage) {
            (Some(before), Some(usage)) => Some(together(&before, &usage)),
            (before, usage) => before.or(usage),
        };
        let Onward { reader, body, running, ending, flight, seat, secrets, mark } = next;
        (self.reader, self.body, self.running) = (reader, body, running);
        (self.ending, self.flight) = (ending, flight);
        self.books.sit(seat);
        self.secrets.extend(secrets);
        sink.write(mark).await?;
        Ok(())
    }

    /// Leaves the upstream: nobody wants the rest, and it is told at once.
    async fn close<H: Host<Body = B>>(&mut self, host: &H) {
        self.body = Source::Local(None);
        cancel(host, &RefCell::new(self.running.take())).await;
    }

    /// What there is to be written to the client.
    fn news(&mut self) -> Vec<u8> {
        let bytes = self.reader.out().take();
        match &mut self.onward {
            Some(onward) if !bytes.is_empty() => onward.splice.pass(bytes),
            _ => bytes,
        }
    }

    async fn relay<H: Host<Body = B>, S: Sink>(&mut self, host: &H, sink: &mut S) -> Result<(), Stop> {
        loop {
            let bytes = self.news();
            if !bytes.is_empty() {
                sink.write(bytes).await?;
            }
            if self.reader.out().is_ended() {
                return Ok(());
            }
            let (ending, out) = (&self.ending, self.reader.out());
            let cost = || ending.of_stream(out).charge.map_or(Money::ZERO, |charge| charge.total);
            self.books.checkpoint(host, &cost).await;
            match race(self.body.chunk(), sink.gone()).await {
                First::Left(Ok(Some(bytes))) => self.reader.push(&bytes)?,
                First::Left(Ok(None)) => return Ok(self.reader.finish()?),
                First::Left(Err(_)) => return Err(Stop::Broken(self.reader.broken("the upstream's connection broke"))),
                First::Right(()) => return Err(Stop::Gone),
            }
        }
    }

    /// Writes what the end of the stream asks for: usage and `[DONE]`, or an error event and nothing after it.
    async fn write_end<S: Sink>(&mut self, sink: &mut S, end: End) -> End {
        let out = self.reader.out();
        let end = match end {
            End::Whole => {
                out.write_tail(self.record.charge.as_ref().map(|charge| charge.total));
                End::Whole
            }
            End::Broken(error) => {
                let error = error.map_message(|message| redact(message, &self.secrets));
                out.write_error(&error);
                End::Broken(error)
            }
            End::ClientGone => return End::ClientGone,
        };
        let bytes = self.news();
        if sink.write(bytes).await.is_err() || sink.flush().await.is_err() {
            return End::ClientGone;
        }
        end
    }

    fn note<H: Host>(&self, host: &H, end: &End, usage: Option<&Usage>) {
        match end {
            End::Whole => self.record.write(host, 200, "ok", usage, None),
            End::ClientGone => self.record.write(host, 499, "client_gone", usage, None),
            End::Broken(error) => self.record.write(host, error.status(), "upstream_broken", usage, Some(error)),
        }
    }

    async fn drain(&mut self) {
        while let Ok(Some(_)) = self.body.chunk().await {}
    }
}

/// Why relaying stopped before the upstream's terminal event.
enum Stop {
    Gone,
    Broken(Error),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

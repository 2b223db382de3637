//! The way of log lines to their reader: a bounded queue and one thread. A full queue drops lines and counts them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait for a slow reader; a few MB at most.
const QUEUE: usize = 4096;
/// A longer line is cut: nothing we log is, and the queue is bounded in bytes too.
const LONGEST: usize = 16 * 1024;
/// How long the end of the process waits for a reader that has stopped reading.
const LAST_WORDS: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    /// Answered when every line before it is written.
    Flush(SyncSender<()>),
}

/// The writing end. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pipe {
    lines: SyncSender<Message>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dropped: AtomicU64,
    /// The reader is gone for good; nothing is queued any more.
    broken: AtomicBool,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pipe({} dropped)", self.shared.dropped.load(Ordering::Relaxed))
    }
}

impl Pipe {
    /// Starts the thread that writes to `out`. It ends when the last clone is gone.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_queue(out, QUEUE)
    }

    fn with_queue(out: impl Write + Send + 'static, queue: usize) -> io::Result<Self> {
        let (lines, received) = sync_channel(queue);
        let shared = Arc::new(Shared::default());
        let writer = Writer { out, shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&received))?;
        Ok(Self { lines, shared })
    }

    /// Waits until all lines so far are written, but not for a reader that has stopped reading.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        let mut patience = 20;
        while let Err(TrySendError::Full(back)) = self.lines.try_send(message) {
            message = back;
            patience -= 1;
            if patience == 0 {
                return;
            }
            std::thread::park_timeout(LAST_WORDS / 20);
        }
        let _: Result<(), RecvTimeoutError> = written.recv_timeout(LAST_WORDS);
    }

    fn send(&self, line: &[u8]) {
        if self.shared.broken.load(Ordering::Relaxed) {
            return;
        }
        let mut line = line[..line.len().min(LONGEST)].to_vec();
        if line.len() == LONGEST {
            line.push(b'\n');
        }
        if self.lines.try_send(Message::Line(line)).is_err() {
            self.shared.lost();
        }
    }
}

impl Shared {
    fn lost(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("valetkey_log_lines_dropped_total").increment(1);
    }
}

impl Write for Pipe {
    /// The formatter hands over one whole line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.send(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Pipe {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

struct Writer<W> {
    out: W,
    shared: Arc<Shared>,
}

impl<W: Write> Writer<W> {
    fn run(mut self, received: &Receiver<Message>) {
        while let Ok(message) = received.recv() {
            match message {
                Message::Line(line) => {
                    // A full disk, for one.
                    if !self.write(&line) {
                        self.shared.lost();
                    }
                }
                Message::Flush(done) => {
                    self.out.flush().ok();
                    done.try_send(()).ok();
                }
            }
            let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
            let told = || {
                format!(
                    "{{\"level\":\"WARN\",\"target\":\"valetkey::log\",\"message\":\"{dropped} log lines were dropped: their reader was too slow, or their disk full\"}}\n"
                )
            };
            if dropped > 0 && !self.write(told().as_bytes()) {
                self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
            }
        }
    }

    /// Without a reader (a closed pipe) logging ends; the server does not.
    fn write(&mut self, line: &[u8]) -> bool {
        let written = self.out.write_all(line);
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.shared.broken.store(true, Ordering::Relaxed);
        }
        written.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Hands each line to the test, and waits until the test takes it.
    struct Slow(mpsc::SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(line).into_owned()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_reader_costs_lines_and_never_a_wait() {
        let (give, take) = mpsc::sync_channel(0);
        let pipe = Pipe::with_queue(Slow(give), 2).expect("a thread");
        for n in 0..50 {
            pipe.send(format!("line {n}\n").as_bytes());
        }
        assert!(pipe.shared.dropped.load(Ordering::Relaxed) >= 47);
        let mut lines = Vec::new();
        while let Ok(line) = take.recv_timeout(Duration::from_secs(5)) {
            let told = line.contains("were dropped");
            lines.push(line);
            if told {
                break;
            }
        }
        assert_eq!(lines[0], "line 0\n");
        assert!(lines.last().is_some_and(|line| line.contains("log lines were dropped")), "{lines:?}");
    }

    /// A disk that is full until the given write.
    struct Full(u32, mpsc::Sender<String>);

    impl Write for Full {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_sub(1);
            if self.0 > 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.1.send(String::from_utf8_lossy(line).into_owned()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_refuses_are_counted_and_told_when_there_is_room() {
        let (give, take) = mpsc::channel();
        // Each lost line is told of at once, in vain: two writes.
        let pipe = Pipe::start(Full(7, give)).expect("a thread");
        for n in 0..3 {
            pipe.send(format!("line {n}\n").as_bytes());
        }
        pipe.flush();
        pipe.send(b"room again\n");
        pipe.flush();
        let lines: Vec<_> = take.try_iter().collect();
        assert!(lines.first().is_some_and(|line| line.contains("3 log lines were dropped")), "{lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("room again\n"));
    }

    #[test]
    fn all_lines_are_written_before_the_end_and_a_broken_pipe_is_let_go() {
        let (give, take) = mpsc::sync_channel(100);
        let pipe = Pipe::start(Slow(give)).expect("a thread");
        for n in 0..20 {
            pipe.send(format!("line {n}\n").as_bytes());
        }
        pipe.flush();
        assert_eq!(take.try_iter().count(), 20);
        drop(take);
        pipe.send(b"into nothing\n");
        pipe.flush();
        assert!(pipe.shared.broken.load(Ordering::Relaxed));
    }
}

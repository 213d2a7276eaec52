//! A contender at work: its process, folder and port, on the processors that are its own.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use harness::browser::browser;
use harness::eventually::{Stopwatch, within};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tempfile::TempDir;

use crate::contender::{Contender, Job, Question};
use crate::guard::{self, Guard};
use crate::usage::{Spent, group, memory};

/// How long one may take to come up.
const START: Duration = Duration::from_secs(20);
/// How long an answer about its state may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Which processors belong to whom.
#[derive(Clone)]
pub(crate) struct Cores {
    /// Those of the contender, which runs alone there.
    pub(crate) contender: CpuSet,
    /// Those of the load and of the origin.
    pub(crate) rest: CpuSet,
}

impl Cores {
    /// The first `count` processors for the contenders and the others for us; or all for all.
    pub(crate) fn of(count: usize, split: bool) -> Result<Self> {
        let all = sched_getaffinity(None)?;
        if !split {
            return Ok(Self { contender: all, rest: all });
        }
        let (mut contender, mut rest) = (CpuSet::new(), CpuSet::new());
        for core in (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)) {
            if contender.count() < u32::try_from(count)? { &mut contender } else { &mut rest }.set(core);
        }
        if rest.count() == 0 {
            bail!(
                "{count} processors for the proxies and one for the load are more than there are: try --pin none"
            );
        }
        Ok(Self { contender, rest })
    }

    /// Keeps this thread, and those that it starts, on the processors of load and origin.
    pub(crate) fn enter(&self) -> Result<()> {
        Ok(sched_setaffinity(None, &self.rest)?)
    }

    /// Starts a process on the contender's processors: it inherits those of the thread that starts it.
    fn start(&self, command: &mut Command) -> Result<Child> {
        sched_setaffinity(None, &self.contender)?;
        let child = command.spawn();
        self.enter()?;
        child.with_context(|| format!("{command:?} does not start"))
    }
}

/// What a contender is started for, besides what depends on the moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Task<'a> {
    pub(crate) members: &'a [SocketAddr],
    pub(crate) log: bool,
    pub(crate) sticky: bool,
    pub(crate) threads: usize,
    pub(crate) at_once: usize,
}

/// A contender that serves. It must be stopped; the guard stops it if we cannot.
pub(crate) struct Running {
    pub(crate) contender: Contender,
    child: Child,
    folder: TempDir,
    processes: Vec<u32>,
    port: u16,
}

impl Running {
    pub(crate) fn start(contender: Contender, task: Task, cores: &Cores, guard: &mut Guard) -> Result<Self> {
        // Another process may take the port between our asking and its listening.
        let mut last = None;
        for _ in 0..3 {
            match Self::try_start(contender, task, cores, guard) {
                Ok(running) => return Ok(running),
                Err(why) => last = Some(why),
            }
        }
        Err(last.context("it was never tried")?)
    }

    fn try_start(contender: Contender, task: Task, cores: &Cores, guard: &mut Guard) -> Result<Self> {
        let folder = harness::proxy::folder();
        guard.remove(folder.path())?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let job = Job {
            port,
            folder: folder.path().to_owned(),
            members: task.members.to_vec(),
            log: task.log,
            sticky: task.sticky,
            threads: task.threads,
            at_once: task.at_once,
        };
        fs::write(folder.path().join(Contender::FILE), contender.configuration(&job))?;
        let program = contender.program().context("it is not installed")?;
        let output = File::create(folder.path().join("output"))?;
        let mut command = Command::new(program);
        command.args(contender.arguments(&job)).stdin(Stdio::null()).process_group(0);
        command.stdout(output.try_clone()?).stderr(output);
        let child = cores.start(&mut command)?;
        guard.watch(child.id())?;
        let mut running = Self { contender, child, folder, processes: Vec::new(), port };
        if running.comes_up() {
            running.processes = group(running.child.id())?;
            return Ok(running);
        }
        let output = fs::read_to_string(running.folder.path().join("output")).unwrap_or_default();
        running.stop(guard)?;
        bail!("it does not come up\n{}", &output[output.len().saturating_sub(600)..])
    }

    fn comes_up(&mut self) -> bool {
        let up = within(START, || {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Some(false);
            }
            let answer = browser().try_send(SocketAddr::V4(self.address()), "GET", "/128", b"").ok()?;
            (answer.status == 200).then_some(true)
        });
        up == Some(true)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }

    /// The processor time of all its processes so far.
    pub(crate) fn spent(&self) -> Result<Spent> {
        Spent::by(&self.processes).with_context(|| format!("{} has ended", self.contender.name()))
    }

    /// The memory of all its processes in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory(&self.processes).with_context(|| format!("{} has ended", self.contender.name()))
    }

    /// Bytes of its access log.
    pub(crate) fn logged(&self) -> u64 {
        let file = self.contender.log(self.folder.path());
        fs::metadata(file).map_or(0, |metadata| metadata.len())
    }

    /// Asks for its state.
    pub(crate) fn ask(&self, question: &Question) -> Result<Answer> {
        let clock = Stopwatch::start();
        let length = match question {
            Question::Tcp(text) => {
                let mut stream = TcpStream::connect(self.address())?;
                stream.set_read_timeout(Some(ANSWER))?;
                stream.write_all(text.as_bytes())?;
                taken(stream)?
            }
            Question::Unix { socket, text } => {
                let mut stream = UnixStream::connect(self.folder.path().join(socket))?;
                stream.set_read_timeout(Some(ANSWER))?;
                stream.write_all(text.as_bytes())?;
                taken(stream)?
            }
        };
        // A thousand members cannot be told in less.
        if length < 20_000 {
            bail!("an answer of {length} bytes is not the state of all members");
        }
        Ok(Answer { length, time: clock.elapsed() })
    }

    /// Ends all its processes, at last by force.
    pub(crate) fn stop(mut self, guard: &mut Guard) -> Result<()> {
        let leader = self.child.id();
        let group = Pid::from_raw(i32::try_from(leader)?).context("no process has the number 0")?;
        // Waiting for it beside the ending makes its number free, so it is done in a thread.
        let waiting = std::thread::spawn(move || self.child.wait());
        guard::end(&[group]);
        drop(waiting.join());
        guard.forget(leader)?;
        Ok(())
    }
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    /// In bytes.
    pub(crate) length: usize,
    /// From the question to the last byte.
    pub(crate) time: Duration,
}

/// An answer as long as that from nobody: what reading it costs whom it is read beside.
pub(crate) fn bystander(length: usize) -> Result<Answer> {
    let clock = Stopwatch::start();
    Ok(Answer { length: taken(io::repeat(b' ').take(length as u64))?, time: clock.elapsed() })
}

/// How many bytes there were to the end.
fn taken(mut from: impl Read) -> io::Result<usize> {
    let mut answer = Vec::new();
    from.read_to_end(&mut answer)
}

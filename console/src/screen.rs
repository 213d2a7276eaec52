//! The loop: takes a message, updates the model, does what that asks, and paints if something shows. The only
//! file of the console that reads the time.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};
use evenkeel_protocol::{Moment, Timestamp};
use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, SelectAll};
use jiff::tz::TimeZone;
use ratatui::layout::Position;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Receiver;
use tokio::time::MissedTickBehavior;

use crate::door::Door;
use crate::effect::{Effect, Switch};
use crate::keymap::Keymap;
use crate::message::{Clock, Key, Message, Size};
use crate::model::Model;
use crate::model::deck::Deck;
use crate::model::lock::Lock;
use crate::model::target::Target;
use crate::news::{Link, News};
use crate::pace::Pace;
use crate::terminal::{Screen, end_on_hang_up};
use crate::theme::{Environment, Theme, Wish};
use crate::update::deck::{Deed, deal, hear};
use crate::view::{Look, member_at, view_deck};

/// The most messages that are taken in before the screen is painted again.
const BATCH: usize = 256;

/// How many lines one click of the wheel moves.
const WHEEL: usize = 3;

/// How long the program waits to be stopped and woken before it takes the terminal again by itself: where there
/// is no job control, nobody stops it.
const STOPPED_WITHIN: Duration = Duration::from_millis(300);

/// How the operator wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Open for changes from the start?
    pub write: bool,
    /// Locked again after so long without a key; none: never.
    pub lock_after: Option<Duration>,
    /// The colours.
    pub theme: Wish,
    /// ASCII only, whatever the environment says?
    pub ascii: bool,
    /// The mouse from the start?
    pub mouse: bool,
    /// How often the proxy is asked.
    pub pace: Pace,
    /// What keys mean.
    pub keymap: Keymap,
}

/// A target, and the connection to it.
#[derive(Debug)]
pub struct Station<L> {
    /// What it is connected to, before the proxy itself says so.
    pub title: String,
    /// What it is called among several; none: it is the only one.
    pub name: Option<String>,
    /// The words that mean it on a command line; empty: it is meant without being named.
    pub words: String,
    /// By which door it is asked.
    pub door: Door,
    /// What asks.
    pub link: L,
    /// What it tells.
    pub news: Receiver<News>,
}

/// Shows these until the operator quits or a signal ends it; `words` mean all of them on a command line, if there are
/// several. Needs a runtime with time and I/O.
///
/// Errors: there is no terminal, it fails, something panicked, or nobody sends news any more.
pub async fn run<L: Link>(stations: Vec<Station<L>>, words: &str, options: Options) -> anyhow::Result<()> {
    let theme = Theme::choose(&Environment::read(|name| std::env::var(name).ok()), options.theme);
    let theme = if options.ascii { theme.in_ascii() } else { theme };
    let mut signals = Signals::listen()?;
    let screen = Screen::take()?;
    end_on_hang_up()?;
    let size = screen.size()?;
    let (models, links, told) = taken_up(stations, size, &options);
    let deck = Deck::new(models, words, Lock::new(options.write, options.lock_after));
    let look = Look { theme, zone: TimeZone::system() };
    let mut console = Console { screen, deck, look, links, began: now() };
    let mut news = all(told);
    console.screen.mouse(options.mouse)?;
    let mut keys = EventStream::new();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut after = After::GoOn;
    while after != After::End {
        anyhow::ensure!(!Screen::has_panicked(), "the console ends, for a part of it has panicked");
        console.paint()?;
        after = tokio::select! {
            key = keys.next() => console.key(key)?,
            told = news.next() => match told {
                Some((at, Some(told))) => console.hear(at, told)?,
                _ => anyhow::bail!("the connection to the proxy has ended"),
            },
            _ = seconds.tick() => {
                let tick = Message::Tick(console.clock());
                console.take(tick)?
            }
            ended = signals.next() => match ended {
                Woken::End => After::End,
                Woken::Continue => console.resume()?,
            },
        };
        // What is there already is taken in before the next painting.
        for _ in 0..BATCH {
            if after != After::GoOn {
                break;
            }
            after = tokio::select! {
                biased;
                key = keys.next() => console.key(key)?,
                Some((at, Some(told))) = news.next() => console.hear(at, told)?,
                () = std::future::ready(()) => break,
            };
        }
        if after == After::Suspend {
            console.screen.lend()?;
            stop(&mut signals).await?;
            after = console.resume()?;
        }
    }
    Ok(())
}

/// The models of all targets, and the two ends of each connection.
fn taken_up<L>(
    stations: Vec<Station<L>>,
    size: Size,
    options: &Options,
) -> (Vec<Model>, Vec<L>, Vec<Receiver<News>>) {
    let (mut models, mut links, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for Station { title, name, words, door, link, news } in stations {
        let (model, keymap) = (Model::new(&title, size), options.keymap.clone());
        let (mouse, pace) = (options.mouse, options.pace);
        models.push(Model { station: name, words, door, mouse, pace, keymap, ..model });
        links.push(link);
        told.push(news);
    }
    (models, links, told)
}

/// What follows from a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    GoOn,
    Suspend,
    End,
}

/// What all connections tell, each with its position; nothing is told when one has ended.
fn all(news: Vec<Receiver<News>>) -> SelectAll<BoxStream<'static, (usize, Option<News>)>> {
    let tell = |(at, receiver): (usize, Receiver<News>)| {
        let next = |mut receiver: Receiver<News>| async move { Some((receiver.recv().await?, receiver)) };
        let told = stream::unfold(receiver, next).map(Some).chain(stream::once(ready(None)));
        told.map(move |told| (at, told)).boxed()
    };
    stream::select_all(news.into_iter().enumerate().map(tell))
}

struct Console<L> {
    screen: Screen,
    deck: Deck,
    look: Look,
    /// Of each target, in the order of the deck.
    links: Vec<L>,
    began: Instant,
}

impl<L: Link> Console<L> {
    /// Takes in one message and does what it leads to.
    fn take(&mut self, message: Message) -> io::Result<After> {
        let deeds = deal(&mut self.deck, message);
        self.carry_out(deeds)
    }

    /// Takes in what the connection of that position tells.
    fn hear(&mut self, at: usize, news: News) -> io::Result<After> {
        let deeds = hear(&mut self.deck, at, news);
        self.carry_out(deeds)
    }

    fn carry_out(&mut self, deeds: Vec<Deed>) -> io::Result<After> {
        let mut after = After::GoOn;
        for (at, effect) in deeds {
            let Some(link) = self.links.get(at) else { continue };
            match effect {
                Effect::EditMember { ticket, target, edit } => {
                    link.edit_member(ticket, &target.balancer, &target.member, *edit);
                }
                Effect::EditBalancer { ticket, balancer, edit } => {
                    link.edit_balancer(ticket, &balancer, *edit);
                }
                Effect::AddMember { ticket, balancer, addition } => {
                    link.add_member(ticket, &balancer, *addition);
                }
                Effect::RemoveMember { ticket, target: Target { balancer, member }, removal } => {
                    link.remove_member(ticket, (&balancer, &member), *removal);
                }
                Effect::Undo { ticket, order } => link.undo(ticket, order),
                Effect::Reload(ticket) => link.reload(ticket),
                Effect::Drain { ticket, job } => link.drain(ticket, *job),
                Effect::Pace(period) => link.pace(period),
                Effect::Refresh => link.refresh(),
                Effect::Yank(text) => self.screen.yank(&text)?,
                Effect::Mouse(switch) => self.screen.mouse(switch == Switch::On)?,
                Effect::Repaint => self.screen.forget()?,
                Effect::Suspend => after = After::Suspend,
                Effect::Quit => after = After::End,
                // The deck has shown them already.
                Effect::Fleet => {}
            }
        }
        for (station, link) in self.deck.stations.iter_mut().zip(&self.links) {
            if std::mem::take(&mut station.gathered.changed) {
                link.look(station.gathered.needs.clone());
            }
        }
        Ok(after)
    }

    /// Takes in what the terminal said, if it means anything.
    fn key(&mut self, event: Option<io::Result<Event>>) -> io::Result<After> {
        let message = match event {
            Some(Ok(Event::Key(key))) => {
                if is_behind_escape(key) && matches!(self.take(Message::Key(Key::Esc))?, After::End) {
                    return Ok(After::End);
                }
                keystroke(key).map(Message::Key)
            }
            Some(Ok(Event::Paste(text))) => Some(Message::Paste(text)),
            Some(Ok(Event::Resize(width, height))) => Some(Message::Resize(Size { width, height })),
            Some(Ok(Event::Mouse(event))) => return self.pointer(event),
            Some(Ok(Event::FocusGained | Event::FocusLost)) => None,
            Some(Err(error)) => return Err(error),
            None => return Ok(After::End),
        };
        message.map_or(Ok(After::GoOn), |message| self.take(message))
    }

    /// The wheel moves as three keys do; a click chooses the member in whose row it is, and does nothing to it.
    fn pointer(&mut self, event: MouseEvent) -> io::Result<After> {
        let key = match event.kind {
            MouseEventKind::ScrollUp => Key::Up,
            MouseEventKind::ScrollDown => Key::Down,
            MouseEventKind::Down(MouseButton::Left) => {
                let at = Position { x: event.column, y: event.row };
                let member = self.deck.shown().and_then(|shown| member_at(shown, &self.look, at));
                return match member {
                    Some(target) => self.take(Message::Point(target)),
                    None => Ok(After::GoOn),
                };
            }
            _ => return Ok(After::GoOn),
        };
        for _ in 0..WHEEL {
            self.take(Message::Key(key))?;
        }
        Ok(After::GoOn)
    }

    /// Takes the terminal again after the program was stopped.
    fn resume(&mut self) -> io::Result<After> {
        self.screen.retake()?;
        let size = self.screen.size()?;
        self.take(Message::Tick(self.clock()))?;
        self.take(Message::Resize(size))?;
        self.take(Message::Resumed)
    }

    /// Paints if something that shows has changed.
    fn paint(&mut self) -> io::Result<()> {
        if self.deck.take_changed() {
            let (deck, look) = (&self.deck, &self.look);
            self.screen.paint(|frame| view_deck(frame, deck, look))?;
            self.take(Message::Painted)?;
        }
        Ok(())
    }

    fn clock(&self) -> Clock {
        let running = now().saturating_duration_since(self.began);
        Clock { wall: wall(), running: Moment(0).plus(running) }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the loop stamps ticks; everybody else gets the time from them"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the loop stamps ticks; everybody else gets the time from them"
)]
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(0).plus(since)
}

/// Stops the whole job, as the terminal itself does on Ctrl-Z, and returns when the shell lets it go on.
async fn stop(signals: &mut Signals) -> io::Result<()> {
    // A job without a shell above it is not stopped by this signal, so it cannot hang for ever.
    rustix::process::kill_current_process_group(Signal::TSTP)?;
    // Whether it was woken or never stopped does not matter: it goes on.
    let _ = tokio::time::timeout(STOPPED_WITHIN, signals.woken.recv()).await;
    Ok(())
}

/// The signals that concern a terminal program.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    woken: tokio::signal::unix::Signal,
}

/// What a signal asks for.
enum Woken {
    End,
    Continue,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            woken: signal(SignalKind::from_raw(Signal::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Woken {
        tokio::select! {
            _ = self.terminate.recv() => Woken::End,
            _ = self.interrupt.recv() => Woken::End,
            _ = self.hang_up.recv() => Woken::End,
            _ = self.woken.recv() => Woken::Continue,
        }
    }
}

/// Came it together with an Esc, which the terminal's library then takes for Alt? On a bad link that is how fast
/// fingers arrive, and no key here means anything else with Alt.
fn is_behind_escape(event: KeyEvent) -> bool {
    event.kind != KeyEventKind::Release && event.modifiers.contains(KeyModifiers::ALT)
}

/// The terminal's key as ours; none if we tell no such key apart.
fn keystroke(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let other = KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META;
    if event.modifiers.intersects(other) {
        return None;
    }
    Some(match event.code {
        KeyCode::Char(c) if ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Insert => Key::Insert,
        KeyCode::Delete => Key::Delete,
        KeyCode::F(number) => Key::Function(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_with_their_modifiers() {
        let key = |code, modifiers| keystroke(KeyEvent::new(code, modifiers));
        for (code, modifiers, wanted) in [
            (KeyCode::Char('d'), KeyModifiers::NONE, Some(Key::Char('d'))),
            (KeyCode::Char('D'), KeyModifiers::SHIFT, Some(Key::Char('D'))),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Key::Ctrl('c'))),
            (KeyCode::Char('d'), KeyModifiers::ALT, Some(Key::Char('d'))),
            (KeyCode::Char('d'), KeyModifiers::SUPER, None),
            (KeyCode::F(1), KeyModifiers::NONE, Some(Key::Function(1))),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some(Key::BackTab)),
            (KeyCode::CapsLock, KeyModifiers::NONE, None),
        ] {
            assert_eq!(key(code, modifiers), wanted, "{code:?} {modifiers:?}");
        }
        let mut release = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert_eq!(keystroke(release), None, "a released key was pressed already");
    }
}

//! What is seen of sessions: for each route which of them were answered in a window that slides, and which are only
//! claimed. Nobody's id is kept, only marks salted for this process.
//!
//! Whether a route is without sessions follows from the moment at which one was last seen and from nothing else; the
//! counts are for people. Both are written without a lock, by whoever serves a request.
//!
//! ```text
//! a request asks for route a     and gets a member      then
//! SID=x.a                        of a, by its route     live at a, once it has answered
//! SID=x.a                        of b, by a redirect    live at b, once it has answered
//! SID=x.a                        of b, by its turn      claimed at a, which did not serve it
//! SID=x.a                        nobody, or it failed   claimed at a
//! SID=x.z                        z is nobody's          a stranger
//! .a                             of a                   seen at a, and cannot be told from others
//! none                           of a, who sets SID     seen at a; counted when it comes back
//! ```

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use evenkeel_protocol::{
    BalancerName, BalancerSettings, Census, MemberName, Moment, Route, RouteSessions, Separator,
    StickySession, Timestamp,
};

use crate::balancer::Balancer;
use crate::election::Ask;
use crate::member::MemberId;
pub use salt::Salt;
use sample::{Sample, Tick, WINDOW};
pub use visit::Visit;

mod salt;
mod sample;
mod visit;

/// Buckets of the sessions that members answer: 32 KiB a route, once one was seen. Exact up to about two thousand
/// sessions; beyond, one standard deviation is about 2.5 %.
const ANSWERED: usize = 512;
/// Buckets of those that are only claimed: 4 KiB a route, once there is one.
const CLAIMED: usize = 64;
/// How often it is looked whether a sample can be finer again.
const EASE: Tick = WINDOW / 16;
/// Over how long departures are counted at most.
const DEPARTURES: Duration = Duration::from_secs(600);
/// How old a count in a snapshot may be.
const RECOUNT: Duration = Duration::from_secs(1);
/// Routes that are remembered though no member has them any more.
const MOST_GONE: usize = 64;

/// The ticks of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    window: Duration,
    /// Microseconds of a tick.
    tick: u64,
}

impl Span {
    fn of(settings: &BalancerSettings) -> Self {
        let window = Duration::from_secs(u64::from(settings.sessionwindow.max(1)));
        let micros = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        Self { window, tick: micros.div_ceil(u64::from(WINDOW)) }
    }

    fn tick(self, now: Moment) -> Tick {
        // With a window of a minute it lasts for decades; what is too long ago is old either way.
        Tick::try_from(now.0 / self.tick + 1).unwrap_or(Tick::MAX)
    }

    fn ticks(self, time: Duration) -> Tick {
        Tick::try_from(u64::try_from(time.as_micros()).unwrap_or(u64::MAX) / self.tick).unwrap_or(Tick::MAX)
    }
}

/// What was seen of one route.
#[derive(Debug)]
pub(crate) struct RouteSeen {
    span: Span,
    /// The cookie by which clients are given sessions.
    cookie: String,
    /// When its observation began.
    began: Moment,
    /// Since when it is observed without a gap, in microseconds.
    since: AtomicU64,
    /// When a session was last seen, in microseconds; 0: never. Shared with all that were observed of the route before,
    /// to which requests of that time tell what becomes of them.
    last: Arc<AtomicU64>,
    /// The same of sessions without an id.
    last_nameless: AtomicU64,
    answered: Sample,
    claimed: Sample,
    /// When it was last looked whether the samples can be finer.
    eased: AtomicU32,
    /// The last count for a snapshot and when it was made, in microseconds; 0: never.
    counted: AtomicU64,
    counted_at: AtomicU64,
}

impl RouteSeen {
    fn new(key: &Key, last: &Arc<AtomicU64>, now: Moment) -> Self {
        Self {
            span: key.span,
            cookie: key.sticky.cookie.clone(),
            began: now,
            since: AtomicU64::new(now.0),
            last: Arc::clone(last),
            last_nameless: AtomicU64::new(0),
            answered: Sample::new(ANSWERED),
            claimed: Sample::new(CLAIMED),
            eased: AtomicU32::new(0),
            counted: AtomicU64::new(0),
            counted_at: AtomicU64::new(0),
        }
    }

    /// A session was seen, if it can be told apart which; it holds up who waits for sessions to end.
    fn see(&self, session: Option<SessionMark>, now: Moment) {
        touch(&self.last, now);
        match session {
            Some(SessionMark::NAMELESS) => touch(&self.last_nameless, now),
            Some(SessionMark(mark)) => self.note(&self.answered, mark.get(), now),
            None => {}
        }
    }

    fn claim(&self, session: SessionMark, now: Moment) {
        if session != SessionMark::NAMELESS {
            self.note(&self.claimed, session.0.get(), now);
        }
    }

    fn note(&self, sample: &Sample, mark: u64, now: Moment) {
        let tick = self.span.tick(now);
        sample.see(mark, tick);
        let eased = self.eased.load(Relaxed);
        if tick >= eased.saturating_add(EASE)
            && self.eased.compare_exchange(eased, tick, Relaxed, Relaxed).is_ok()
        {
            self.answered.ease(tick);
            self.claimed.ease(tick);
        }
    }

    /// That moment, if it is within the window.
    fn within(&self, seen: &AtomicU64, now: Moment) -> Option<Moment> {
        let seen = Some(seen.load(Relaxed)).filter(|seen| *seen != 0).map(Moment);
        seen.filter(|seen| *seen >= self.began && now.since(*seen) <= self.span.window)
    }

    /// Until `now` it was not observed.
    fn miss(&self, now: Moment) {
        self.since.fetch_max(now.0, Relaxed);
    }

    fn since(&self) -> Moment {
        Moment(self.since.load(Relaxed))
    }

    /// Until when nobody can be said to be gone.
    fn unknown_until(&self, now: Moment) -> Option<Moment> {
        Some(self.since().plus(self.span.window)).filter(|until| now < *until)
    }

    /// How many were answered and not seen again, an hour.
    fn departing(&self, now: Moment) -> Option<u64> {
        let ticks = self.span.ticks(DEPARTURES).clamp(1, WINDOW);
        let micros = self.span.tick.saturating_mul(u64::from(ticks));
        let known = self.since().plus(self.span.window).plus(Duration::from_micros(micros)) <= now;
        known.then(|| {
            let departed = self.answered.count(self.span.tick(now), ticks).departed;
            departed.saturating_mul(3_600_000_000) / micros.max(1)
        })
    }

    /// How many were answered within the window: none only if none was seen.
    fn live(&self, now: Moment) -> (u64, bool) {
        let count = self.answered.count(self.span.tick(now), 0);
        let nameless = u64::from(self.within(&self.last_nameless, now).is_some());
        // A tick is coarser than a moment, and a new session is not counted at once.
        let seen = self.within(&self.last, now);
        (seen.map_or(0, |_| (count.live + nameless).max(1)), count.exact)
    }
}

/// Remembers the later of two moments.
fn touch(seen: &AtomicU64, now: Moment) {
    let now = now.0.max(1);
    if seen.load(Relaxed) < now {
        seen.fetch_max(now, Relaxed);
    }
}

/// Both clocks at one moment: one decides, the other is shown.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Moment,
    wall: Timestamp,
}

impl Clock {
    fn wall_of(self, moment: Moment) -> Timestamp {
        self.wall.minus(self.now.since(moment)).plus(moment.since(self.now))
    }
}

/// What stands for the id of a session: the same for the same id as long as the process lives, and nothing from which
/// the id could be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionMark(NonZeroU64);

impl SessionMark {
    /// The mark of a session that has no id, but a route.
    pub const NAMELESS: Self = Self(NonZeroU64::MIN);

    /// As a number, for who shows it.
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

/// What a balancer observes.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    salt: Salt,
    /// How sessions are found and for how long they count; none: the balancer keeps none. Where it changes, all that
    /// was seen is of no use.
    key: Option<Key>,
    /// Have members, routes or settings changed since it was last looked?
    outdated: bool,
    /// Each route that a member has.
    routes: HashMap<Route, Arc<RouteSeen>>,
    /// Routes of which sessions may still come, though no member has them any more.
    gone: HashMap<Route, Arc<RouteSeen>>,
    /// When a session of each route was last seen, as long as anybody may tell of one.
    lasts: HashMap<Route, Arc<AtomicU64>>,
    strangers: Option<Arc<RouteSeen>>,
}

/// What decides which sessions are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    sticky: StickySession,
    separator: Separator,
    semicolon: bool,
    span: Span,
}

impl Key {
    fn of(settings: &BalancerSettings) -> Option<Self> {
        settings.stickysession.clone().map(|sticky| Self {
            sticky,
            separator: settings.stickysessionsep,
            semicolon: settings.scolonpathdelim,
            span: Span::of(settings),
        })
    }
}

impl Watch {
    /// Nothing was looked at yet.
    pub(crate) fn new() -> Self {
        let (routes, gone, lasts) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { salt: Salt::default(), key: None, outdated: true, routes, gone, lasts, strangers: None }
    }

    /// For a balancer that is only rehearsed: observes nothing.
    pub(crate) fn blind() -> Self {
        Self { outdated: false, ..Self::new() }
    }

    /// To be told after each change of members, routes or settings.
    pub(crate) fn outdate(&mut self) {
        self.outdated = true;
    }

    /// The mark of a session with that id.
    pub(crate) fn mark(&self, id: &str) -> SessionMark {
        // The mark that stands for something else may come by chance; another is as good.
        let mark = || NonZeroU64::new(self.salt.of(id.as_bytes()) | 2).map(SessionMark);
        Some(id).filter(|id| !id.is_empty()).and_then(|_| mark()).unwrap_or(SessionMark::NAMELESS)
    }

    /// A client claimed a session of `route`, and no member of that route has answered it.
    pub(crate) fn claimed(&self, route: &str, session: SessionMark, now: Moment) {
        let known = self.routes.get(route).or_else(|| self.gone.get(route));
        if let Some(seen) = known.or(self.strangers.as_ref()) {
            seen.claim(session, now);
        }
    }
}

impl Balancer {
    /// From `now` on sessions are observed, if they were not yet: to be called after each change, at once, so that
    /// no time is lost. Marks are made with `salt`, the same all over the process.
    pub fn watch_sessions(&mut self, salt: Salt, now: Moment) {
        self.watch.salt = salt;
        self.keep_watch(now);
    }

    /// Goes on with what `before` has seen, as far as sessions are found in the same way and count for as long. To be
    /// called before [`Self::watch_sessions`].
    pub fn go_on_watching(&mut self, before: &Self) {
        self.watch = Watch { outdated: true, ..before.watch.clone() };
    }

    /// For a while until `now` nothing was observed, as if the observation began then. What was seen stays seen.
    pub fn missed_sessions(&self, now: Moment) {
        for seen in self.watch.routes.values().chain(&self.watch.strangers) {
            seen.miss(now);
        }
    }

    /// Sees to it that what is observed fits members and settings.
    pub(crate) fn keep_watch(&mut self, now: Moment) {
        if !self.watch.outdated {
            return;
        }
        let watch = &mut self.watch;
        watch.outdated = false;
        let key = Key::of(&self.settings);
        if watch.key != key {
            watch.routes.clear();
            watch.gone.clear();
            watch.strangers = key.as_ref().map(|key| Arc::new(RouteSeen::new(key, &Arc::default(), now)));
            watch.key = key;
        }
        let mut before = std::mem::take(&mut watch.routes);
        for member in &mut self.members {
            let route = Some(&member.settings.route).filter(|route| !route.is_empty());
            member.seen = watch.key.as_ref().zip(route).map(|(key, route)| {
                let anew = || {
                    let last = watch.lasts.entry(route.clone()).or_default();
                    Arc::new(RouteSeen::new(key, last, now))
                };
                // While no member had it, its sessions went elsewhere: that time was not observed.
                let back = || watch.gone.remove(route).inspect(|seen| seen.miss(now));
                let known = watch.routes.entry(route.clone());
                Arc::clone(known.or_insert_with(|| before.remove(route).or_else(back).unwrap_or_else(anew)))
            });
        }
        watch.gone.extend(before);
        let mut gone = 0;
        watch.gone.retain(|_, seen| {
            gone += 1;
            gone <= MOST_GONE && seen.within(&seen.last, now).is_some()
        });
        // A request that began before a change may end long after it.
        watch.lasts.retain(|_, last| Arc::strong_count(last) > 1);
    }

    /// What was seen of the sessions of all routes; to be counted when the balancer is not held any more.
    pub fn sightings(&mut self, now: Moment) -> Sightings {
        self.keep_watch(now);
        let mut told = HashSet::new();
        let routes =
            self.members.iter().filter_map(|member| Some((&member.settings.route, member.seen.as_ref()?)));
        let routes = routes.filter(|(route, _)| told.insert(*route));
        let mut routes: Vec<Sighted> =
            routes.map(|(route, seen)| Self::sighted(route, self.members_of(route), seen)).collect();
        let gone = self.watch.gone.iter();
        let mut gone: Vec<Sighted> =
            gone.map(|(route, seen)| Self::sighted(route, Vec::new(), seen)).collect();
        gone.sort_unstable_by(|a, b| a.route.cmp(&b.route));
        routes.extend(gone);
        Sightings {
            balancer: self.name.clone(),
            window_ms: u64::from(self.settings.sessionwindow) * 1000,
            routes,
            strangers: self.watch.strangers.clone(),
        }
    }

    /// What was seen of the sessions of the routes of at most `most` members, from the number `first` on and in their
    /// order; none where a member keeps none.
    pub fn sightings_of_members(&self, first: usize, most: usize) -> Vec<Option<RouteSightings>> {
        let members = self.members.iter().skip(first).take(most);
        members.map(|member| member.seen.clone().map(RouteSightings)).collect()
    }

    /// What was seen of the sessions of one member's route, to be counted when the balancer is not held any more; none
    /// if it keeps none.
    pub fn sighted_at(&mut self, member: MemberId, now: Moment) -> Option<Sighted> {
        self.keep_watch(now);
        let found = self.member(member)?;
        let route = &found.settings.route;
        Some(Self::sighted(route, self.members_of(route), found.seen.as_ref()?))
    }

    fn sighted(route: &Route, members: Vec<MemberName>, seen: &Arc<RouteSeen>) -> Sighted {
        Sighted { route: route.clone(), members, seen: Arc::clone(seen) }
    }

    fn members_of(&self, route: &Route) -> Vec<MemberName> {
        let ids = self.routes.get(route).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| Some(self.member(*id)?.name.clone())).collect()
    }

    /// The mark of the session that a request claims; none if it claims none.
    pub fn session_mark(&self, ask: &Ask<'_>) -> Option<SessionMark> {
        self.claim(ask).map(|claim| self.watch.mark(claim.id))
    }
}

/// What was seen of one route; counted without the balancer.
#[derive(Debug)]
pub struct Sighted {
    route: Route,
    /// Those of the route.
    members: Vec<MemberName>,
    seen: Arc<RouteSeen>,
}

impl Sighted {
    /// When one was last seen within the window, and until when none can be said to be gone: what decides, and costs
    /// nothing.
    pub fn glance(&self, now: Moment, wall: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let (seen, clock) = (&self.seen, Clock { now, wall });
        let last_seen = seen.within(&seen.last, now).map(|last| clock.wall_of(last));
        (last_seen, seen.unknown_until(now).map(|until| clock.wall_of(until)))
    }

    /// Counts them, at `now`, which on the wall clock is `wall`.
    pub fn count(self, now: Moment, wall: Timestamp) -> RouteSessions {
        self.show(Clock { now, wall })
    }

    fn show(self, clock: Clock) -> RouteSessions {
        let now = clock.now;
        let (last_seen, unknown_until) = self.glance(now, clock.wall);
        let Self { route, members, seen } = self;
        let (live, exact) = seen.live(now);
        RouteSessions {
            route,
            members,
            live,
            exact,
            claimed: seen.claimed.count_without(&seen.answered, seen.span.tick(now)),
            anonymous: seen.within(&seen.last_nameless, now).is_some(),
            last_seen,
            departing: seen.departing(now),
            unknown_until,
        }
    }
}

/// What was seen of the sessions of a balancer.
#[derive(Debug)]
pub struct Sightings {
    balancer: BalancerName,
    window_ms: u64,
    routes: Vec<Sighted>,
    strangers: Option<Arc<RouteSeen>>,
}

impl Sightings {
    /// Counts them, at `now`, which on the wall clock is `wall`.
    pub fn census(self, now: Moment, wall: Timestamp) -> Census {
        let clock = Clock { now, wall };
        let Self { balancer, window_ms, routes, strangers } = self;
        let strangers = strangers.as_deref();
        let had = |sighted: &Sighted| !sighted.members.is_empty();
        let since = routes.iter().filter(|sighted| had(sighted)).map(|sighted| sighted.seen.since()).max();
        let since = since.or(strangers.map(RouteSeen::since)).unwrap_or(now);
        let routes: Vec<RouteSessions> = routes
            .into_iter()
            .filter(|sighted| had(sighted) || sighted.seen.within(&sighted.seen.last, now).is_some())
            .map(|sighted| sighted.show(clock))
            .collect();
        Census {
            balancer,
            taken: wall,
            sticky: strangers.is_some(),
            window_ms,
            observed_since: clock.wall_of(since),
            unknown_until: routes.iter().filter_map(|route| route.unknown_until).max(),
            routes,
            strangers: strangers
                .map_or(0, |strangers| strangers.claimed.count(strangers.span.tick(now), 0).live),
        }
    }
}

/// What was seen of the sessions of one member's route.
#[derive(Debug)]
pub struct RouteSightings(Arc<RouteSeen>);

impl RouteSightings {
    /// How many were answered within the window; none: none was seen, and none can be said to be gone either. At most
    /// a second old.
    pub fn live(&self, now: Moment) -> Option<u64> {
        let seen = &self.0;
        if seen.within(&seen.last, now).is_none() {
            return seen.unknown_until(now).is_none().then_some(0);
        }
        let counted = seen.counted_at.load(Relaxed);
        if counted == 0 || now.since(Moment(counted)) >= RECOUNT {
            seen.counted.store(seen.live(now).0, Relaxed);
            seen.counted_at.store(now.0.max(1), Relaxed);
        }
        Some(seen.counted.load(Relaxed).max(1))
    }
}

#[cfg(test)]
mod tests;

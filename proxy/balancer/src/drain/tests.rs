//! The drain's state machine: each step by itself, and a thousand drains of a seeded world that knows the truth.

use proptest::prelude::*;

use super::*;

fn plan(until: DrainUntil, settle: u64, deadline: Option<u64>) -> DrainPlan {
    DrainPlan { until, settle: Duration::from_micros(settle), deadline: deadline.map(Moment) }
}

fn sight(busy: u64, elected: u64, sessions: SessionsSeen) -> Sight {
    Sight { busy, elected, sessions }
}

#[test]
fn it_settles_in_one_piece() {
    use DrainPhase::{Requests, Settling};
    let mut watch = DrainWatch::new(plan(DrainUntil::Idle, 5, None));
    assert_eq!((watch.quiet(Moment(0)), watch.is_safe()), (None, false));
    let unknown = SessionsSeen::Unknown;
    for (now, busy, elected, standing) in [
        (0, 1, 1, Standing::Waits(Requests)),
        (1, 0, 1, Standing::Waits(Settling)),
        (5, 0, 1, Standing::Waits(Settling)),
        // It came and went between two looks.
        (6, 0, 2, Standing::Waits(Settling)),
        (10, 0, 2, Standing::Waits(Settling)),
        (11, 0, 2, Standing::Reached),
        (12, 1, 3, Standing::Waits(Requests)),
    ] {
        assert_eq!(watch.look(sight(busy, elected, unknown), Moment(now)), standing, "{now}");
        assert!(!watch.is_safe(), "sessions may come back");
    }
}

#[test]
fn a_settle_time_of_zero_is_one_look() {
    let mut watch = DrainWatch::new(plan(DrainUntil::Idle, 0, Some(0)));
    assert_eq!(
        watch.look(sight(1, 1, SessionsSeen::Meaningless), Moment(0)),
        Standing::TooLate(DrainPhase::Requests)
    );
    assert_eq!(watch.look(sight(0, 1, SessionsSeen::Meaningless), Moment(1)), Standing::Reached);
    assert!(watch.is_safe());
}

#[test]
fn sessions_hold_it_until_none_is_left_or_can_be() {
    let mut watch = DrainWatch::new(plan(DrainUntil::NoSessions, 2, Some(100)));
    for (now, sessions, standing) in [
        (0, SessionsSeen::Unknown, Standing::Waits(DrainPhase::Sessions)),
        (50, SessionsSeen::Live(3), Standing::Waits(DrainPhase::Sessions)),
        (60, SessionsSeen::None, Standing::Reached),
        (70, SessionsSeen::Live(1), Standing::Waits(DrainPhase::Sessions)),
        (100, SessionsSeen::Unknown, Standing::TooLate(DrainPhase::Sessions)),
        (101, SessionsSeen::Meaningless, Standing::Reached),
    ] {
        assert_eq!(watch.look(sight(0, 7, sessions), Moment(now)), standing, "{now}");
        assert_eq!(watch.is_safe(), standing == Standing::Reached, "{now}");
    }
}

#[test]
fn an_estimate_goes_by_what_got_less() {
    let mut watch = DrainWatch::new(plan(DrainUntil::Idle, 0, None));
    let mut look = |busy, now| {
        watch.look(sight(busy, 10, SessionsSeen::Meaningless), Moment(now));
        watch.estimate(Moment(now))
    };
    assert_eq!(look(10, 0), None);
    assert_eq!(look(6, 40), Some(Duration::from_micros(60)));
    assert_eq!(look(8, 50), Some(Duration::from_micros(200)));
    assert_eq!(look(12, 60), None, "it got more");
    assert_eq!(look(0, 70), Some(Duration::ZERO));
}

#[test]
fn whoever_still_gets_requests_is_given_no_estimate() {
    let mut watch = DrainWatch::new(plan(DrainUntil::Idle, 5, None));
    let mut look = |busy, elected, now| {
        watch.look(sight(busy, elected, SessionsSeen::Meaningless), Moment(now));
        watch.estimate(Moment(now))
    };
    assert_eq!(look(2, 10, 0), None);
    assert_eq!(look(1, 10, 2), Some(Duration::from_micros(2 + 5)));
    assert_eq!(look(1, 11, 3), None, "a session comes back");
    assert_eq!(look(0, 11, 4), None);
    assert_eq!(look(0, 11, 7), None);
    assert_eq!(look(0, 11, 8), Some(Duration::from_micros(1)));
}

/// A world with one member, which knows what is really there.
struct World {
    now: u64,
    busy: u64,
    elected: u64,
    /// When something was last in flight.
    last_busy: u64,
    last_session: Option<u64>,
    /// Since when the sessions are observed.
    observed_since: u64,
    window: u64,
}

impl World {
    fn sessions(&self) -> SessionsSeen {
        let live = self.last_session.is_some_and(|seen| seen + self.window > self.now);
        // A window that does not reach back far enough sees only what it saw.
        let seen = live && self.last_session.is_some_and(|seen| seen >= self.observed_since);
        match (self.observed_since + self.window <= self.now, seen) {
            (_, true) => SessionsSeen::Live(1),
            (true, false) => SessionsSeen::None,
            (false, false) => SessionsSeen::Unknown,
        }
    }

    fn step(&mut self, what: u8) {
        match what {
            0 | 1 => {
                self.busy += 1;
                self.elected += 1;
                if what == 1 {
                    self.last_session = Some(self.now);
                }
            }
            2 | 3 => self.busy = self.busy.saturating_sub(1),
            // A request that no look sees.
            4 => {
                self.elected += 1;
                self.last_busy = self.now;
            }
            _ => {}
        }
        if self.busy > 0 {
            self.last_busy = self.now;
        }
    }

    /// Is it true that nobody would notice?
    fn is_safe(&self, settle: u64) -> bool {
        let session = self.last_session.is_some_and(|seen| seen + self.window > self.now);
        let settled = self.now - self.last_busy >= settle || (settle == 0 && self.busy == 0);
        self.busy == 0 && !session && settled
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Restarts make the watch anew, and with it the observation of sessions; the wall clock does not stand in it.
    #[test]
    fn safe_to_stop_is_never_said_while_anything_was_there(
        settle in 0u64..20,
        window in 1u64..60,
        no_sessions: bool,
        deadline in proptest::option::of(0u64..2_000),
        steps in prop::collection::vec((0u64..8, 0u8..40, 0u8..10), 1..300),
    ) {
        let until = if no_sessions { DrainUntil::NoSessions } else { DrainUntil::Idle };
        let plan = plan(until, settle, deadline);
        let mut watch = DrainWatch::new(plan);
        let mut world = World {
            now: 0, busy: 0, elected: 0, last_busy: 0, last_session: None, observed_since: 0, window,
        };
        for (pause, what, look) in steps {
            world.now += pause;
            if world.busy > 0 {
                world.last_busy = world.now;
            }
            world.step(what);
            if what == 39 {
                // A restart ends what is in flight, and forgets everything but the plan.
                (world.busy, world.elected, world.observed_since) = (0, 0, world.now);
                world.last_busy = world.now;
                watch = DrainWatch::new(plan);
            }
            if look > 3 {
                continue;
            }
            let standing = watch.look(sight(world.busy, world.elected, world.sessions()), Moment(world.now));
            if watch.is_safe() {
                prop_assert!(world.is_safe(settle), "at {}", world.now);
                prop_assert!(world.observed_since + window <= world.now);
            }
            match standing {
                Standing::Reached => {
                    prop_assert!(world.busy == 0 && world.now - world.last_busy >= settle);
                    prop_assert!(until == DrainUntil::Idle || watch.is_safe());
                }
                Standing::TooLate(_) => prop_assert!(deadline.is_some_and(|deadline| world.now >= deadline)),
                Standing::Waits(_) => prop_assert!(deadline.is_none_or(|deadline| world.now < deadline)),
            }
        }
    }
}

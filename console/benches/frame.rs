//! What a key and a snapshot cost until the frame is drawn, with 1,000 members at 120 columns and 36 rows.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up ends at once")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use evenkeel::message::{Key, Message, Size};
use evenkeel::model::Model;
use evenkeel::news::News;
use evenkeel::theme::{Environment, Theme, Wish};
use evenkeel::update::update;
use evenkeel::view::{Look, view};
use evenkeel_protocol::{Snapshot, Timestamp};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZE: Size = Size { width: 120, height: 36 };

/// The example of the documents, with so many members in its first balancer.
fn roster(members: usize) -> Snapshot {
    let text = include_str!("../../protocol/documents/snapshot.json");
    let mut snapshot: Snapshot = serde_json::from_str(text).expect("the document is a snapshot");
    let balancer = snapshot.balancers.first_mut().expect("there is a balancer");
    let member = balancer.members.first().cloned().expect("there is a member");
    balancer.members = (0..members)
        .map(|number| {
            let mut member = member.clone();
            member.name = format!("http://app{number}.example.com:8080").parse().expect("a URL");
            member.route = format!("node{number}").parse().expect("a route");
            member
        })
        .collect();
    snapshot
}

fn frame(bench: &mut Criterion) {
    let snapshot = roster(1000);
    let mut model = Model::new("bench", SIZE);
    let news = |snapshot: &Snapshot| Message::News(News::Snapshot(Box::new(snapshot.clone())));
    for second in 0..60 {
        let taken = Timestamp(snapshot.taken.0 + second * 1_000_000);
        update(&mut model, news(&Snapshot { taken, ..snapshot.clone() }));
    }
    let theme = Theme::choose(&Environment::default(), Wish::Dark);
    let look = Look { theme, zone: TimeZone::UTC };
    let backend = TestBackend::new(SIZE.width, SIZE.height);
    let mut terminal = Terminal::new(backend).expect("a test backend never fails");
    let mut paint = |model: &Model| {
        terminal.draw(|frame| view(frame, model, &look)).expect("a test backend never fails");
    };
    bench.bench_function("a key to its frame, 1000 members", |bencher| {
        let keys = [Key::Down, Key::Up, Key::Char('>'), Key::Char('<'), Key::Char('p'), Key::Char('p')];
        let mut keys = keys.into_iter().cycle();
        bencher.iter(|| {
            black_box(update(&mut model, Message::Key(keys.next().unwrap_or(Key::Down))));
            paint(&model);
        });
    });
    bench.bench_function("a snapshot to its frame, 1000 members", |bencher| {
        bencher.iter_batched(
            || news(&snapshot),
            |message| {
                black_box(update(&mut model, message));
                paint(&model);
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, frame);
criterion_main!(benches);

//! One election among 3, 30, 300 and 1000 members, by each method, and by a session's route.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use evenkeel_balancer::{Ask, Balancer};
use evenkeel_protocol::{BalancerSettings, LbMethod, MemberSettings, Moment};

const SIZES: [usize; 4] = [3, 30, 300, 1000];

fn balancer(lbmethod: LbMethod, members: usize) -> Option<Balancer> {
    let settings = BalancerSettings {
        lbmethod,
        stickysession: Some("SID".parse().ok()?),
        ..BalancerSettings::default()
    };
    let member = |at: usize| {
        let name = format!("http://10.0.{}.{}:8080", at / 250, at % 250).parse().ok()?;
        Some((name, MemberSettings { route: format!("r{at}").parse().ok()?, ..MemberSettings::default() }))
    };
    let members = (0..members).map(member).collect::<Option<Vec<_>>>()?;
    Some(Balancer::new("app".parse().ok()?, settings, members, 2))
}

fn elections(criterion: &mut Criterion) {
    for method in LbMethod::ALL {
        let mut group = criterion.benchmark_group(method.name());
        for (size, mut balancer) in SIZES.into_iter().filter_map(|size| Some((size, balancer(method, size)?)))
        {
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| {
                    balancer.elect(black_box(&Ask { url: "/", ..Ask::default() }), Moment(1)).is_ok()
                });
            });
        }
    }
    let mut group = criterion.benchmark_group("session");
    for (size, mut balancer) in
        SIZES.into_iter().filter_map(|size| Some((size, balancer(LbMethod::ByRequests, size)?)))
    {
        let ask = Ask { url: "/", cookies: &["theme=dark; SID=0123456789abcdef.r2"], ..Ask::default() };
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| balancer.elect(black_box(&ask), Moment(1)).is_ok());
        });
    }
}

criterion_group!(benches, elections);
criterion_main!(benches);

//! How long a decision takes among many hosts, and how well a fleet is packed after many of them.

use super::{
    packing::{Classic, Dice, HOSTS, Ours, Policy, Taken, Tally, demand, replay},
    report::{AIM, Figure, percentile},
};
use csgpu::domain::placement::{Candidate, Mix, scan};
use std::time::Instant;

/// Requests of a replay: each instance of the fleet is replaced several times.
const REQUESTS: usize = 100_000;
/// Decisions of each kind that are timed.
const ROUNDS: usize = 2_000;
/// Decisions of the plain scan that are timed; it is slow.
const SCANS: usize = 30;
/// A fleet so small that nothing is easy.
const FEW: usize = 24;
/// Each replay is played with all of these: what is tuned to one shows in the others.
const SEEDS: [u64; 5] = [7, 11, 23, 42, 1009];

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let mut ours = Ours::new(HOSTS, Mix::default());
    let (_, running) = replay(&mut ours, HOSTS, REQUESTS, SEEDS[0]);
    let mut figures = decisions(&mut ours, running);
    figures.extend(packed(
        HOSTS,
        [
            ("straddles", "straddles_worst"),
            ("refusals_8", "refusals_8_worst"),
            ("refusals_8_over_best_fit", "refusals_8_over_best_fit_worst"),
        ],
    ));
    figures.extend(packed(
        FEW,
        [
            ("straddles_24_hosts", "straddles_24_hosts_worst"),
            ("refusals_8_24_hosts", "refusals_8_24_hosts_worst"),
            ("refusals_8_24_hosts_over_best_fit", "refusals_8_24_hosts_over_best_fit_worst"),
        ],
    ));
    figures
}

/// What a policy got of each seed.
type Played = [Tally; SEEDS.len()];

/// How our policy fares beside the classic ones, and when it expects nothing but single devices: the mean of all seeds and
/// the worst of them; and how many points more than best fit refuses with the same seed.
fn packed(
    hosts: usize,
    [straddles, refusals, over]: [(&'static str, &'static str); 3],
) -> Vec<Figure> {
    type Make<'a> = dyn Fn() -> Box<dyn Policy> + Sync + 'a;
    let makes: [(&'static str, &Make<'_>); 4] = [
        ("gradient", &|| Box::new(Ours::new(hosts, Mix::default()))),
        ("gradient_misled", &|| Box::new(Ours::new(hosts, Mix::new([1, 0, 0, 0])))),
        ("first_fit", &|| Box::new(Classic::new(hosts, false))),
        ("best_fit", &|| Box::new(Classic::new(hosts, true))),
    ];
    let play = |make: &Make<'_>| SEEDS.map(|seed| replay(&mut *make(), hosts, REQUESTS, seed).0);
    let played: Vec<(&str, Played)> = std::thread::scope(|scope| {
        let all = makes.map(|(by, make)| (by, scope.spawn(move || play(make))));
        all.map(|(by, one)| (by, one.join().expect("a replay"))).into()
    });
    let best = played[3].1;
    let mut figures = Vec::new();
    for ((mean_name, worst_name), value) in
        [(straddles, Tally::straddles as fn(&Tally) -> f64), (refusals, Tally::refusals_8)]
    {
        for (name, of) in [(mean_name, mean as fn([f64; SEEDS.len()]) -> f64), (worst_name, worst)]
        {
            let sum = |played: &Played| of(played.map(|tally| value(&tally)));
            let one = |(by, played): &(&'static str, Played)| {
                Figure::new(name, sum(played), "%").by(by).beside("best_fit", sum(&best))
            };
            figures.extend(played.iter().map(one));
        }
    }
    for (by, played) in &played[..2] {
        let mut more = [0.0; SEEDS.len()];
        for (n, more) in more.iter_mut().enumerate() {
            *more = played[n].refusals_8() - best[n].refusals_8();
        }
        figures.push(Figure::new(over.0, mean(more), "points").by(by).beside(AIM, 1.5));
        figures.push(Figure::new(over.1, worst(more), "points").by(by).beside(AIM, 1.5));
    }
    figures
}

fn mean(values: [f64; SEEDS.len()]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn worst(values: [f64; SEEDS.len()]) -> f64 {
    values.into_iter().fold(f64::MIN, f64::max)
}

/// The time of a decision in a busy fleet, beside a plain scan of the same hosts.
fn decisions(ours: &mut Ours, mut running: Vec<Taken>) -> Vec<Figure> {
    let mut dice = Dice(SEEDS[0]);
    let mut figures = Vec::new();
    for (name, count) in [("place_1", 1), ("place_2", 2), ("place_4", 4), ("place_8", 8)] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let leaving = running.swap_remove(dice.below(running.len() as u64) as usize);
            ours.give(&leaving);
            times.push(timed(ours, count, true));
            // the fleet stays as full as it was
            running.extend(ours.take(leaving.1.len()));
        }
        figures.push(beside_scan(name, times, ours, count));
    }
    // one device of every untouched host is taken, so that none has eight
    while ours.fleet.choose(&demand(8)).is_ok() {
        let untouched =
            ours.fleet.hosts().filter(|c| c.devices.iter().all(|d| !d.standing.is_held));
        let numbers: Vec<usize> = untouched.map(Ours::number).collect();
        numbers.into_iter().for_each(|host| ours.set(&(host, vec![0]), true));
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let one = ours.take(1).expect("a single device is free");
        times.push(timed(ours, 8, false));
        ours.give(&one);
    }
    figures.push(beside_scan("place_8_impossible", times, ours, 8));
    figures.push(told(ours));
    figures
}

/// What an administrator is told with a refusal, beside the reasons: how much still fits in other shapes.
fn told(ours: &mut Ours) -> Figure {
    let demand = demand(8);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let one = ours.take(1).expect("a single device is free");
        let begun = Instant::now();
        std::hint::black_box(ours.fleet.left_for(std::hint::black_box(&demand)));
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        ours.give(&one);
    }
    Figure::new("place_8_left", percentile(&mut times, 0.99), "ms").beside(AIM, 1.0)
}

fn timed(ours: &mut Ours, count: usize, is_possible: bool) -> f64 {
    let demand = demand(count);
    let begun = Instant::now();
    let found = std::hint::black_box(ours.fleet.choose(std::hint::black_box(&demand)));
    let spent = begun.elapsed().as_secs_f64() * 1e3;
    assert_eq!(found.is_ok(), is_possible, "{count} devices");
    spent
}

fn beside_scan(name: &'static str, mut times: Vec<f64>, ours: &mut Ours, count: usize) -> Figure {
    let hosts: Vec<Candidate> = ours.fleet.hosts().cloned().collect();
    let (demand, mix) = (demand(count), ours.fleet.mix());
    let mut scans = Vec::new();
    for _ in 0..SCANS {
        let begun = Instant::now();
        let plain = std::hint::black_box(scan(std::hint::black_box(&hosts), &demand, mix));
        scans.push(begun.elapsed().as_secs_f64() * 1e3);
        let best = ours.fleet.choose(&demand).ok().map(|choices| choices[0].host);
        assert_eq!(plain.map(|choice| choice.host), best, "both find the same host");
    }
    let scanned = percentile(&mut scans, 0.99);
    Figure::new(name, percentile(&mut times, 0.99), "ms").beside("linear_scan", scanned)
}

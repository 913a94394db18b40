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
const SEED: u64 = 7;

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let mut ours = Ours::new(HOSTS, Mix::default());
    let (tally, running) = replay(&mut ours, HOSTS, REQUESTS, SEED);
    let mut figures = decisions(&mut ours, running);
    let (straddles, refusals) = ("straddles", "refusals_8");
    figures.extend(packed(straddles, refusals, HOSTS, REQUESTS, tally));
    let few = replay(&mut Ours::new(FEW, Mix::default()), FEW, REQUESTS, SEED).0;
    figures.extend(packed("straddles_24_hosts", "refusals_8_24_hosts", FEW, REQUESTS, few));
    figures
}

/// How our policy fares beside the classic ones, and when it expects nothing but single devices.
fn packed(
    straddles: &'static str,
    refusals: &'static str,
    hosts: usize,
    requests: usize,
    ours: Tally,
) -> Vec<Figure> {
    let play = |policy: &mut dyn Policy| replay(policy, hosts, requests, SEED).0;
    let best = play(&mut Classic::new(hosts, true));
    let all = [
        ("gradient", ours),
        ("gradient_misled", play(&mut Ours::new(hosts, Mix::new([1, 0, 0, 0])))),
        ("first_fit", play(&mut Classic::new(hosts, false))),
        ("best_fit", best),
    ];
    let figure = |name, value, policy, reference| {
        Figure::new(name, value, "%").by(policy).beside("best_fit", reference)
    };
    let straddled = all.map(|(by, t)| figure(straddles, t.straddles(), by, best.straddles()));
    let refused = all.map(|(by, t)| figure(refusals, t.refusals_8(), by, best.refusals_8()));
    straddled.into_iter().chain(refused).collect()
}

/// The time of a decision in a busy fleet, beside a plain scan of the same hosts.
fn decisions(ours: &mut Ours, mut running: Vec<Taken>) -> Vec<Figure> {
    let mut dice = Dice(SEED);
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

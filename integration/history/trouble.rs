//! Everything that goes wrong meanwhile: hosts that fail, lie, hang and lose power; servers and the database killed.

use super::{arena::Arena, record::Dice};
use csgpu::{domain::machine::SeenFunction, hypervisor::fake::FakeHost};
use std::{collections::BTreeMap, time::Duration};

/// What was done, and the times at which guests ended by themselves.
#[derive(Debug, Default)]
pub struct Troubles {
    pub halts: Vec<Duration>,
    pub counts: BTreeMap<&'static str, usize>,
    /// What was wrongly shown, and how often a look at the host fell into that time.
    pub lies: BTreeMap<String, (usize, usize)>,
}

/// All that goes wrong, by name.
pub const KINDS: &[&str] = &[
    "a call failed",
    "an answer was lost",
    "a guest ended",
    "a host hung",
    "a host was away",
    "a host lost power",
    "a reset failed",
    "a look was wrong",
    "a server was killed",
    "a database server was killed",
];

/// A kind of trouble of a host.
#[derive(Debug, Clone, Copy)]
enum Bad {
    CallFails,
    AnswerLost,
    Hangs,
    Down,
    PowerCut,
    GuestEnds,
    Doubt,
    Lies(Lie),
}

/// What a look at a host's devices wrongly shows.
#[derive(Debug, Clone, Copy)]
enum Lie {
    Nothing,
    OneMissing,
    OneTwice,
    OtherModel,
    OtherGroup,
    OtherNode,
    OtherDriver,
}

const OF_HOSTS: &[(usize, Bad)] = &[
    (6, Bad::CallFails),
    (6, Bad::AnswerLost),
    (4, Bad::Hangs),
    (3, Bad::Down),
    (2, Bad::PowerCut),
    (3, Bad::GuestEnds),
    (2, Bad::Doubt),
    (1, Bad::Lies(Lie::Nothing)),
    (1, Bad::Lies(Lie::OneMissing)),
    (1, Bad::Lies(Lie::OneTwice)),
    (1, Bad::Lies(Lie::OtherModel)),
    (1, Bad::Lies(Lie::OtherGroup)),
    (1, Bad::Lies(Lie::OtherNode)),
    (1, Bad::Lies(Lie::OtherDriver)),
];

/// Makes trouble until the operations are done; leaves every host well.
pub async fn make(arena: &Arena, seed: u64, operations: u64) -> Troubles {
    let mut dice = Dice::new(seed, u64::MAX);
    let mut troubles = Troubles::default();
    let hosts = arena.fakes.hosts();
    let truth: Vec<Vec<SeenFunction>> = hosts.iter().map(FakeHost::functions).collect();
    let servers = arena.servers();
    let mut killed: Option<Duration> = None;
    while arena.done.load(std::sync::atomic::Ordering::Relaxed) < operations {
        pause(&mut dice).await;
        let name = match dice.below(100) {
            // its keeper starts it again at once unless it was killed a short while before
            0..3 if killed.is_some_and(|at| arena.now() - at < arena.database.between_kills()) => {
                continue;
            }
            0..3 => {
                killed = Some(arena.now());
                arena.database.kill(&mut dice).await;
                "a database server was killed"
            }
            3..8 => {
                if arena.servers() == 1 {
                    arena.enter().await;
                }
                arena.kill_server(dice.below(servers));
                if arena.servers() < servers {
                    arena.enter().await;
                }
                "a server was killed"
            }
            _ if hosts.is_empty() => continue,
            _ => {
                let number = dice.below(hosts.len());
                let bad = dice.pick(OF_HOSTS);
                host(arena, &hosts[number], &truth[number], bad, &mut dice, &mut troubles).await
            }
        };
        *troubles.counts.entry(name).or_default() += 1;
    }
    for (host, truth) in hosts.iter().zip(truth) {
        host.change(|functions| *functions = truth);
        host.heal();
    }
    troubles
}

async fn pause(dice: &mut Dice) {
    tokio::time::sleep(Duration::from_millis(20 + dice.below(200) as u64)).await;
}

/// One host's trouble, to its end.
async fn host(
    arena: &Arena,
    host: &FakeHost,
    truth: &[SeenFunction],
    bad: Bad,
    dice: &mut Dice,
    troubles: &mut Troubles,
) -> &'static str {
    let n = 1 + dice.below(8) as u64;
    let looks = || host.history().iter().filter(|verb| **verb == "devices").count();
    let before = if matches!(bad, Bad::Lies(_)) { looks() } else { 0 };
    let name = match bad {
        Bad::CallFails => {
            host.fail_at(n);
            return "a call failed";
        }
        Bad::AnswerLost => {
            host.fail_after(n);
            return "an answer was lost";
        }
        Bad::GuestEnds => {
            let running = host.running();
            if !running.is_empty() {
                host.halt(running[dice.below(running.len())]);
                troubles.halts.push(arena.now());
            }
            return "a guest ended";
        }
        Bad::Hangs => {
            host.hang_after(n);
            "a host hung"
        }
        Bad::Down => {
            host.down("cable pulled");
            "a host was away"
        }
        Bad::PowerCut => {
            host.power_cut();
            troubles.halts.push(arena.now());
            "a host lost power"
        }
        Bad::Doubt => {
            let all = host.addresses();
            host.doubt(all[dice.below(all.len())], Some("the reset failed"));
            "a reset failed"
        }
        Bad::Lies(lie) => {
            let one = dice.below(truth.len());
            host.change(|functions| tell(lie, functions, one));
            "a look was wrong"
        }
    };
    pause(dice).await;
    if let Bad::Lies(lie) = bad {
        let (told, seen) = troubles.lies.entry(format!("{lie:?}")).or_default();
        *told += 1;
        *seen += usize::from(looks() > before);
    }
    if matches!(bad, Bad::PowerCut) {
        // a call in flight may have started a guest while the power went
        troubles.halts.push(arena.now());
    }
    host.change(|functions| *functions = truth.to_vec());
    host.heal();
    name
}

fn tell(lie: Lie, functions: &mut Vec<SeenFunction>, one: usize) {
    match lie {
        Lie::Nothing => functions.clear(),
        Lie::OneMissing => drop(functions.remove(one)),
        Lie::OneTwice => functions.push(functions[one].clone()),
        Lie::OtherModel => functions[one].device_id ^= 0x11,
        Lie::OtherGroup => functions[one].iommu_group = Some(99),
        Lie::OtherNode => functions[one].numa_node = None,
        Lie::OtherDriver => functions[one].driver = Some("nouveau".to_owned()),
    }
}

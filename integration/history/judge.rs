//! Decides about a history: what each instance may be after all that was done to it, and whether it was ever seen as
//! something else.
//!
//! An instance is a set of states that it may be in. What is Done leaves one; what Failed or was Lost leaves what was
//! before as well; what was Refused leaves everything as it was. Whoever looks narrows the set to what was seen, which
//! must have been in it. Operations that overlap leave every state possible until somebody looks. What was Lost may be
//! done a while later, by the server that takes over.

use super::record::{Entry, Op, Outcome, State};
use std::{collections::BTreeMap, time::Duration};

const ALL: &[State] =
    &[State::Running, State::Stopped, State::Destroyed, State::Error, State::Absent];

/// How long it may take until a guest that ended by itself is found.
const FOUND: Duration = Duration::from_secs(5);
/// How long it may take until what was lost is done or undone by another server.
const TAKEN_OVER: Duration = Duration::from_secs(20);

/// What is known of one instance.
#[derive(Debug, Clone)]
struct Known {
    may: Vec<State>,
    /// From when on a guest that ended by itself has not been seen yet.
    since: Duration,
    /// The end of what was done last.
    until: Duration,
    /// Until when something that was lost may still be done.
    unsure: Duration,
}

/// Everything that is wrong with a history. `halts` are the times at which guests ended by themselves: an instance
/// that ran then may be stopped.
pub fn judge(history: &[Entry], halts: &[Duration]) -> Vec<String> {
    let mut of_each: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in history {
        of_each.entry(&entry.name).or_default().push(entry);
    }
    let mut wrong = Vec::new();
    for entries in of_each.values_mut() {
        entries.sort_by_key(|entry| entry.asked);
        wrong.extend(judge_one(entries, halts));
    }
    wrong
}

fn judge_one(entries: &[&Entry], halts: &[Duration]) -> Vec<String> {
    let zero = Duration::ZERO;
    let mut known = Known { may: vec![State::Absent], since: zero, until: zero, unsure: zero };
    let mut wrong = Vec::new();
    for entry in entries {
        let is_open = entry.asked < known.until || entry.asked < known.unsure;
        let halted = halts.iter().any(|at| (known.since..=entry.ended).contains(at));
        if halted && known.may.contains(&State::Running) {
            add(&mut known.may, State::Stopped);
        }
        if !is_open && let Err(why) = check(&known.may, entry, halted) {
            wrong.push(format!("{}: {why}: {entry:?} when it may be {:?}", entry.name, known.may));
        }
        known.may = if is_open { ALL.to_vec() } else { after(&known.may, entry) };
        known.since = match entry.outcome {
            Outcome::Seen(..) | Outcome::Refused(_) => {
                known.since.max(entry.asked.saturating_sub(FOUND))
            }
            _ => entry.asked,
        };
        known.until = known.until.max(entry.ended);
        known.unsure = known.unsure.max(entry.ended + goes_on(entry));
    }
    wrong
}

/// For how long what was asked may still have effects.
fn goes_on(entry: &Entry) -> Duration {
    let ends = matches!(
        entry.op,
        Op::Stop | Op::ForcedStop | Op::Reboot | Op::Destroy | Op::DestroyForGood
    );
    match &entry.outcome {
        Outcome::Lost(_) => TAKEN_OVER,
        // the host owes the rest, and pays when it is back
        Outcome::Failed(why) if why.contains("clean-up waits") => TAKEN_OVER,
        // a later step failed: the guest may have ended, and the keeper of hosts is to find it
        Outcome::Failed(_) if ends => FOUND,
        _ => Duration::ZERO,
    }
}

/// Whether this can have come of it.
fn check(may: &[State], entry: &Entry, halted: bool) -> Result<(), &'static str> {
    match &entry.outcome {
        Outcome::Seen(state, _) if !may.contains(state) => Err("it cannot be that"),
        Outcome::Seen(State::Running, Some(gpus))
            if entry.gpus.is_some_and(|promised| *gpus != promised) && !halted =>
        {
            Err("it runs with another number of GPUs than it was promised")
        }
        Outcome::Done if !needs(entry.op).iter().any(|state| may.contains(state)) => {
            Err("it cannot have been done")
        }
        _ => Ok(()),
    }
}

/// The states in which an operation can be done.
fn needs(op: Op) -> &'static [State] {
    match op {
        Op::Deploy => &[State::Absent],
        Op::Start => &[State::Running, State::Stopped],
        Op::Stop | Op::ForcedStop | Op::Reboot => &[State::Running, State::Stopped, State::Error],
        Op::Destroy | Op::DestroyForGood => {
            &[State::Running, State::Stopped, State::Destroyed, State::Error]
        }
        Op::Expunge | Op::Recover => &[State::Destroyed, State::Error],
        Op::Change | Op::Scale => &[State::Stopped],
        Op::Look => ALL,
    }
}

/// What an operation makes of an instance when it is done.
fn result(op: Op) -> Option<State> {
    match op {
        Op::Deploy | Op::Start | Op::Reboot => Some(State::Running),
        Op::Stop | Op::ForcedStop | Op::Recover | Op::Change | Op::Scale => Some(State::Stopped),
        Op::Destroy => Some(State::Destroyed),
        Op::DestroyForGood | Op::Expunge => Some(State::Absent),
        Op::Look => None,
    }
}

fn after(may: &[State], entry: &Entry) -> Vec<State> {
    let mut left = may.to_vec();
    match &entry.outcome {
        Outcome::Seen(state, _) => return vec![*state],
        Outcome::Refused(_) => {}
        Outcome::Done => return result(entry.op).map_or(left, |state| vec![state]),
        // a deploy that failed is put back; it never was Running
        Outcome::Failed(_) if entry.op == Op::Deploy => {
            return vec![State::Error, State::Stopped, State::Absent];
        }
        Outcome::Failed(_) | Outcome::Lost(_) => {
            result(entry.op).into_iter().for_each(|state| add(&mut left, state));
            let between: &[State] = match entry.op {
                Op::Deploy => &[State::Error, State::Stopped],
                Op::Reboot => &[State::Stopped],
                Op::DestroyForGood => &[State::Stopped, State::Destroyed],
                Op::Destroy => &[State::Stopped],
                _ => &[],
            };
            between.iter().for_each(|state| add(&mut left, *state));
        }
    }
    left
}

fn add(may: &mut Vec<State>, state: State) {
    if !may.contains(&state) {
        may.push(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(op: Op, asked: u64, ended: u64, outcome: Outcome) -> Entry {
        let (asked, ended) = (Duration::from_secs(asked), Duration::from_secs(ended));
        Entry { name: "a".to_owned(), gpus: Some(2), op, asked, ended, outcome }
    }

    fn seen(at: u64, state: State) -> Entry {
        entry(Op::Look, at, at, Outcome::Seen(state, None))
    }

    #[test]
    fn a_history_that_can_be_is_accepted() {
        let failed = || Outcome::Failed("the host is away".to_owned());
        let history = [
            entry(Op::Deploy, 0, 1, Outcome::Done),
            entry(Op::Look, 2, 2, Outcome::Seen(State::Running, Some(2))),
            entry(Op::Stop, 3, 4, failed()),
            seen(5, State::Running),
            entry(Op::Stop, 10, 11, Outcome::Lost("killed".to_owned())),
            seen(12, State::Moving),
            seen(32, State::Stopped),
            entry(Op::Destroy, 33, 34, Outcome::Done),
            entry(Op::Recover, 35, 36, Outcome::Done),
            entry(Op::Start, 37, 38, Outcome::Refused("no room".to_owned())),
            seen(39, State::Stopped),
            entry(Op::DestroyForGood, 40, 41, Outcome::Done),
            seen(42, State::Absent),
        ];
        assert_eq!(judge(&history, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_was_lost_appeared_or_came_back_is_found() {
        let deploy = || entry(Op::Deploy, 0, 1, Outcome::Done);
        let refused = || entry(Op::Deploy, 0, 1, Outcome::Refused("no room".to_owned()));
        let failed = || entry(Op::Deploy, 0, 1, Outcome::Failed("away".to_owned()));
        let gone = || entry(Op::DestroyForGood, 2, 3, Outcome::Done);
        let fewer = entry(Op::Look, 4, 4, Outcome::Seen(State::Running, Some(1)));
        for history in [
            vec![deploy(), seen(4, State::Absent)],
            vec![deploy(), seen(4, State::Stopped)],
            vec![deploy(), fewer],
            vec![refused(), seen(4, State::Running)],
            vec![refused(), seen(4, State::Error)],
            vec![failed(), seen(4, State::Running)],
            vec![deploy(), gone(), seen(4, State::Destroyed)],
            vec![deploy(), gone(), entry(Op::Start, 4, 5, Outcome::Done)],
        ] {
            assert_eq!(judge(&history, &[]).len(), 1, "{history:?}");
        }
    }

    #[test]
    fn a_guest_that_ended_by_itself_explains_a_stop_after_it_and_none_before() {
        let history = [entry(Op::Deploy, 0, 1, Outcome::Done), seen(4, State::Stopped)];
        assert!(judge(&history, &[Duration::from_secs(3)]).is_empty());
        assert_eq!(judge(&history, &[Duration::from_secs(5)]).len(), 1);
    }

    #[test]
    fn of_two_at_a_time_anything_may_come_until_somebody_looks() {
        let mut history = vec![
            entry(Op::Deploy, 0, 1, Outcome::Done),
            entry(Op::Stop, 2, 5, Outcome::Done),
            entry(Op::Start, 3, 6, Outcome::Done),
            seen(7, State::Stopped),
        ];
        assert!(judge(&history, &[]).is_empty());
        history.push(seen(8, State::Stopped));
        history.push(seen(9, State::Running));
        assert_eq!(judge(&history, &[]).len(), 1);
    }
}

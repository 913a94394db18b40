//! The books of a history: read from the database, and from what the hosts wrote down by themselves.

use super::{
    arena::{Arena, LIMITS},
    ledger::{self, Holding, Run},
};
use crate::world::invariants;
use csgpu::{
    domain::machine::DeviceRef,
    hypervisor::fake::FakeHost,
    store::{Conn, migrate},
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::*};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    device: String,
    #[diesel(sql_type = Nullable<Text>)]
    parent: Option<String>,
    #[diesel(sql_type = Text)]
    vm: String,
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Datetime)]
    reserved: chrono::NaiveDateTime,
    #[diesel(sql_type = Nullable<Datetime>)]
    allocated: Option<chrono::NaiveDateTime>,
    #[diesel(sql_type = Nullable<Datetime>)]
    releasing: Option<chrono::NaiveDateTime>,
    #[diesel(sql_type = Nullable<Datetime>)]
    released: Option<chrono::NaiveDateTime>,
}

/// Everything that is wrong with the books, beside what the hosts wrote down.
pub fn check(arena: &Arena) -> Vec<String> {
    let books = holdings(arena);
    let mut wrong = ledger::two_owners(&books);
    wrong.extend(ledger::not_in_the_books(&books, &runs(arena)));
    for (account, limit) in LIMITS {
        let above = ledger::seconds_above(&books, account, limit);
        if above > 1.0 {
            wrong.push(format!("{account} had more than its {limit} GPUs for {above} s"));
        }
    }
    wrong
}

/// Who held what, ever.
pub fn holdings(arena: &Arena) -> Vec<Holding> {
    let query = "SELECT CONCAT(h.name, ' ', d.address) AS device, CONCAT(h.name, ' ', p.address) AS parent,
            a.vm_id AS vm, COALESCE(o.name, '') AS account, a.reserved, a.allocated, a.releasing, a.released
        FROM gpu_allocation a JOIN gpu_device d ON d.id = a.device_id JOIN host h ON h.id = a.host_id
        LEFT JOIN gpu_device p ON p.id = d.parent_id LEFT JOIN account o ON o.id = a.account_id";
    let rows: Vec<Row> = sql_query(query).load(&mut connect(arena)).expect("the allocations");
    let held = |row: Row| Holding {
        device: row.device,
        parent: row.parent,
        vm: row.vm,
        account: row.account,
        reserved: row.reserved.and_utc(),
        allocated: row.allocated.map(|at| at.and_utc()),
        releasing: row.releasing.map(|at| at.and_utc()),
        released: row.released.map(|at| at.and_utc()),
    };
    rows.into_iter().map(held).collect()
}

/// What the hosts in memory wrote down.
fn runs(arena: &Arena) -> Vec<Run> {
    let mut runs = Vec::new();
    for host in arena.fakes.hosts() {
        for ran in host.diary() {
            for device in &ran.devices {
                let address = match device {
                    DeviceRef::Pci { address, .. } => address.to_string(),
                    DeviceRef::Mdev { uuid, .. } => uuid.to_string(),
                };
                runs.push(Run {
                    device: format!("{} {address}", host.name()),
                    vm: ran.domain.to_string(),
                    from: ran.from,
                    until: ran.until,
                });
            }
        }
    }
    runs
}

/// What was used is what was held, of every account. To be called when nobody holds anything.
pub fn check_usage(arena: &Arena) {
    #[derive(QueryableByName)]
    struct Used {
        #[diesel(sql_type = Text)]
        account: String,
        #[diesel(sql_type = Double)]
        seconds: f64,
    }
    let query = "SELECT o.name AS account, SUM(TIMESTAMPDIFF(MICROSECOND, u.started, u.ended)) / 1e6 AS seconds
        FROM usage_interval u JOIN account o ON o.id = u.account_id WHERE u.kind = 101 GROUP BY o.name";
    let used: Vec<Used> = sql_query(query).load(&mut connect(arena)).expect("the usage");
    let held = holdings(arena);
    assert!(!used.is_empty(), "nobody used anything");
    for Used { account, seconds } in used {
        let held = ledger::seconds(&held, &account);
        assert!((held - seconds).abs() < 0.01, "{account} held for {held} s and used {seconds} s");
    }
}

/// What the books and the host say of a domain that should not be there.
pub fn story(arena: &Arena, host: &FakeHost, id: Uuid) -> String {
    let jobs = invariants::story(&arena.database.url(0), &id.to_string());
    let runs = host.domain(id).is_some_and(|domain| domain.running.is_some());
    format!("{id}, which {}: {jobs:#?}", if runs { "runs" } else { "does not run" })
}

fn connect(arena: &Arena) -> Conn {
    migrate::connect(&arena.database.url(0)).expect("the database answers")
}

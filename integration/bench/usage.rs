//! What a month of usage costs: a million stretches summed by account, beside the same sum in plain SQL.

use super::{
    cloud::Cloud,
    report::{AIM, Figure},
};
use csgpu::{
    command::When,
    store::{
        migrate,
        usage::{SumBy, sums},
    },
};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use std::time::Instant;

/// Stretches in the ledger.
const STRETCHES: i64 = 1_000_000;
/// How often each sum is taken; the middle one counts.
const TIMES: usize = 5;

/// A million stretches of up to a day, of a thousand accounts, all over a month.
const FILL: &str = "INSERT INTO usage_interval (id, kind, account_id, domain_id, subject_id, name, memory_mib, started, ended, open)
    SELECT CONCAT(LPAD(n, 8, '0'), '-0000-7000-8000-000000000000'), 101,
        CONCAT('00000000-0000-7000-8000-', LPAD(n MOD 1000, 12, '0')), '00000000-0000-7000-8000-000000000000',
        CONCAT(LPAD(n, 8, '0'), '-0000-7000-8000-000000000000'), 'bench', 81920,
        '2026-03-01' + INTERVAL (n * 37 MOD 2592000) SECOND,
        '2026-03-01' + INTERVAL (n * 37 MOD 2592000) + 60 + (n MOD 86400) SECOND, NULL
    FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d AS n FROM d a, d b, d c, d e, d f, d g) x";

/// Runs the bench.
pub fn run() -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cloud = Cloud::new(&runtime);
    let mut conn = migrate::connect(&cloud.url).expect("the database answers");
    let digits = "CREATE TABLE d (d INT PRIMARY KEY); INSERT INTO d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)";
    conn.batch_execute(digits).expect("ten digits");
    conn.batch_execute(FILL).expect("a million stretches");
    conn.batch_execute("DROP TABLE d; ANALYZE TABLE usage_interval").expect("counted");
    let day = |text| When::parse(text).expect("a day").start();
    let (from, to) = (day("2026-03-01"), day("2026-04-01"));
    let db = cloud.server.wiring.db.clone();
    let ours = middle(|| {
        let rows = db.read_blocking(|conn| sums(conn, from, to, SumBy::Account)).expect("sums");
        let stretches: i64 = rows.iter().map(|row| row.stretches).sum();
        assert_eq!((rows.len(), stretches), (1000, STRETCHES));
    });
    let plain = middle(|| {
        let text = "SELECT account_id, SUM(TIMESTAMPDIFF(MICROSECOND, started, ended)) FROM usage_interval GROUP BY account_id";
        sql_query(format!("CREATE TEMPORARY TABLE s AS {text}")).execute(&mut conn).expect("a sum");
        conn.batch_execute("DROP TEMPORARY TABLE s").expect("dropped");
    });
    vec![
        Figure::new("usage_month_1m", ours, "s").beside("plain_sql", plain),
        Figure::new("usage_month_1m_aim", ours, "s").beside(AIM, 2.0),
    ]
}

/// The middle of several times, in seconds.
fn middle(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}

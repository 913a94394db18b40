//! A transaction of a database cluster is there whole or not at all, however many of them meet; and it ends.

use crate::world::galera::{Galera, lines};
use csgpu::{
    error::{Error, Result},
    store::{Db, Tx, migrate},
};
use diesel::{RunQueryDsl, connection::SimpleConnection, prelude::*, sql_query};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

diesel::table! {
    hot (id) {
        id -> BigInt,
        number -> BigInt,
    }
}

diesel::table! {
    mark (attempt, part) {
        attempt -> BigInt,
        part -> BigInt,
    }
}

const TABLES: &str = "CREATE DATABASE whole;
    USE whole;
    CREATE TABLE hot (id BIGINT PRIMARY KEY, number BIGINT NOT NULL);
    CREATE TABLE mark (attempt BIGINT, part BIGINT, PRIMARY KEY (attempt, part));
    INSERT INTO hot VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)";
/// Marks that each transaction makes.
const PARTS: i64 = 6;
/// For how long they meet: a hundred times as long as the first one took to come back half, or not at all.
const TIME: Duration = Duration::from_secs(10);

#[test]
fn no_transaction_of_a_cluster_is_half() {
    let cluster = Galera::start_calm("whole");
    let mut conn = migrate::connect(&cluster.url(0, "mysql")).unwrap();
    conn.batch_execute(TABLES).unwrap();
    let urls = [0, 1, 2].map(|node| cluster.url(node, "whole"));
    let (tell, told) = mpsc::channel();
    let everywhere = urls.clone();
    // one that waits for ever would keep the test for ever
    thread::spawn(move || tell.send(meet(&everywhere)));
    let done = told.recv_timeout(TIME + Duration::from_secs(60)).expect("all of them end");
    assert!(done.len() > 500, "{} transactions only", done.len());
    let half =
        "SELECT CONCAT(attempt, ' has ', GROUP_CONCAT(part)) AS line FROM mark GROUP BY attempt
        HAVING COUNT(*) <> 6";
    for url in &urls {
        assert_eq!(lines(url, half), BTreeSet::new());
        let there = lines(url, "SELECT DISTINCT CONCAT(attempt) AS line FROM mark");
        assert_eq!(done.symmetric_difference(&there).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}

/// Six at each node change the same few rows; the transactions that were said to be done.
fn meet(urls: &[String]) -> BTreeSet<String> {
    let (next, end) = (AtomicI64::new(0), Instant::now() + TIME);
    let done = Mutex::<BTreeSet<String>>::default();
    thread::scope(|scope| {
        for url in urls {
            let db = Db::open(url, 6);
            for _ in 0..6 {
                let (db, next, done) = (db.clone(), &next, &done);
                scope.spawn(move || {
                    while Instant::now() < end {
                        let made =
                            db.txn_blocking("whole", |tx| whole(tx, next.fetch_add(1, Relaxed)));
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        done.extend(made.map(|attempt| attempt.to_string()));
                    }
                });
            }
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Marks, and anything between them.
fn whole(tx: &mut Tx<'_>, attempt: i64) -> Result<i64> {
    for part in 0..PARTS {
        for _ in 0..random(3) {
            step(tx, random(6), i64::from(random(8)))?;
        }
        let marked = (mark::attempt.eq(attempt), mark::part.eq(part));
        diesel::insert_into(mark::table).values(marked).execute(&mut **tx)?;
    }
    if random(3) == 0 {
        step(tx, 1 + random(4), 0)?;
    }
    match random(10) {
        0 => Err(Error::LostRace("thing")),
        _ => Ok(attempt),
    }
}

/// What transactions do: write, read, lock; with statements that are kept and with some that are prepared each time.
fn step(tx: &mut Tx<'_>, kind: u32, row: i64) -> Result<()> {
    let it = hot::table.filter(hot::id.eq(row));
    match kind {
        0 => {
            diesel::update(it).set(hot::number.eq(hot::number + 1)).execute(&mut **tx)?;
        }
        1 => {
            let _: i64 = it.select(hot::number).first(&mut **tx)?;
        }
        2 => {
            let _: Vec<(i64, i64)> = it.for_update().load(&mut **tx)?;
        }
        3 => {
            let none = hot::table.filter(hot::id.eq(row + 100));
            let _: Option<(i64, i64)> = none.first(&mut **tx).optional()?;
        }
        4 => {
            let two = hot::table.filter(hot::id.eq_any([row, (row + 3) % 8]));
            let _: Vec<(i64, i64)> = two.load(&mut **tx)?;
        }
        _ => {
            let text =
                format!("UPDATE hot SET number = number + 1 WHERE id IN ({row}, {})", row / 2);
            sql_query(text).execute(&mut **tx)?;
        }
    }
    Ok(())
}

fn random(below: u32) -> u32 {
    getrandom::u32().expect("randomness") % below
}

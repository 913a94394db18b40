//! The doors to the database: what is run again, what is not, and what a caller reads when the database is in trouble.

use crate::world::cable::Cable;
use crate::world::private::Private;
use crate::world::server::{FreshDatabase, empty_database};
use csgpu::{
    domain::{Id, gpu::PciAddress, id, vm::VmState},
    error::{Error, Result},
    store::{self, Conn, Db, Tx},
};
use diesel::{RunQueryDsl, connection::SimpleConnection, prelude::*, sql_query, sql_types::BigInt};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc::channel,
    },
    thread,
    time::{Duration, Instant},
};

diesel::table! {
    thing (id) {
        id -> Text,
        owner -> Nullable<Text>,
        state -> Text,
        address -> Nullable<Text>,
        number -> BigInt,
        made -> Datetime,
    }
}

const THING: &str = "CREATE TABLE thing (id CHAR(36) CHARACTER SET ascii PRIMARY KEY, owner CHAR(36), \
    state VARCHAR(32) NOT NULL, address VARCHAR(32), number BIGINT NOT NULL DEFAULT 0, \
    made DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))";

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = thing)]
struct Thing {
    id: Id<id::Vm>,
    owner: Option<Id<id::Account>>,
    state: VmState,
    address: Option<PciAddress>,
    number: i64,
}

fn a_thing() -> Thing {
    Thing { id: Id::mint(), owner: None, state: VmState::Stopped, address: None, number: 0 }
}

fn insert(tx: &mut Tx<'_>, thing: &Thing) -> Result<()> {
    diesel::insert_into(thing::table).values(thing).execute(&mut **tx)?;
    Ok(())
}

fn add(tx: &mut Tx<'_>, which: Id<id::Vm>) -> Result<usize> {
    let row = diesel::update(thing::table.find(which));
    Ok(row.set(thing::number.eq(thing::number + 1)).execute(&mut **tx)?)
}

fn numbers(conn: &mut Conn) -> Result<Vec<i64>> {
    Ok(thing::table.order(thing::id).select(thing::number).load(conn)?)
}

fn with_things(count: usize) -> (FreshDatabase, Db, Vec<Id<id::Vm>>) {
    let database = empty_database();
    let db = Db::open(&database.url, 8);
    let things: Vec<Thing> = (0..count).map(|_| a_thing()).collect();
    let mut conn = store::migrate::connect(&database.url).expect("a connection");
    conn.batch_execute(THING).expect("a table");
    let made = db.txn_blocking("make", |tx| things.iter().try_for_each(|it| insert(tx, it)));
    made.expect("the things are made");
    (database, db, things.iter().map(|thing| thing.id).collect())
}

#[test]
fn our_types_come_back_as_they_went() {
    let (_database, db, _) = with_things(0);
    let whole = Thing {
        owner: Some(Id::mint()),
        state: VmState::Running,
        address: Some("0000:3b:00.1".parse().unwrap()),
        ..a_thing()
    };
    let wanted = [whole.clone(), a_thing()];
    let put = wanted.clone();
    db.txn_blocking("put", move |tx| put.iter().try_for_each(|thing| insert(tx, thing))).unwrap();
    let ids = [wanted[0].id, wanted[1].id];
    let found = db.read_blocking(move |conn| {
        let query = thing::table.filter(thing::id.eq_any(&ids)).order(thing::id);
        Ok(query.select(Thing::as_select()).load(conn)?)
    });
    assert_eq!(found.unwrap(), wanted);
    let odd = db.read_blocking(|conn| {
        let made: csgpu::domain::Time = thing::table.select(thing::made).first(conn)?;
        Ok((made, store::now(conn)?))
    });
    let (made, now) = odd.unwrap();
    assert!(made < now && now - made < chrono::TimeDelta::seconds(60), "{made} {now}");
}

#[test]
fn statements_are_counted() {
    let (_database, db, things) = with_things(1);
    let before = db.statements();
    db.read_blocking(numbers).unwrap();
    assert_eq!(db.statements() - before, 1);
    db.txn_blocking("add", |tx| add(tx, things[0])).unwrap();
    assert_eq!(db.statements() - before, 4);
}

/// Two transactions that each add to two things, in opposite order, and meet between the two.
fn cross(then: impl Fn(Result<usize>) -> Result<()> + Sync) {
    let (_database, db, things) = with_things(2);
    let (runs, meet) = (AtomicU32::new(0), Barrier::new(2));
    thread::scope(|scope| {
        for (one, other) in [(things[0], things[1]), (things[1], things[0])] {
            let (db, runs, meet, then) = (db.clone(), &runs, &meet, &then);
            scope.spawn(move || {
                let first = AtomicU32::new(0);
                let crossed = db.txn_blocking("cross", |tx| {
                    runs.fetch_add(1, SeqCst);
                    add(tx, one)?;
                    if first.fetch_add(1, SeqCst) == 0 {
                        meet.wait();
                    }
                    then(add(tx, other))
                });
                crossed.expect("both succeed in the end");
            });
        }
    });
    assert_eq!(db.read_blocking(numbers).expect("numbers"), [2, 2]);
    assert!(runs.into_inner() > 2, "there was no deadlock to begin with");
}

#[test]
fn crossed_transactions_both_succeed() {
    cross(|added| added.map(|rows| assert_eq!(rows, 1)));
}

#[test]
fn a_swallowed_deadlock_is_not_committed() {
    cross(|_| Ok(()));
}

/// The client library of MariaDB would wait for the rows of the first attempt for ever.
#[test]
fn a_locking_read_that_failed_is_run_again_and_ends() {
    let (database, db, things) = with_things(1);
    let mut rival = store::migrate::connect(&database.url).unwrap();
    rival.batch_execute("BEGIN; UPDATE thing SET number = 7").unwrap();
    let one = Db::open(&database.url, 1);
    let runs = Arc::new(AtomicU32::new(0));
    let (counted, which, (tell, told)) = (Arc::clone(&runs), things[0], channel());
    thread::spawn(move || {
        let locked = one.txn_blocking("lock", |tx| {
            counted.fetch_add(1, SeqCst);
            let row = thing::table.find(which).for_update();
            Ok(row.select(thing::number).first::<i64>(&mut **tx)?)
        });
        tell.send(locked)
    });
    let end = Instant::now() + Duration::from_secs(60);
    while runs.load(SeqCst) < 2 {
        assert!(Instant::now() < end, "the lock is waited for without a limit");
        thread::park_timeout(Duration::from_millis(10));
    }
    rival.batch_execute("COMMIT").unwrap();
    let locked = told.recv_timeout(Duration::from_secs(60)).expect("it ends");
    assert_eq!(locked.unwrap(), 7);
    assert_eq!(db.read_blocking(numbers).unwrap(), [7]);
}

/// What a node of a cluster does that rolls a transaction back and does not say so.
#[test]
fn what_follows_a_transaction_that_is_gone_is_not_written() {
    let (_database, db, things) = with_things(2);
    let runs = AtomicU32::new(0);
    let done = db.txn_blocking("gone", |tx| {
        add(tx, things[0])?;
        if runs.fetch_add(1, SeqCst) == 0 {
            tx.batch_execute("ROLLBACK")?;
        }
        add(tx, things[1])
    });
    assert_eq!(done.unwrap(), 1);
    assert_eq!(runs.into_inner(), 2);
    assert_eq!(db.read_blocking(numbers).unwrap(), [1, 1]);
    let outside = db.read_blocking(move |conn| {
        let row = diesel::update(thing::table).set(thing::number.eq(9));
        Ok(row.execute(conn)?)
    });
    assert!(outside.is_err(), "a read has written");
    assert_eq!(db.read_blocking(numbers).unwrap(), [1, 1]);
}

#[test]
fn a_lost_race_is_run_five_times_and_leaves_nothing() {
    let (_database, db, things) = with_things(1);
    let runs = AtomicU32::new(0);
    let lost: Result<()> = db.txn_blocking("race", |tx| {
        runs.fetch_add(1, SeqCst);
        add(tx, things[0])?;
        Err(Error::LostRace("GPU device"))
    });
    assert!(
        matches!(lost, Err(Error::Conflict(text)) if text.starts_with("GPU device was changed"))
    );
    assert_eq!(runs.into_inner(), 5);
    assert_eq!(db.read_blocking(numbers).unwrap(), [0]);
}

#[test]
fn a_refusal_is_not_run_again_and_leaves_nothing() {
    let (_database, db, things) = with_things(1);
    let runs = AtomicU32::new(0);
    let refused: Result<()> = db.txn_blocking("refuse", |tx| {
        runs.fetch_add(1, SeqCst);
        add(tx, things[0])?;
        Err(Error::invalid("no"))
    });
    assert!(matches!(refused, Err(Error::Invalid(_))));
    assert_eq!((runs.into_inner(), db.read_blocking(numbers).unwrap()), (1, vec![0]));
}

#[test]
fn a_read_has_no_rival_and_says_that_the_database_is_not_ready() {
    // what MariaDB says of a node that waits in vain for its cluster
    const BEHIND: &str = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1205, \
        MESSAGE_TEXT = 'Lock wait timeout exceeded; try restarting transaction'";
    let (_database, db, _) = with_things(0);
    let runs = AtomicU32::new(0);
    let soon = db.read_blocking(|conn| match runs.fetch_add(1, SeqCst) {
        0..3 => Ok(conn.batch_execute(BEHIND)?),
        _ => Ok(()),
    });
    assert!(soon.is_ok(), "it is asked again: {soon:?}");
    let never = db.read_blocking(|conn| Ok(conn.batch_execute(BEHIND)?)).unwrap_err();
    assert_eq!(never.code(), 503, "{never:?}");
    assert_eq!(never.to_string(), "the database does not answer: its node is behind its cluster");
    let change = db.txn_blocking("x", |tx| Ok(tx.batch_execute(BEHIND)?)).unwrap_err();
    assert_eq!((change.code(), change.cs_code()), (530, Some(4300)), "{change:?}");
}

#[test]
fn a_duplicate_can_be_told_apart() {
    let (_database, db, things) = with_things(1);
    let twin = Thing { id: things[0], ..a_thing() };
    let named = db.txn_blocking("twin", |tx| match insert(tx, &twin) {
        Err(error) if store::is_duplicate(&error) => Err(Error::Conflict("named".into())),
        other => other,
    });
    assert!(matches!(named, Err(Error::Conflict(text)) if text == "named"));
    let plain = db.txn_blocking("twin", |tx| insert(tx, &twin));
    assert!(matches!(plain, Err(Error::Conflict(text)) if text == "the same exists already"));
}

#[tokio::test]
async fn a_panic_leaves_no_transaction_behind() {
    let (_database, db, things) = with_things(1);
    let which = things[0];
    let panicked: Result<()> = db
        .txn("panic", move |tx| {
            add(tx, which)?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(panicked, Err(Error::Internal(_))));
    assert_eq!(db.txn("add", move |tx| add(tx, which)).await.unwrap(), 1);
    assert_eq!(db.read(numbers).await.unwrap(), [1]);
}

#[tokio::test]
async fn many_readers_share_few_connections() {
    let (database, _, _) = with_things(1);
    let db = Db::open(&database.url, 2);
    let slow = |conn: &mut Conn| {
        sql_query("DO SLEEP(0.05)").execute(conn)?;
        Ok(())
    };
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.read(slow).await })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
}

#[test]
fn a_connection_lost_before_the_commit_is_replaced() {
    let Some((cable, database)) = cabled("before") else { return };
    let (_keep, id) = (&database, a_thing());
    let db = Db::open(&cable.url(&database.name), 4);
    store::migrate::connect(&database.url).unwrap().batch_execute(THING).unwrap();
    let runs = AtomicU32::new(0);
    let done = db.txn_blocking("lose", |tx| {
        if runs.fetch_add(1, SeqCst) == 0 {
            cable.cut_after_the_next_message();
        }
        insert(tx, &id)
    });
    done.unwrap();
    assert_eq!(runs.into_inner(), 2);
    assert_eq!(db.read_blocking(numbers).unwrap(), [0]);
    cable.cut_after_the_next_message();
    assert_eq!(db.read_blocking(numbers).unwrap(), [0], "reads are run again too");
}

#[test]
fn a_connection_lost_during_the_commit_claims_nothing() {
    let Some((cable, database)) = cabled("during") else { return };
    let db = Db::open(&cable.url(&database.name), 4);
    store::migrate::connect(&database.url).unwrap().batch_execute(THING).unwrap();
    let runs = AtomicU32::new(0);
    let lost = db.txn_blocking("lose", |tx| {
        runs.fetch_add(1, SeqCst);
        insert(tx, &a_thing())?;
        assert_eq!(numbers(tx)?, [0]); // with its answer everything else has arrived, too
        cable.cut_after_the_next_message();
        Ok(())
    });
    assert!(
        matches!(&lost, Err(Error::Stopping(text)) if text.contains("may or may not")),
        "{lost:?}"
    );
    assert_eq!(runs.into_inner(), 1, "it must not be done twice");
    assert_eq!(db.read_blocking(numbers).unwrap().len(), 1, "this time it was made");
}

/// A database behind a cable; only where the socket is known, not with a server from outside.
fn cabled(name: &str) -> Option<(Cable, FreshDatabase)> {
    let database = empty_database();
    let (_, socket) = database.url.split_once("unix_socket=")?;
    let at = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cable = Cable::new(at.join(format!("{}-{name}.sock", std::process::id())), socket.as_ref());
    Some((cable, database))
}

#[test]
fn after_a_crash_of_the_server_reads_come_back() {
    let mut server = Private::start("crash");
    let url = server.url("csgpu");
    drop(store::migrate::connect(&url).unwrap());
    let db = Db::open(&url, 4);
    let one = |conn: &mut Conn| {
        Ok(diesel::select(diesel::dsl::sql::<BigInt>("1")).get_result::<i64>(conn)?)
    };
    // several connections, all of which will be dead
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                db.txn_blocking("hold", |tx| Ok(sql_query("DO SLEEP(0.1)").execute(&mut **tx)?))
            });
        }
    });
    server.crash();
    let begun = Instant::now();
    assert_eq!(db.read_blocking(one).unwrap(), 1);
    db.txn_blocking("again", |tx| one(tx)).unwrap();
    server.stop();
    let away = db.read_blocking(one);
    assert!(
        matches!(&away, Err(Error::Stopping(text)) if text.starts_with("the database does not answer")),
        "{away:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    let _server = server.restart();
    assert_eq!(db.read_blocking(one).unwrap(), 1);
}

#[test]
fn a_server_that_is_not_there_is_named_within_seconds() {
    let db = Db::open("mysql://root@localhost/x?unix_socket=/nowhere/db.sock", 4);
    let begun = Instant::now();
    let away = db.read_blocking(numbers);
    assert!(
        matches!(&away, Err(Error::Stopping(text)) if text == "the database does not answer: the connection failed"),
        "{away:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(6));
}

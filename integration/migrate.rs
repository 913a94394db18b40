//! What a start says about a database that does not fit, and that several starts do not collide.

use crate::world::server::{admin, empty_database, fresh_database, with_name};
use csgpu::store::migrate;
use diesel::connection::SimpleConnection;
use std::thread;

fn refusal(url: &str, may_migrate: bool) -> String {
    migrate::prepare(url, may_migrate).expect_err("it does not fit").to_string()
}

#[test]
fn an_older_database_is_brought_up_to_date_or_named() {
    let database = empty_database();
    let text = refusal(&database.url, false);
    assert!(text.starts_with("the database is older than this csgpu"), "{text}");
    assert!(text.ends_with("run csgpu migrate"), "{text}");
    assert!(!migrate::prepare(&database.url, true).unwrap().is_empty());
    assert!(migrate::prepare(&database.url, true).unwrap().is_empty());
    migrate::prepare(&database.url, false).unwrap();
}

#[test]
fn a_newer_database_is_left_alone() {
    let database = fresh_database();
    let mut conn = migrate::connect(&database.url).unwrap();
    let text = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    conn.batch_execute(text).unwrap();
    for may_migrate in [false, true] {
        let text = refusal(&database.url, may_migrate);
        assert!(
            text.starts_with("this database was written by a newer csgpu (step 99990101000000"),
            "{text}"
        );
    }
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let database = empty_database();
    let mut conn = migrate::connect(&database.url).unwrap();
    conn.batch_execute("CREATE TABLE theirs (id INT)").unwrap();
    let text = refusal(&database.url, true);
    assert!(text.starts_with("the database has tables that are not csgpu's"), "{text}");
}

#[test]
fn servers_that_start_together_do_not_collide() {
    let database = empty_database();
    let applied: usize = thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| migrate::prepare(&database.url, true).unwrap().len()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).sum()
    });
    assert_eq!(applied, migrate::known().unwrap().len(), "each step is applied once");
}

#[test]
fn a_wrong_login_is_named() {
    let database = empty_database();
    let (_, place) = database.url.rsplit_once('@').expect("a login in the URL");
    let user = format!("u{}", std::process::id());
    let as_user = |password: &str| format!("mysql://{user}:{password}@{place}");
    let text =
        format!("DROP USER IF EXISTS '{user}'@'%'; CREATE USER '{user}'@'%' IDENTIFIED BY 'right'");
    admin().batch_execute(&text).unwrap();
    let wrong = refusal(&as_user("wrong"), true);
    let forbidden = refusal(&as_user("right"), true);
    let missing = refusal(&with_name(&as_user("right"), "no_such_database"), true);
    admin().batch_execute(&format!("DROP USER '{user}'@'%'")).unwrap();
    assert_eq!(
        wrong,
        format!(
            "the database refuses user {user}: correct the user or the password in database.url"
        )
    );
    assert!(
        forbidden.starts_with(&format!("user {user} may not use database {}", database.name)),
        "{forbidden}"
    );
    assert!(missing.contains("no_such_database") && missing.contains("GRANT ALL"), "{missing}");
}

#[test]
fn a_missing_database_is_created() {
    let first = empty_database();
    let name = format!("{}_more", first.name);
    let url = with_name(&first.url, &name);
    migrate::prepare(&url, true).unwrap();
    admin().batch_execute(&format!("DROP DATABASE `{name}`")).unwrap();
}

#[test]
fn a_url_that_is_none_is_named() {
    for url in ["postgres://a/b", "mysql:/x", "nonsense", "mysql://root@localhost"] {
        let text = refusal(url, true);
        assert!(text.starts_with("database.url is not of the form mysql://"), "{url}: {text}");
    }
    let text = refusal("mysql://root@localhost/?unix_socket=/x", true);
    assert!(text.contains("must end in the name of a database"), "{text}");
    let text = refusal("mysql://root@localhost/d?unix_socket=/nowhere/x.sock", true);
    assert!(text.starts_with("the database at localhost does not answer: is it running"), "{text}");
}

//! What a start says about a database that does not fit, and that several starts do not collide.

use crate::world::server::{admin, empty_database, fresh_database, with_name};
use csgpu::store::migrate;
use diesel::{
    QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use std::{fs, thread};

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
    let text = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000');
        DROP TABLE schema_floor";
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

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The schema as it was after so many steps, with roles of its time.
const OLD_ROLES: &str = "\
    INSERT INTO role (id, name, kind, description, is_default, revision) VALUES \
    ('01920000-0000-7000-8000-000000000105', 'Read-Only User - Default', 'User', 'r', 1, 1), \
    ('01920000-0000-7000-8000-000000000107', 'Support User - Default', 'User', 'r', 1, 1); \
    INSERT INTO role_rule (id, role_id, rule, is_allowed, sort_order) VALUES \
    ('01920000-0000-7000-8000-000000015000', '01920000-0000-7000-8000-000000000105', 'listZones', 1, 0), \
    ('01920000-0000-7000-8000-000000015001', '01920000-0000-7000-8000-000000000105', 'LISTUSAGETYPES', 0, 1), \
    ('01920000-0000-7000-8000-000000015002', '01920000-0000-7000-8000-000000000105', '*', 0, 2), \
    ('01920000-0000-7000-8000-000000015003', '01920000-0000-7000-8000-000000000105', 'listHosts', 1, 3), \
    ('01920000-0000-7000-8000-000000017000', '01920000-0000-7000-8000-000000000107', 'listZones', 1, 0)";

#[test]
fn default_roles_of_an_older_cloud_get_the_rules_of_later_commands() {
    let database = empty_database();
    let mut conn = migrate::connect(&database.url).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let steps = fs::read_dir(folder).unwrap().flatten().map(|step| step.path());
    let mut steps: Vec<_> = steps.filter(|step| step.is_dir()).collect();
    steps.sort();
    let table = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
        run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    conn.batch_execute(table).unwrap();
    for step in steps.iter().take(14) {
        conn.batch_execute(&fs::read_to_string(step.join("up.sql")).unwrap()).unwrap();
        let name = step.file_name().unwrap().to_string_lossy().into_owned();
        let version = name.split('_').next().unwrap().replace('-', "");
        let text = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')");
        conn.batch_execute(&text).unwrap();
    }
    conn.batch_execute(OLD_ROLES).unwrap();
    let applied = migrate::prepare(&database.url, true).unwrap();
    assert_eq!(applied.len(), steps.len() - 14, "{applied:?}");
    let mut rules = |role: &str| -> Vec<String> {
        let text = format!(
            "SELECT CONCAT(rule, ' ', is_allowed) AS text FROM role_rule \
             WHERE role_id = '01920000-0000-7000-8000-000000000{role}' ORDER BY sort_order, id"
        );
        let rows: Vec<Row> = sql_query(text).load(&mut conn).unwrap();
        rows.into_iter().map(|row| row.text).collect()
    };
    // what the operator denied stays denied, and what stood behind the last rule stays there
    let expected = [
        "listZones 1",
        "LISTUSAGETYPES 0",
        "listUsageRecords 1",
        "listPlacementDecisions 1",
        "* 0",
        "listHosts 1",
    ];
    assert_eq!(rules("105"), expected);
    let expected =
        ["listZones 1", "listUsageRecords 1", "listUsageTypes 1", "listPlacementDecisions 1"];
    assert_eq!(rules("107"), expected);
    assert!(migrate::prepare(&database.url, true).unwrap().is_empty());
}

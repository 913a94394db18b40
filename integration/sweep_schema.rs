//! `src/store/schema.rs` is what the migrations make; `UPDATE=1` writes it.
//!
//! The names, types and keys are read from a migrated database, so that the file cannot say anything else than the
//! database. Few types are allowed, and a column of another one fails here.

use crate::world::server::{env, fresh_database};
use csgpu::store::{Conn, migrate};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use std::{collections::BTreeMap, fmt::Write as _};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema.rs");

#[test]
fn the_schema_file_is_what_the_migrations_make() {
    let database = fresh_database();
    let mut conn = migrate::connect(&database.url).expect("the database");
    let want = render(&mut conn);
    if env("UPDATE").is_some() {
        std::fs::write(FILE, &want).expect("the file can be written");
    }
    let have = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        have == want,
        "{FILE} is out of date: UPDATE=1 cargo test --test integration sweep_schema"
    );
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    /// `varchar`
    #[diesel(sql_type = Text)]
    base: String,
    /// `varchar(255)`
    #[diesel(sql_type = Text)]
    whole: String,
    #[diesel(sql_type = Text)]
    nullable: String,
    #[diesel(sql_type = Text)]
    key: String,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

const COLUMNS: &str = "SELECT table_name AS `table`, column_name AS name, data_type AS base, \
    column_type AS whole, is_nullable AS nullable, column_key AS `key` \
    FROM information_schema.columns \
    WHERE table_schema = DATABASE() AND table_name <> '__diesel_schema_migrations' \
    ORDER BY table_name, ordinal_position";

const REFERENCES: &str = "SELECT k.table_name AS `table`, k.column_name AS `column`, \
    k.referenced_table_name AS parent FROM information_schema.key_column_usage k \
    WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL \
    ORDER BY 1, 2, 3";

fn render(conn: &mut Conn) -> String {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for column in sql_query(COLUMNS).load::<Column>(conn).expect("the columns") {
        tables.entry(column.table.clone()).or_default().push(column);
    }
    let references: Vec<Reference> = sql_query(REFERENCES).load(conn).expect("the references");
    let mut text = String::from(
        "//! The tables, derived from the migrations by `integration/sweep_schema.rs`; never edited by hand.\n",
    );
    for (table, columns) in &tables {
        table_of(&mut text, table, columns);
    }
    text.push('\n');
    joins(&mut text, &references, &tables);
    text.push_str("\ndiesel::allow_tables_to_appear_in_same_query! {\n");
    for table in tables.keys() {
        writeln!(text, "    {table},").expect("text");
    }
    text + "}\n"
}

fn table_of(text: &mut String, table: &str, columns: &[Column]) {
    let keys: Vec<String> =
        columns.iter().filter(|c| c.key == "PRI").map(|c| rust_name(table, &c.name)).collect();
    assert!(!keys.is_empty(), "table {table} has no primary key");
    writeln!(text, "\ndiesel::table! {{\n    {table} ({}) {{", keys.join(", ")).expect("text");
    for column in columns {
        let name = rust_name(table, &column.name);
        if name != column.name {
            writeln!(text, "        #[sql_name = \"{}\"]", column.name).expect("text");
        }
        writeln!(text, "        {name} -> {},", type_of(column)).expect("text");
    }
    text.push_str("    }\n}\n");
}

/// Where there is exactly one way from a table to another, diesel may take it by itself.
fn joins(text: &mut String, references: &[Reference], tables: &BTreeMap<String, Vec<Column>>) {
    for one in references {
        let same = |other: &&Reference| other.table == one.table && other.parent == one.parent;
        let single_key = tables[&one.parent].iter().filter(|c| c.key == "PRI").count() == 1;
        if one.table == one.parent || references.iter().filter(same).count() > 1 || !single_key {
            continue;
        }
        let column = rust_name(&one.table, &one.column);
        writeln!(text, "diesel::joinable!({} -> {} ({column}));", one.table, one.parent)
            .expect("text");
    }
}

fn type_of(column: &Column) -> String {
    let base = match (column.base.as_str(), column.whole.as_str()) {
        ("char" | "varchar" | "text" | "mediumtext" | "longtext", _) => "Text",
        ("tinyint", "tinyint(1)") => "Bool",
        ("int", _) => "Integer",
        ("bigint", _) => "BigInt",
        ("double", _) => "Double",
        ("datetime", _) => "Datetime",
        ("blob" | "mediumblob" | "varbinary" | "binary", _) => "Binary",
        (_, other) => panic!("{}.{}: no rule for {other}", column.table, column.name),
    };
    let base = match column.whole.ends_with("unsigned") {
        true => format!("Unsigned<{base}>"),
        false => base.to_owned(),
    };
    if column.nullable == "YES" { format!("Nullable<{base}>") } else { base }
}

/// Rust's own words, and a column that is called like its table, get an underscore.
fn rust_name(table: &str, column: &str) -> String {
    const WORDS: &[&str] = &[
        "as", "box", "const", "crate", "do", "else", "enum", "fn", "for", "if", "impl", "in",
        "let", "loop", "match", "mod", "move", "override", "priv", "pub", "ref", "self", "static",
        "struct", "trait", "type", "use", "where", "while", "yield",
    ];
    if WORDS.contains(&column) || table == column {
        format!("{column}_")
    } else {
        column.to_owned()
    }
}

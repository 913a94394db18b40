//! The effective configuration as a file that can be read back, each field under its documentation.

use super::{Config, Field, TABLES};
use toml::{Table, Value};

/// Whether a field of the outermost table is a table itself.
pub(super) fn is_table(name: &str) -> bool {
    TABLES.iter().any(|(table, ..)| *table == name)
}

pub(super) fn render(config: &Config) -> String {
    let values = Table::try_from(config).unwrap_or_default();
    let mut text = String::new();
    comment(&mut text, Config::ABOUT);
    text.push('\n');
    fields(&mut text, Config::FIELDS.iter().filter(|field| !is_table(field.name)), &values);
    for (name, about, list) in TABLES {
        comment(&mut text, about);
        text.push_str(&format!("[{name}]\n"));
        let empty = Table::new();
        let values = values.get(*name).and_then(Value::as_table).unwrap_or(&empty);
        fields(&mut text, list.iter(), values);
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn fields<'a>(text: &mut String, fields: impl Iterator<Item = &'a Field>, values: &Table) {
    for field in fields {
        comment(text, field.about);
        let line = match values.get(field.name) {
            None => format!("# {} =\n\n", field.name),
            Some(Value::String(value)) if value == "***" => {
                format!("# {} is set and not shown\n\n", field.name)
            }
            Some(value) => format!("{} = {value}\n\n", field.name),
        };
        text.push_str(&line);
    }
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(&format!("#{}\n", line.trim_end()));
    }
}

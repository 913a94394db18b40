//! Renders an answer as CloudStack's XML, which is what a client gets that does not ask for JSON.
//!
//! Two habits of the real server are left out because nobody can rely on them: text inside lists is escaped here too,
//! and characters that XML cannot carry become U+FFFD instead of an unreadable document.

use serde_json::{Map, Value};

/// Fields that are maps: an object in one of them is written as one text, `{k=v, k2=v2}`.
const MAPS: &[&str] = &[
    "accountdetails",
    "deployasisdetails",
    "details",
    "domaindetails",
    "downloaddetails",
    "externaldetails",
    "resourcedetails",
    "serviceofferingdetails",
    "storagecapabilities",
    "storagecustomstats",
    "templatedetails",
    "userdatadetails",
    "vmdetails",
    "vnfdetails",
    "volumecheckresult",
    "volumerepairresult",
];

/// The whole document: the root element with its content, and the version attribute if there is one.
pub fn document(root: &str, version: Option<&str>, content: &Value) -> String {
    let mut out = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><"#);
    out.push_str(root);
    if let Some(version) = version {
        out.push_str(r#" cloud-stack-version=""#);
        escape(version, &mut out);
        out.push('"');
    }
    out.push('>');
    match content {
        Value::Object(fields) => children(fields, &mut out),
        other => escape(&plain(other), &mut out),
    }
    close(root, &mut out);
    out
}

fn children(fields: &Map<String, Value>, out: &mut String) {
    for (name, value) in fields {
        field(name, value, out);
    }
}

/// One field: one element, several for a list, none for null and for a list of numbers.
fn field(name: &str, value: &Value, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for item in items.iter().filter(|item| !item.is_number()) {
                field(name, item, out);
            }
        }
        Value::Object(fields) if MAPS.contains(&name) => {
            open(name, out);
            escape(&map_text(fields), out);
            close(name, out);
        }
        Value::Object(fields) => {
            open(name, out);
            children(fields, out);
            close(name, out);
        }
        scalar => {
            open(name, out);
            match scalar {
                Value::String(text) => escape(text, out),
                other => escape(&plain(other), out),
            }
            close(name, out);
        }
    }
}

fn open(name: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn map_text(fields: &Map<String, Value>) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\t' | '\n' | '\r' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn inner(value: Value) -> String {
        let text = document("r", None, &value);
        text.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?><r>"#)
            .trim_end_matches("</r>")
            .to_string()
    }

    #[test]
    fn a_document_has_a_version_only_when_given() {
        let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
        assert_eq!(
            document("a", Some("4.22.0.0"), &json!({})),
            format!(r#"{head}<a cloud-stack-version="4.22.0.0"></a>"#)
        );
        assert_eq!(document("a", None, &json!({"b": 1})), format!("{head}<a><b>1</b></a>"));
    }

    #[test]
    fn lists_repeat_their_element() {
        assert_eq!(
            inner(json!({"vm": [{"id": "a"}, {"id": "b"}]})),
            "<vm><id>a</id></vm><vm><id>b</id></vm>"
        );
        assert_eq!(inner(json!({"name": ["a", "<b>"]})), "<name>a</name><name>&lt;b&gt;</name>");
        assert_eq!(inner(json!({"tags": [], "numbers": [1, 2.5], "none": null})), "");
    }

    #[test]
    fn maps_are_one_text_and_other_objects_are_elements() {
        assert_eq!(
            inner(json!({"details": {"a": "1", "b.c": "<"}})),
            "<details>{a=1, b.c=&lt;}</details>"
        );
        assert_eq!(inner(json!({"details": {}})), "<details>{}</details>");
        assert_eq!(inner(json!({"details": "text"})), "<details>text</details>");
        assert_eq!(inner(json!({"card": {"id": "a"}})), "<card><id>a</id></card>");
    }

    #[test]
    fn scalars_keep_their_form() {
        assert_eq!(
            inner(json!({"a": true, "b": 1.0, "c": -4, "d": ""})),
            "<a>true</a><b>1.0</b><c>-4</c><d></d>"
        );
        assert_eq!(
            inner(json!({"a": "\"'<>&\n\u{1}"})),
            "<a>&quot;&apos;&lt;&gt;&amp;\n\u{fffd}</a>"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_a_parser(text in "\\PC{0,40}") {
            let document = document("r", None, &json!({ "a": text }));
            let start = document.find("<a>").unwrap() + 3;
            let escaped = &document[start..document.rfind("</a>").unwrap()];
            prop_assert_eq!(quick_xml::escape::unescape(escaped).unwrap(), text);
        }
    }
}

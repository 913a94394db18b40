//! A thin skin over quick-xml's writer: elements by closure, everything escaped, nothing glued.

use quick_xml::{
    Writer,
    events::{BytesText, Event},
};

/// Attributes of one element, in order.
pub(super) type Attrs<'a> = &'a [(&'a str, &'a str)];

/// A document being written. Writing goes to memory and cannot fail.
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    /// A whole document with this root element.
    pub(super) fn document(root: &str, attrs: Attrs<'_>, inner: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(Writer::new_with_indent(Vec::new(), b' ', 2));
        xml.nest(root, attrs, inner);
        let mut text = String::from_utf8_lossy(&xml.0.into_inner()).into_owned();
        text.push('\n');
        text
    }

    /// An element with children.
    pub(super) fn nest(&mut self, name: &str, attrs: Attrs<'_>, inner: impl FnOnce(&mut Self)) {
        let attrs: Vec<(&str, String)> = attrs.iter().map(|(k, v)| (*k, legal(v))).collect();
        let attrs = attrs.iter().map(|(key, value)| (*key, value.as_str()));
        let mut start = quick_xml::events::BytesStart::new(name);
        start.extend_attributes(attrs);
        let end = start.to_end().into_owned();
        let _ = self.0.write_event(Event::Start(start.clone()));
        inner(self);
        let _ = self.0.write_event(Event::End(end));
    }

    /// An element without children.
    pub(super) fn leaf(&mut self, name: &str, attrs: Attrs<'_>) {
        let attrs: Vec<(&str, String)> = attrs.iter().map(|(k, v)| (*k, legal(v))).collect();
        let element = self.0.create_element(name);
        let attrs = attrs.iter().map(|(key, value)| (*key, value.as_str()));
        let _ = element.with_attributes(attrs).write_empty();
    }

    /// A piece of another document, which is written as it was read.
    pub(super) fn copy(&mut self, piece: Event<'_>) {
        let _ = self.0.write_event(piece);
    }

    /// An element that holds text.
    pub(super) fn text(&mut self, name: &str, attrs: Attrs<'_>, text: &str) {
        let attrs: Vec<(&str, String)> = attrs.iter().map(|(k, v)| (*k, legal(v))).collect();
        let element = self.0.create_element(name);
        let attrs = attrs.iter().map(|(key, value)| (*key, value.as_str()));
        let _ = element.with_attributes(attrs).write_text_content(BytesText::new(&legal(text)));
    }
}

/// Without the characters that no XML document may hold (<https://www.w3.org/TR/xml/#charsets>).
fn legal(text: &str) -> String {
    let allowed = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Back {
        #[serde(rename = "@k")]
        k: String,
        y: String,
    }

    #[test]
    fn whatever_the_text_is_it_stays_text() {
        let bad = "a'b\"<c>&\u{0}\n]]>";
        let xml = Xml::document("x", &[("k", bad)], |x| x.text("y", &[], bad));
        let back: Back = quick_xml::de::from_str(&xml).unwrap();
        assert_eq!(back.k.replace('\n', " "), "a'b\"<c>& ]]>");
        assert_eq!(back.y, "a'b\"<c>&\n]]>");
    }
}

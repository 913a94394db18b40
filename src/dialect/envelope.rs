//! What goes around an answer: the one top-level key, the error body, the status and the type of the content.

use serde::Serialize;
use serde_json::Value;

use super::intake::exact;
use super::xml;
use crate::error::{Error, Result};

/// The version of CloudStack that is spoken.
pub const VERSION: &str = "4.22.0.0";

/// The longest text that is repeated in a header; the body always has all of it.
const DESCRIPTION_LIMIT: usize = 2048;

/// The two renderings of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For `response=json` in any letter case.
    Json,
    /// For everything else.
    Xml,
}

impl Format {
    /// What the request asks for.
    pub fn of(params: &[(String, String)]) -> Self {
        match exact(params, "response") {
            Some(name) if name.eq_ignore_ascii_case("json") => Self::Json,
            _ => Self::Xml,
        }
    }

    /// The value of the `Content-Type` header.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }
}

/// An answer that only needs to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// The value of the `X-Description` header, in characters that Latin-1 has.
    pub description: Option<String>,
    /// The values of `Set-Cookie` headers.
    pub cookies: Vec<String>,
}

/// Commands whose answers are called otherwise than `<command>response`; clients know the real server's slips.
const IRREGULAR: [(&str, &str); 3] = [
    ("listLdapConfigurations", "ldapconfigurationresponse"),
    ("activateProject", "activaterojectresponse"),
    ("updateVMAffinityGroup", "updatevirtualmachineresponse"),
];

/// The top-level key of an answer, the root element in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper<'a> {
    /// An answer of this command.
    Command(&'a str),
    /// An answer to a command that does not exist (for this caller), or to a request without any parameter.
    NoCommand,
    /// An answer to parameters of which none is called `command`; the real server's slip, which clients have seen.
    Null,
}

impl Wrapper<'_> {
    fn name(self) -> String {
        match self {
            Self::Command(command) => IRREGULAR
                .iter()
                .find(|(name, _)| *name == command)
                .map(|(_, other)| (*other).to_owned())
                .unwrap_or_else(|| format!("{}response", command.to_ascii_lowercase())),
            Self::NoCommand => "errorresponse".into(),
            Self::Null => "null".into(),
        }
    }
}

/// Wraps the body of a command, which is a JSON object already written.
///
/// As JSON it is copied through; only XML reads it again. The version shows only to a caller who is known.
pub fn success(format: Format, wrapper: Wrapper<'_>, body: &str) -> Result<Answer> {
    rendered(format, wrapper, body, Some(VERSION))
}

/// [`success`] for a caller who was not recognised: the version does not show.
pub fn success_to_strangers(format: Format, wrapper: Wrapper<'_>, body: &str) -> Result<Answer> {
    rendered(format, wrapper, body, None)
}

/// A text that is neither JSON nor XML, whatever its type says: a few answers of the real server are.
pub fn plain(status: u16, format: Format, text: &str) -> Answer {
    Answer {
        status,
        content_type: format.content_type(),
        body: text.into(),
        description: None,
        cookies: Vec::new(),
    }
}

fn rendered(
    format: Format,
    wrapper: Wrapper<'_>,
    body: &str,
    version: Option<&str>,
) -> Result<Answer> {
    let root = wrapper.name();
    let body = match format {
        Format::Json => format!(r#"{{"{root}":{body}}}"#),
        Format::Xml => {
            let content: Value =
                serde_json::from_str(body).map_err(|e| Error::Internal(e.into()))?;
            xml::document(&root, version, &content)
        }
    };
    Ok(Answer {
        status: 200,
        content_type: format.content_type(),
        body: body.into_bytes(),
        description: None,
        cookies: Vec::new(),
    })
}

/// The answer to a request that failed; `known` says whether the caller was recognised.
pub fn failure(format: Format, wrapper: Wrapper<'_>, error: &Error, known: bool) -> Answer {
    let wrapper = if error.code() == 432 { Wrapper::NoCommand } else { wrapper };
    let root = wrapper.name();
    let text = error.to_string();
    let content = ErrorBody {
        uuid_list: [],
        errorcode: error.code(),
        cserrorcode: error.cs_code(),
        errortext: &text,
    };
    let body = match format {
        Format::Json => {
            serde_json::to_string(&content).map(|inner| format!(r#"{{"{root}":{inner}}}"#))
        }
        Format::Xml => serde_json::to_value(&content)
            .map(|inner| xml::document(&root, known.then_some(VERSION), &inner)),
    };
    Answer {
        status: error.code(),
        content_type: format.content_type(),
        // numbers and text always serialize
        body: body.unwrap_or_default().into_bytes(),
        description: is_described(error).then(|| header_text(&text)),
        cookies: Vec::new(),
    }
}

/// Refusals from before the API proper have no header that repeats them.
const fn is_described(error: &Error) -> bool {
    !matches!(
        error,
        Error::Unauthenticated | Error::BadSession | Error::BadDomainId | Error::LoginRefused(_)
    )
}

/// The fields of an error, in the order of the real server; the list is there in JSON and nothing in XML.
#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "uuidList")]
    uuid_list: [(); 0],
    errorcode: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    cserrorcode: Option<u16>,
    errortext: &'a str,
}

/// A text as a header can carry it: one line, Latin-1, not too long.
fn header_text(text: &str) -> String {
    text.chars()
        .take(DESCRIPTION_LIMIT)
        .map(|letter| match letter {
            '\0'..='\u{1f}' | '\u{7f}' => ' ',
            '\u{100}'.. => '?',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    const CARD: &str = r#"{"gpucard":{"id":"1c0a7a46-9d2e-4d2b-8f0e-8a3c5b1f7e21","name":"NVIDIA H100 <SXM> & co"}}"#;
    const JOB: &str = "3f8f9a52-2b66-4e33-9c7e-2fd0a8a6d0c4";

    fn text(answer: Answer) -> String {
        String::from_utf8(answer.body).unwrap()
    }

    fn pair(command: &str, body: &str) -> (String, String) {
        let wrapper = Wrapper::Command(command);
        let json = success(Format::Json, wrapper, body).unwrap();
        (text(json), text(success(Format::Xml, wrapper, body).unwrap()))
    }

    fn failed(wrapper: Wrapper<'_>, error: &Error, known: bool) -> (String, String) {
        let json = failure(Format::Json, wrapper, error, known);
        (text(json), text(failure(Format::Xml, wrapper, error, known)))
    }

    #[test]
    fn lists_look_as_recorded() {
        let (json, xml) = pair("listGpuCards", r#"{"count":5,"gpucard":[{"id":"a"},{"id":"b"}]}"#);
        assert_eq!(
            json,
            r#"{"listgpucardsresponse":{"count":5,"gpucard":[{"id":"a"},{"id":"b"}]}}"#
        );
        let root = r#"<listgpucardsresponse cloud-stack-version="4.22.0.0">"#;
        let rows = "<count>5</count><gpucard><id>a</id></gpucard><gpucard><id>b</id></gpucard>";
        assert_eq!(xml, format!("{HEAD}{root}{rows}</listgpucardsresponse>"));
        let (json, xml) = pair("listGpuCards", "{}");
        assert_eq!(json, r#"{"listgpucardsresponse":{}}"#);
        assert_eq!(xml, format!("{HEAD}{root}</listgpucardsresponse>"));
    }

    #[test]
    fn single_objects_look_as_recorded() {
        let (json, xml) = pair("createGpuCard", CARD);
        assert_eq!(json, format!(r#"{{"creategpucardresponse":{CARD}}}"#));
        let card = "<gpucard><id>1c0a7a46-9d2e-4d2b-8f0e-8a3c5b1f7e21</id>\
                    <name>NVIDIA H100 &lt;SXM&gt; &amp; co</name></gpucard>";
        let root = r#"<creategpucardresponse cloud-stack-version="4.22.0.0">"#;
        assert_eq!(xml, format!("{HEAD}{root}{card}</creategpucardresponse>"));
    }

    #[test]
    fn jobs_look_as_recorded() {
        let (json, xml) = pair("startVirtualMachine", &format!(r#"{{"jobid":"{JOB}"}}"#));
        assert_eq!(json, format!(r#"{{"startvirtualmachineresponse":{{"jobid":"{JOB}"}}}}"#));
        let root = r#"<startvirtualmachineresponse cloud-stack-version="4.22.0.0">"#;
        assert_eq!(xml, format!("{HEAD}{root}<jobid>{JOB}</jobid></startvirtualmachineresponse>"));
    }

    #[test]
    fn strangers_read_one_sentence_and_no_version() {
        let sentence = "unable to verify user credentials and/or request signature";
        let (json, xml) = failed(Wrapper::Command("listZones"), &Error::Unauthenticated, false);
        let body = format!(r#"{{"uuidList":[],"errorcode":401,"errortext":"{sentence}"}}"#);
        assert_eq!(json, format!(r#"{{"listzonesresponse":{body}}}"#));
        let inner = format!("<errorcode>401</errorcode><errortext>{sentence}</errortext>");
        assert_eq!(xml, format!("{HEAD}<listzonesresponse>{inner}</listzonesresponse>"));
        let (json, _) = failed(Wrapper::Null, &Error::Unauthenticated, false);
        assert_eq!(json, format!(r#"{{"null":{body}}}"#));
        let (json, xml) = failed(Wrapper::NoCommand, &Error::Unauthenticated, false);
        assert_eq!(json, format!(r#"{{"errorresponse":{body}}}"#));
        assert_eq!(xml, format!("{HEAD}<errorresponse>{inner}</errorresponse>"));
        let answer = failure(Format::Json, Wrapper::NoCommand, &Error::Unauthenticated, false);
        assert_eq!((answer.status, answer.description), (401, None));
    }

    #[test]
    fn errors_look_as_recorded() {
        let sentence = "Unable to execute API command deletegpucard due to missing parameter id";
        let (json, xml) =
            failed(Wrapper::Command("deleteGpuCard"), &Error::Parameter(sentence.into()), true);
        let body = format!(
            r#"{{"uuidList":[],"errorcode":431,"cserrorcode":9999,"errortext":"{sentence}"}}"#
        );
        assert_eq!(json, format!(r#"{{"deletegpucardresponse":{body}}}"#));
        let inner = format!(
            "<errorcode>431</errorcode><cserrorcode>9999</cserrorcode><errortext>{sentence}</errortext>"
        );
        let root = r#"<deletegpucardresponse cloud-stack-version="4.22.0.0">"#;
        assert_eq!(xml, format!("{HEAD}{root}{inner}</deletegpucardresponse>"));
        let answer =
            failure(Format::Json, Wrapper::Command("x"), &Error::Parameter(sentence.into()), true);
        assert_eq!((answer.status, answer.description.as_deref()), (431, Some(sentence)));
    }

    #[test]
    fn a_command_that_is_not_there_has_no_wrapper_of_its_own() {
        let (json, _) = failed(Wrapper::Command("foo"), &Error::UnknownCommand("foo".into()), true);
        assert!(json.starts_with(r#"{"errorresponse":{"#), "{json}");
    }

    #[test]
    fn a_header_carries_one_line_of_latin_1() {
        assert_eq!(header_text("a\r\nb\tc é € \u{7f}"), "a  b c é ?  ");
        assert_eq!(header_text(&"x".repeat(5000)).len(), DESCRIPTION_LIMIT);
    }

    #[test]
    fn the_format_is_json_only_when_asked_for() {
        let of = |name: &str, value: &str| Format::of(&[(name.to_string(), value.to_string())]);
        assert_eq!(of("response", "JsOn"), Format::Json);
        assert_eq!(of("response", "foo"), Format::Xml);
        assert_eq!(Format::of(&[]), Format::Xml);
    }
}

//! A client that signs like those users have: plain HTTP/1.1, one connection a call.

use csgpu::dialect::signature;
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one job may take.
const JOB_PATIENCE: Duration = Duration::from_secs(60);

/// One user's way to one server.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    api_key: String,
    secret: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The body as JSON; null where it is none.
    pub json: Value,
}

impl Client {
    /// A client of the server at this address, with a user's keys.
    pub fn new(address: SocketAddr, api_key: &str, secret: &str) -> Self {
        Self { address, api_key: api_key.to_owned(), secret: secret.to_owned() }
    }

    /// Where its server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The user's API key.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The same user at another server.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Calls a command by GET and waits for the answer, whatever it is.
    pub async fn call(&self, command: &str, params: &[(&str, &str)]) -> Answer {
        let query = query(&self.signed(command, params));
        self.send(format!("GET /client/api?{query} HTTP/1.1\r\n"), String::new()).await
    }

    /// Calls a command by POST, everything in the form.
    pub async fn post(&self, command: &str, params: &[(&str, &str)]) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.send(
            format!("POST /client/api HTTP/1.1\r\n{kind}"),
            query(&self.signed(command, params)),
        )
        .await
    }

    /// Calls a command that must succeed; what is inside its wrapper.
    pub async fn ok(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let answer = self.call(command, params).await;
        assert_eq!(answer.status, 200, "{command} {params:?}: {}", answer.text());
        answer.inner().clone()
    }

    /// Calls a command whose job must be admitted, and waits for its end; the finished job.
    pub async fn call_async(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let started = self.ok(command, params).await;
        let Some(job) = started["jobid"].as_str() else {
            panic!("{command} started no job: {started}")
        };
        self.finished(job).await
    }

    /// Calls a command whose job must succeed; its result.
    pub async fn done(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let ended = self.call_async(command, params).await;
        assert_eq!(ended["jobstatus"], 1, "{command} {params:?}: {ended}");
        ended["jobresult"].clone()
    }

    /// Calls a command that must be refused with this status; why it was.
    pub async fn refused(&self, command: &str, params: &[(&str, &str)], status: u16) -> String {
        let answer = self.call(command, params).await;
        assert_eq!(answer.status, status, "{command} {params:?}: {}", answer.text());
        answer.error().to_owned()
    }

    /// Waits for the end of a job; the finished job, whether it succeeded or not.
    pub async fn finished(&self, job: &str) -> Value {
        let end = Instant::now() + JOB_PATIENCE;
        loop {
            let state = self.ok("queryAsyncJobResult", &[("jobid", job)]).await;
            if state["jobstatus"] != 0 {
                return state;
            }
            assert!(Instant::now() < end, "job {job} does not end: {state}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Calls a command of a server that may be killed: no answer is an error.
    pub async fn try_call(&self, command: &str, params: &[(&str, &str)]) -> io::Result<Answer> {
        let query = query(&self.signed(command, params));
        self.try_send(format!("GET /client/api?{query} HTTP/1.1\r\n"), String::new()).await
    }

    /// Sends a request line with its headers and a body, as they are.
    pub async fn send(&self, head: String, body: String) -> Answer {
        match self.try_send(head, body).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer from {}: {error}", self.address),
        }
    }

    async fn try_send(&self, head: String, body: String) -> io::Result<Answer> {
        let address = self.address;
        tokio::task::spawn_blocking(move || exchange(address, &head, &body)).await?
    }

    /// The parameters of a call with key and signature, `response=xml` among them if asked for; without a key nothing
    /// is signed.
    pub fn signed(&self, command: &str, params: &[(&str, &str)]) -> Vec<(String, String)> {
        let fixed = [("command", command), ("response", "json")];
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in fixed
            .iter()
            .filter(|(name, _)| !params.iter().any(|(own, _)| own == name))
            .chain(params)
        {
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        if !self.api_key.is_empty() {
            all.push(("apiKey".to_owned(), self.api_key.clone()));
            all.push(("signature".to_owned(), signature::sign(&all, &self.secret)));
        }
        all
    }
}

impl Answer {
    /// What is inside the one top-level key.
    pub fn inner(&self) -> &Value {
        match self.json.as_object().map(|fields| (fields.len(), fields.values().next())) {
            Some((1, Some(inner))) => inner,
            _ => panic!("not one top-level key: {}", self.text()),
        }
    }

    /// The text of an error.
    pub fn error(&self) -> &str {
        self.inner()["errortext"].as_str().unwrap_or_default()
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The parameters as a query string or form.
pub fn query(params: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

fn exchange(address: SocketAddr, head: &str, body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{head}Host: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    // headers are Latin-1, which is the first 256 characters
    let head: String = bytes[..end].iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let body = bytes[end + 4..].to_vec();
    Ok(Answer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        body,
    })
}

//! A browser: logs in with a password, keeps cookies, sends the session's key along.

use super::client::{Answer, Client, query};
use serde_json::Value;
use std::net::SocketAddr;

/// Somebody in front of the web UI.
#[derive(Debug, Clone)]
pub struct Browser {
    wire: Client,
    /// The cookies.
    pub cookies: Vec<(String, String)>,
    /// The key of the session.
    pub key: String,
}

impl Browser {
    /// A browser at this server, with nobody logged in.
    pub fn new(address: SocketAddr) -> Self {
        Self { wire: Client::new(address, "", ""), cookies: Vec::new(), key: String::new() }
    }

    /// The same browser at another server.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { wire: Client::new(address, "", ""), ..self.clone() }
    }

    /// Logs in; keeps what it gets.
    pub async fn log_in(&mut self, domain: &str, username: &str, password: &str) -> Answer {
        let fields = [
            ("command", "login"),
            ("response", "json"),
            ("domain", domain),
            ("username", username),
            ("password", password),
        ];
        let answer = self.form(&fields).await;
        self.keep(&answer);
        answer
    }

    /// Logs in, which must succeed; what is inside the answer.
    pub async fn enter(&mut self, domain: &str, username: &str, password: &str) -> Value {
        let answer = self.log_in(domain, username, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.inner().clone()
    }

    /// Calls a command by GET in the session.
    pub async fn call(&self, command: &str, params: &[(&str, &str)]) -> Answer {
        let mut all =
            vec![("command", command), ("response", "json"), ("sessionkey", self.key.as_str())];
        all.extend(params);
        self.get(&all).await
    }

    /// Sends a query with the cookies.
    pub async fn get(&self, params: &[(&str, &str)]) -> Answer {
        let query = text(params);
        self.wire
            .send(format!("GET /client/api/?{query} HTTP/1.1\r\n{}", self.header()), String::new())
            .await
    }

    /// Posts a form with the cookies.
    pub async fn form(&self, params: &[(&str, &str)]) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let head = format!("POST /client/api/ HTTP/1.1\r\n{kind}{}", self.header());
        self.wire.send(head, text(params)).await
    }

    fn header(&self) -> String {
        let pairs: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }

    fn keep(&mut self, answer: &Answer) {
        for (_, header) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = header.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.retain(|(other, _)| other != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(key) = answer.json["loginresponse"]["sessionkey"].as_str() {
            self.key = key.to_owned();
        }
    }
}

fn text(params: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    query(&pairs)
}

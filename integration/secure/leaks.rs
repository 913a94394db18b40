//! Secrets as they are used: nothing of them in the log, the books or an answer, but where they must be kept.

use crate::{
    secure::program::Program,
    world::{
        Browser, Client,
        api_zone::ApiZone,
        client::{Answer, query},
        places::text,
    },
};
use csgpu::{
    command::Registry,
    commands::ROOMS,
    local_db::LocalDb,
    store::{Conn, migrate},
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

/// What a secret is called, the secret, and the columns that must hold it.
type Secret = (&'static str, String, &'static [&'static str]);

const PASSWORD: &str = "zqPasswordOfJoe";
const NEW_PASSWORD: &str = "zqPasswordNext";
const WRONG_PASSWORD: &str = "zqPasswordGuess";
const HOST_PASSWORD: &str = "zqPasswordOfHost";
const HOOK: &str = "zqSecretOfHook";
const URL_PASSWORD: &str = "zqSecretOfUrl";
const USER_DATA: &str = "zqUserDataOfJoe";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
}

/// Every column of every table with all that it holds.
fn dump(conn: &mut Conn) -> Vec<(String, String)> {
    let columns = "SELECT table_name AS name, column_name AS text FROM information_schema.columns
        WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";
    let columns: Vec<Row> = sql_query(columns).load(conn).expect("columns");
    let mut found = Vec::new();
    for Row { name: table, text: column } in columns {
        let place = format!("{table}.{column}");
        let query = format!(
            "SELECT '{place}' AS name, CAST(`{column}` AS CHAR) AS text FROM `{table}` WHERE `{column}` IS NOT NULL"
        );
        let rows: Vec<Row> = sql_query(query).load(conn).expect("rows");
        found.extend(rows.into_iter().map(|row| (row.name, row.text)));
    }
    found
}

/// Everything that was answered, with what was asked.
#[derive(Default)]
struct Answers(Vec<(String, String)>);

impl Answers {
    fn keep(&mut self, what: &str, answer: &Answer) {
        let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        self.0.push((what.to_owned(), headers.collect::<String>() + &answer.text()));
    }

    async fn call(&mut self, client: &Client, command: &str, words: &[(&str, &str)]) -> Answer {
        let answer = client.post(command, words).await;
        self.keep(command, &answer);
        answer
    }
}

/// A person with secrets uses all of the service that takes or gives one; then the secrets.
async fn use_all(program: &Program, answers: &mut Answers) -> Vec<Secret> {
    let (joe, mut secrets) = be_a_person(program, answers).await;
    let data = be_a_cloud(program, answers, &joe).await;
    program.seen_by_webhook().await;
    read_all(answers, &[&program.admin(), &joe]).await;
    secrets.extend([
        ("password", PASSWORD.to_owned(), &[] as &[&str]),
        ("new password", NEW_PASSWORD.to_owned(), &[]),
        ("wrong password", WRONG_PASSWORD.to_owned(), &[]),
        ("password of a host", HOST_PASSWORD.to_owned(), &[]),
        ("webhook", HOOK.to_owned(), &[]),
        ("password in a URL", URL_PASSWORD.to_owned(), &["template.url"]),
        ("user data in the clear", USER_DATA.to_owned(), &[]),
        ("user data", data, &["vm.user_data"]),
    ]);
    secrets
}

/// Accounts, passwords, keys, signatures, sessions: the person, and what only that person may know.
async fn be_a_person(program: &Program, answers: &mut Answers) -> (Client, Vec<Secret>) {
    let admin = program.admin();
    let person = [
        ("username", "joe"),
        ("password", PASSWORD),
        ("firstname", "Joe"),
        ("lastname", "of the test"),
        ("email", "joe@example.org"),
        ("accounttype", "0"),
    ];
    let made = answers.call(&admin, "createAccount", &person).await;
    let user = text(&made.inner()["account"]["user"][0]["id"]);
    let keys = admin.ok("registerUserKeys", &[("id", &user)]).await;
    let (api, secret) = (text(&keys["userkeys"]["apikey"]), text(&keys["userkeys"]["secretkey"]));
    let joe = Client::new(admin.address(), &api, &secret);
    // refused in every way, with the secret in the request
    answers.call(&admin, "createAccount", &person).await;
    let long = format!("{PASSWORD}{}", "x".repeat(300));
    for (name, value) in
        [("email", ""), ("password", long.as_str()), ("password", "zqPasswordOfJoe\t")]
    {
        let mut words = person.to_vec();
        words.retain(|(other, _)| *other != name);
        words.push((name, value));
        answers.call(&admin, "createUser", &words).await;
    }
    let wrong =
        [("id", user.as_str()), ("password", NEW_PASSWORD), ("currentpassword", WRONG_PASSWORD)];
    answers.call(&joe, "updateUser", &wrong).await;
    let right = [("id", user.as_str()), ("password", NEW_PASSWORD), ("currentpassword", PASSWORD)];
    assert_eq!(answers.call(&joe, "updateUser", &right).await.status, 200);
    // signatures: a good one, and one of a request that fails
    let signed = joe.signed("listUsers", &[("id", "nonsense")]);
    let signature = signed.iter().find(|(name, _)| name == "signature").expect("signed").1.clone();
    let head = format!("GET /client/api?{} HTTP/1.1\r\n", query(&signed));
    answers.keep("listUsers", &admin.send(head, String::new()).await);
    let stranger = Client::new(admin.address(), &api, "zqSecretKeyThatIsWrong");
    answers.call(&stranger, "listUsers", &[]).await;
    let mut browser = Browser::new(admin.address());
    answers.keep("login", &browser.log_in("/", "joe", WRONG_PASSWORD).await);
    browser.enter("/", "joe", NEW_PASSWORD).await;
    let cookie = browser.cookies.iter().find(|(name, _)| name == "JSESSIONID").expect("a session");
    let cookie = cookie.1.trim_end_matches(".node0").to_owned();
    answers.keep("listUsers", &browser.call("listUsers", &[("id", "nonsense")]).await);
    let pair = joe.ok("createSSHKeyPair", &[("name", "key")]).await;
    let pem = text(&pair["keypair"]["privatekey"]);
    let private = pem.lines().nth(3).expect("several lines").to_owned();
    let secrets = vec![
        ("secret key", secret, &["user.secret_key"] as &[&str]),
        ("API key", api, &["user.api_key"]),
        ("signature", signature, &[]),
        ("session", cookie, &[]),
        ("session key", browser.key.clone(), &[]),
        ("private key", private, &[]),
    ];
    (joe, secrets)
}

/// Hosts, templates, an instance and an alert; the user data as it was sent.
async fn be_a_cloud(program: &Program, answers: &mut Answers, joe: &Client) -> String {
    let admin = program.admin();
    let zone = ApiZone::build(&admin, &program.images(), "z", "KVM", 1, |number| {
        format!("fake://node{number}")
    })
    .await;
    let (_, place) = zone.params()[0];
    let pods = admin.ok("listPods", &[("zoneid", place)]).await;
    let pod = text(&pods["pod"][0]["id"]);
    for url in ["qemu+ssh://nowhere.invalid/system", "http://nowhere.invalid", "fake://no;host"] {
        let words = [
            ("zoneid", place),
            ("podid", &pod),
            ("clustername", "other"),
            ("hypervisor", "KVM"),
            ("username", "root"),
            ("password", HOST_PASSWORD),
            ("url", url),
        ];
        answers.call(&admin, "addHost", &words).await;
    }
    let template = [
        ("name", "from afar"),
        ("format", "QCOW2"),
        ("hypervisor", "KVM"),
        ("zoneid", place),
        ("url", &format!("http://joe:{URL_PASSWORD}@127.0.0.1:9/disk.qcow2")),
    ];
    let odd = format!("ftp://joe:{URL_PASSWORD}@127.0.0.1:9/disk.qcow2");
    for client in [joe, &admin] {
        answers.call(client, "registerTemplate", &template).await;
        let mut template = template.to_vec();
        template.retain(|(name, _)| *name != "url");
        template.push(("url", &odd));
        assert_eq!(answers.call(client, "registerTemplate", &template).await.status, 431);
    }
    let mut words = zone.params();
    let network = words.iter().position(|(name, _)| *name == "networkids").expect("a network");
    let data = base64(USER_DATA);
    words.extend([("userdata", data.as_str()), ("name", "own")]);
    let made = admin.call_async("deployVirtualMachine", &words).await;
    assert_eq!(made["jobstatus"], 1, "{made}");
    words.remove(network);
    answers.call(joe, "deployVirtualMachine", &words).await;
    admin
        .ok("generateAlert", &[("name", "test"), ("type", "99"), ("description", "an alert")])
        .await;
    data
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Whatever can be listed, by everyone.
async fn read_all(answers: &mut Answers, clients: &[&Client]) {
    for entry in Registry::new(ROOMS).all() {
        // those that are asked for a secret
        let tells = ["getUserKeys", "getVirtualMachineUserData"].contains(&entry.spec.name);
        let params = (entry.params)();
        if tells || !entry.spec.name.starts_with("list") {
            continue;
        }
        let mut words = vec![];
        for param in params.iter() {
            match param.name {
                "listall" => words.push(("listall", "true")),
                "templatefilter" => words.push(("templatefilter", "self")),
                "startdate" if param.required => words.push(("startdate", "2020-01-01")),
                "enddate" if param.required => words.push(("enddate", "2021-01-01")),
                _ => {}
            }
        }
        for client in clients {
            answers.call(client, entry.spec.name, &words).await;
        }
    }
    for client in clients {
        for job in
            client.ok("listAsyncJobs", &[]).await["asyncjobs"].as_array().into_iter().flatten()
        {
            answers.call(client, "queryAsyncJobResult", &[("jobid", &text(&job["jobid"]))]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_s18_secrets_are_nowhere_once_they_were_made() {
    let program = Program::start("leaks", &[("CSGPU_LOG_LEVEL", "trace")], Some(HOOK));
    let mut answers = Answers::default();
    let secrets = use_all(&program, &mut answers).await;
    let url = LocalDb::url_of_running(&program.database(), "csgpu").expect("a running database");
    let books = dump(&mut migrate::connect(&url).expect("the database"));
    assert!(books.len() > 500, "only {} values", books.len());
    let log = program.end();
    assert!(log.lines().count() > 100, "no log was taken: {log}");
    let mut found = Vec::new();
    for (name, secret, homes) in &secrets {
        assert!(secret.len() >= 12, "{name} is no secret: {secret}");
        // as it is, and as it stands in a query
        let spellings =
            [secret.clone(), query(&[("x".to_owned(), secret.clone())])[2..].to_owned()];
        let holds = |text: &str| spellings.iter().any(|spelling| text.contains(spelling.as_str()));
        for line in log.lines().filter(|line| holds(line)) {
            found.push(format!(
                "the log holds the {name}: {}",
                line.chars().take(300).collect::<String>()
            ));
        }
        for (place, _) in books.iter().filter(|(_, text)| holds(text)) {
            if !homes.contains(&place.as_str()) {
                found.push(format!("{place} holds the {name}"));
            }
        }
        for home in *homes {
            assert!(
                books.iter().any(|(place, text)| place == home && holds(text)),
                "{home} lacks the {name}"
            );
        }
        for (what, text) in answers.0.iter().filter(|(_, text)| holds(text)) {
            let is_own = *name == "API key"
                && ["listUsers", "listAccounts", "updateUser"].contains(&what.as_str());
            if !is_own {
                found.push(format!(
                    "{what} answers the {name}: {}",
                    text.chars().take(600).collect::<String>()
                ));
            }
        }
    }
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

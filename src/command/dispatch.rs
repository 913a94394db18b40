//! From an authenticated caller and a command's name to an answer.

use super::{Args, Call, Cx, Entry, Pass, Wiring, gate, meter::Meter, roles};
use crate::{
    domain::identity::Caller,
    error::{Error, Result},
    store,
};
use std::sync::Arc;

/// The JSON inside an answer's wrapper.
pub type Answer = String;

/// Who an API key belongs to.
#[derive(Debug)]
pub struct Keyed {
    /// The user.
    pub caller: Arc<Caller>,
    /// The secret key.
    pub secret: String,
    /// What the calls are measured by.
    pub pass: Pass,
}

/// The kernel: finds, authorises, dispatches.
#[derive(Debug, Clone)]
pub struct Kernel {
    wiring: Arc<Wiring>,
    pub(super) known: Arc<roles::Known>,
    pub(super) kept: Arc<gate::Kept>,
    pub(super) meter: Arc<Meter>,
}

impl Kernel {
    /// A kernel over the service's parts.
    pub fn new(wiring: Arc<Wiring>) -> Self {
        Self { wiring, known: Arc::default(), kept: Arc::default(), meter: Arc::default() }
    }

    /// The service's parts.
    pub fn wiring(&self) -> &Arc<Wiring> {
        &self.wiring
    }

    /// What this server answered so far.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// A command by its exact name.
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        self.wiring.registry.find(name)
    }

    /// The enabled user with this API key. One statement.
    pub async fn authenticate(&self, api_key: &str) -> Result<Option<Keyed>> {
        let key = api_key.to_owned();
        let found = self.wiring.db.read(move |conn| store::user::by_api_key(conn, &key)).await?;
        let Some(store::user::Keyed { caller, secret, standing }) = found else { return Ok(None) };
        let pass = self.pass(standing).await?;
        Ok(Some(Keyed { caller: self.with_rules(caller).await?, secret, pass }))
    }

    /// Whether the caller's role may use the command.
    pub fn authorise(&self, caller: &Caller, entry: &Entry) -> Result<()> {
        if roles::allows(caller, &entry.spec) {
            return Ok(());
        }
        Err(Error::Denied { command: entry.spec.name.to_owned(), user: caller.user.to_string() })
    }

    /// What a caller is told of a command that does not exist: only who may call everything learns that.
    pub fn unknown(&self, caller: &Caller, command: &str) -> Error {
        if caller.role_id == roles::ROOT {
            return Error::UnknownCommand(command.to_owned());
        }
        Error::Denied { command: command.to_owned(), user: caller.user.to_string() }
    }

    /// Whether the caller's role may use the command; for `listApis`.
    pub fn may_use(caller: &Caller, entry: &Entry) -> bool {
        roles::allows(caller, &entry.spec)
    }

    /// Runs the command, or admits its job.
    pub async fn dispatch(
        &self,
        caller: Arc<Caller>,
        entry: &'static Entry,
        args: Args,
    ) -> Result<Answer> {
        self.authorise(&caller, entry)?;
        refuse_control_characters(&args)?;
        let cx = Cx::new(Arc::clone(&self.wiring), caller, &entry.spec);
        match entry.call {
            Call::Sync(call) => call(cx, args).await,
            Call::Async(operations) => (operations.admit)(cx, args).await,
        }
    }
}

/// Line feed and carriage return are the only control characters that a value may hold.
fn refuse_control_characters(args: &Args) -> Result<()> {
    let bad = |c: char| c.is_ascii_control() && c != '\n' && c != '\r';
    match args.values().find(|(_, value)| value.contains(bad)) {
        None => Ok(()),
        Some((name, _)) => Err(Error::Parameter(format!(
            "Received value containing illegal ASCII non-printable characters for parameter {name}"
        ))),
    }
}

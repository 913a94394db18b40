//! The two kinds of command, and the value that stands for one in the registry.

use super::{Admitted, Cx, Env, Params, Reader, Response, ResponseSpec, Spec};
use super::{Args, ParamSpec};
use crate::{
    domain::{
        Id, id,
        identity::{Caller, Reach},
    },
    error::{Error, Result},
    store::{self, Tx},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::Pin, sync::Arc};

/// A command that answers at once.
pub trait Command: Send + Sync + 'static {
    /// Its fixed facts.
    const SPEC: Spec;
    /// Its parameters.
    type Request: Params;
    /// Its answer.
    type Response: Response;
    /// Does it.
    fn run(cx: &Cx, request: Self::Request) -> impl Future<Output = Result<Self::Response>> + Send;
}

/// What happens to a job whose server died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCrash {
    /// It is put back: for commands that create or start.
    Undo,
    /// It is run again: for commands that remove or stop.
    Resume,
}

/// A command that answers with a job.
pub trait AsyncCommand: Send + Sync + 'static {
    /// Its fixed facts; the event is recorded at admission and at the end.
    const SPEC: Spec;
    /// What the next server does with it after a crash.
    const AFTER_CRASH: AfterCrash;
    /// Its parameters.
    type Request: Params;
    /// What the job must know; stored in its row, never a secret.
    type Plan: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// The job's result.
    type Response: Response;
    /// In the request, in one transaction: check, reserve, record. May run again after a lost race.
    fn admit(
        env: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Self::Request,
    ) -> Result<Admitted<Self::Plan>>;
    /// In a worker, perhaps after a restart. Every step is safe to repeat.
    fn run(cx: &Cx, plan: &Self::Plan) -> impl Future<Output = Result<Self::Response>> + Send;
    /// Puts back whatever `admit` and a half-finished `run` left behind. Safe to repeat.
    fn undo(cx: &Cx, plan: &Self::Plan) -> impl Future<Output = Result<()>> + Send;
    /// The host that owes the clean-up when [`AsyncCommand::undo`] cannot reach it.
    fn host(_plan: &Self::Plan) -> Option<Id<id::Host>> {
        None
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// How an entry is called.
#[derive(Clone, Copy)]
pub enum Call {
    /// Runs and renders.
    Sync(fn(Cx, Args) -> Boxed<String>),
    /// Admits, and later runs or undoes.
    Async(AsyncOps),
}

/// The three parts of an asynchronous command.
#[derive(Clone, Copy)]
pub struct AsyncOps {
    /// Admits; the answer with `jobid`.
    pub admit: fn(Cx, Args) -> Boxed<String>,
    /// Runs a stored plan; the result's JSON.
    pub run: fn(Cx, String) -> Boxed<String>,
    /// Undoes a stored plan.
    pub undo: fn(Cx, String) -> Boxed<()>,
    /// After a crash.
    pub after_crash: AfterCrash,
    /// The host of a stored plan.
    pub host: fn(&str) -> Option<Id<id::Host>>,
}

/// One command of the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its fixed facts.
    pub spec: Spec,
    /// Its parameters.
    pub params: fn() -> Vec<ParamSpec>,
    /// Its answer.
    pub response: fn() -> ResponseSpec,
    /// How it is called.
    pub call: Call,
}

impl Entry {
    /// Whether it answers with a job.
    pub const fn is_async(&self) -> bool {
        matches!(self.call, Call::Async(_))
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spec.name)
    }
}

/// The entry of a command that answers at once.
pub const fn sync<C: Command>() -> Entry {
    Entry {
        spec: C::SPEC,
        params: <C::Request as Params>::specs,
        response: <C::Response as Response>::spec,
        call: Call::Sync(|cx, args| Box::pin(call_sync::<C>(cx, args))),
    }
}

/// The entry of a command that answers with a job.
pub const fn asynchronous<C: AsyncCommand>() -> Entry {
    Entry {
        spec: C::SPEC,
        params: <C::Request as Params>::specs,
        response: <C::Response as Response>::spec,
        call: Call::Async(AsyncOps {
            admit: |cx, args| Box::pin(call_admit::<C>(cx, args)),
            run: |cx, plan| Box::pin(call_run::<C>(cx, plan)),
            undo: |cx, plan| Box::pin(call_undo::<C>(cx, plan)),
            after_crash: C::AFTER_CRASH,
            host: |plan| plan_of::<C>(plan).ok().and_then(|plan| C::host(&plan)),
        }),
    }
}

async fn call_sync<C: Command>(cx: Cx, args: Args) -> Result<String> {
    let request = read::<C::Request>(&cx, C::SPEC.name, &args).await?;
    let cx = of_all_projects(cx, &args);
    C::run(&cx, request).await?.render(cx.caller.is_admin())
}

async fn call_admit<C: AsyncCommand>(cx: Cx, args: Args) -> Result<String> {
    let request = read::<C::Request>(&cx, C::SPEC.name, &args).await?;
    let (env, caller) = (cx.env(), Arc::clone(&cx.caller));
    let (job, created) = cx
        .db
        .txn(C::SPEC.name, move |tx| {
            let admitted = C::admit(&env, tx, &caller, &request)?;
            let plan =
                serde_json::to_string(&admitted.plan).map_err(|e| Error::Internal(Box::new(e)))?;
            let new = store::job::New { command: C::SPEC.name, plan, subject: admitted.subject };
            let job = store::job::insert(tx, &caller, &new)?;
            if let Some(kind) = C::SPEC.event {
                let text = admitted.describe.unwrap_or_else(|| C::SPEC.about.to_owned());
                store::event::record(
                    tx,
                    &caller,
                    &store::event::New::scheduled(kind, &text, admitted.subject, job),
                )?;
            }
            Ok((job, admitted.created))
        })
        .await?;
    cx.nudge.jobs();
    Ok(match created {
        Some(id) => format!("{{\"id\":\"{id}\",\"jobid\":\"{job}\"}}"),
        None => format!("{{\"jobid\":\"{job}\"}}"),
    })
}

/// For a list of what belongs to all projects: the caller with the command, which a role of a project may deny.
fn of_all_projects(cx: Cx, args: &Args) -> Cx {
    let is_one = matches!(cx.caller.scope().reach(), Reach::Account(_));
    if args.get("projectid") != Some("-1") || !is_one {
        return cx;
    }
    let caller = Caller { lists: Some(cx.spec.name), ..(*cx.caller).clone() };
    cx.by(caller)
}

fn plan_of<C: AsyncCommand>(plan: &str) -> Result<C::Plan> {
    serde_json::from_str(plan).map_err(|error| Error::Internal(Box::new(error)))
}

async fn call_run<C: AsyncCommand>(cx: Cx, plan: String) -> Result<String> {
    let plan = plan_of::<C>(&plan)?;
    C::run(&cx, &plan).await?.render(cx.caller.is_admin())
}

async fn call_undo<C: AsyncCommand>(cx: Cx, plan: String) -> Result<()> {
    C::undo(&cx, &plan_of::<C>(&plan)?).await
}

/// Reads the request and looks every id up, in one query, under the caller's scope; then whether a role that the caller has
/// in the project of one of them denies the command.
async fn read<R: Params>(cx: &Cx, command: &str, args: &Args) -> Result<R> {
    let (request, ids) = {
        let mut reader = Reader::new(command, args, cx.caller.is_admin());
        let request = R::read(&mut reader)?;
        (request, reader.ids().to_vec())
    };
    if ids.is_empty() {
        return Ok(request);
    }
    let (wanted, caller) =
        (ids.iter().map(|id| (id.kind, id.id)).collect::<Vec<_>>(), Arc::clone(&cx.caller));
    let name = cx.spec.name;
    let look = move |conn: &mut store::Conn| {
        let seen = store::lookup::visible(conn, &caller, &wanted)?;
        let is_denied =
            seen.is_limited && store::project_role::denies(conn, &caller, name, &wanted)?;
        Ok((seen.ids, is_denied))
    };
    let (found, is_denied) = cx.db.read(look).await?;
    match ids.iter().find(|id| !found.contains(&(id.kind, id.id))) {
        Some(id) => Err(id.unknown(command)),
        None if is_denied => Err(Error::DeniedInProject(command.to_owned())),
        None => Ok(request),
    }
}

//! Commands that clients expect to be jobs, though one transaction is all of their work.

use super::{
    Admitted, AfterCrash, AsyncCommand, Cx, Entry, Env, Params, Response, Spec, Success,
    asynchronous,
};
use crate::{
    domain::{Entity, Id, identity::Caller},
    error::Result,
    store::Tx,
};
use serde::{Deserialize, Serialize};
use std::{future::Future, marker::PhantomData};

/// A command that answers with a job, but whose admission does all of it; the job only tells what came of it. Nothing is
/// ever half done, so there is nothing to undo.
pub trait ImmediateCommand: Send + Sync + 'static {
    /// Its fixed facts; the event is recorded with the change and at the job's end.
    const SPEC: Spec;
    /// Its parameters.
    type Request: Params;
    /// What it changes.
    type Subject: Entity;
    /// The job's result.
    type Response: Response;
    /// In the request, in one transaction: checks and makes the change. May run again after a lost race.
    fn change(
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &Self::Request,
    ) -> Result<Changed<Self::Subject>>;
    /// In a worker: reads the result.
    fn tell(
        cx: &Cx,
        subject: Id<Self::Subject>,
    ) -> impl Future<Output = Result<Self::Response>> + Send;
}

/// What an [`ImmediateCommand`] has changed.
#[derive(Debug)]
pub struct Changed<T> {
    /// The object.
    pub subject: Id<T>,
    /// Whether the command made it: its id is then told at once.
    pub is_new: bool,
    /// The event's text; the command's `about` when none.
    pub describe: Option<String>,
}

impl<T> Changed<T> {
    /// The object was there before.
    pub const fn known(subject: Id<T>) -> Self {
        Self { subject, is_new: false, describe: None }
    }
    /// The object is new.
    pub const fn created(subject: Id<T>) -> Self {
        Self { subject, is_new: true, describe: None }
    }
    /// With this text in the event.
    pub fn described(self, text: String) -> Self {
        Self { describe: Some(text), ..self }
    }
}

/// The entry of a command whose job only tells.
pub const fn immediate<C: ImmediateCommand>() -> Entry {
    asynchronous::<Told<C>>()
}

/// An [`ImmediateCommand`], as the job engine sees it.
struct Told<C>(PhantomData<C>);

/// What the job of an [`ImmediateCommand`] knows.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Plan<T> {
    id: Id<T>,
}

impl<C: ImmediateCommand> AsyncCommand for Told<C> {
    const SPEC: Spec = C::SPEC;
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = C::Request;
    type Plan = Plan<C::Subject>;
    type Response = C::Response;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &C::Request,
    ) -> Result<Admitted<Self::Plan>> {
        let Changed { subject, is_new, describe } = C::change(tx, caller, request)?;
        let uuid = subject.uuid();
        Ok(Admitted {
            plan: Plan { id: subject },
            subject: Some((C::Subject::KIND, uuid)),
            created: is_new.then_some(uuid),
            describe,
        })
    }

    async fn run(cx: &Cx, plan: &Self::Plan) -> Result<C::Response> {
        C::tell(cx, plan.id).await
    }

    async fn undo(_: &Cx, _: &Self::Plan) -> Result<()> {
        Ok(())
    }
}

/// A command of which clients expect a job, though one transaction is all of its work and it has nothing to tell but that
/// it is done. What it changes may be several things of any noun, so its job waits for none that works on them.
pub trait SimpleCommand: Send + Sync + 'static {
    /// Its fixed facts; the event is recorded with the change and at the job's end.
    const SPEC: Spec;
    /// Its parameters.
    type Request: Params;
    /// In the request, in one transaction: checks and makes the change. The event's text. May run again after a lost race.
    fn change(tx: &mut Tx<'_>, caller: &Caller, request: &Self::Request) -> Result<String>;
}

/// The entry of a command whose job only says that it is done.
pub const fn simple<C: SimpleCommand>() -> Entry {
    asynchronous::<Done<C>>()
}

/// The most characters of an event's text.
const MOST: usize = 900;

/// A [`SimpleCommand`], as the job engine sees it.
struct Done<C>(PhantomData<C>);

impl<C: SimpleCommand> AsyncCommand for Done<C> {
    const SPEC: Spec = C::SPEC;
    const AFTER_CRASH: AfterCrash = AfterCrash::Resume;
    type Request = C::Request;
    type Plan = ();
    type Response = Success;

    fn admit(
        _: &Env,
        tx: &mut Tx<'_>,
        caller: &Caller,
        request: &C::Request,
    ) -> Result<Admitted<()>> {
        let text: String = C::change(tx, caller, request)?.chars().take(MOST).collect();
        Ok(Admitted { plan: (), subject: None, created: None, describe: Some(text) })
    }

    async fn run(_: &Cx, (): &()) -> Result<Success> {
        Ok(Success::YES)
    }

    async fn undo(_: &Cx, (): &()) -> Result<()> {
        Ok(())
    }
}

//! Domains: define, start, reboot, stop, undefine, list.

use super::{
    fault::{Fault, is, unless_missing, unsupported},
    line::Session,
    xml,
};
use crate::domain::machine::{SeenDomain, SeenParts};
use uuid::Uuid;
use virt::{domain::Domain, error::ErrorNumber, sys};

fn find(session: &Session, id: Uuid) -> Result<Option<Domain>, Fault> {
    let found = session.connect.lookup_domain_by_uuid_string(&id.to_string());
    unless_missing(found, ErrorNumber::NoDomain)
}

fn found(session: &Session, id: Uuid) -> Result<Domain, Fault> {
    find(session, id)?.ok_or_else(|| Fault::Refused(format!("domain {id} is not defined")))
}

/// Every domain with the devices its XML names: the live one where it runs.
pub(super) fn list(session: &Session) -> Result<Vec<SeenDomain>, Fault> {
    let mut seen = Vec::new();
    for domain in session.connect.list_all_domains(0)? {
        let one = domain.is_active().and_then(|active| Ok((active, domain.xml_desc(0)?)));
        // a domain that went between the two calls is no longer there: that is the truth now
        if let Some((active, text)) = unless_missing(one, ErrorNumber::NoDomain)? {
            seen.push(xml::read_domain(&text, active).map_err(Fault::Strange)?);
        }
    }
    Ok(seen)
}

/// What a domain has besides devices. The host tells the sizes of its disks where it can.
pub(super) fn parts(session: &Session, id: Uuid) -> Result<SeenParts, Fault> {
    let Some(domain) = find(session, id)? else { return Ok(SeenParts::default()) };
    let mut parts = xml::read_parts(&domain.xml_desc(0)?).map_err(Fault::Strange)?;
    for disk in parts.disks.iter_mut().filter(|disk| disk.source.is_some()) {
        let known = domain.block_info(&disk.target, 0).ok();
        disk.capacity = known.map(|info| info.capacity);
    }
    parts.persistent = domain.is_persistent()?;
    Ok(parts)
}

/// The domain is defined so, unless it runs.
pub(super) fn define(session: &Session, id: Uuid, text: &str) -> Result<(), Fault> {
    if let Some(domain) = find(session, id)?
        && domain.is_active()?
    {
        return Ok(());
    }
    session.connect.define_domain_xml_flags(text, 0)?;
    Ok(())
}

/// The domain runs.
pub(super) fn start(session: &Session, id: Uuid) -> Result<(), Fault> {
    let domain = found(session, id)?;
    if !domain.is_active()? {
        return match domain.create() {
            Ok(()) => Ok(()),
            // somebody was faster; the test driver says so with an internal error, hence no look at the code
            Err(_) if domain.is_active().unwrap_or(false) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let (state, _) = domain.state()?;
    if state.to_raw() == sys::VIR_DOMAIN_PAUSED {
        domain.resume()?;
    }
    Ok(())
}

/// The guest is asked to reboot; one that cannot be asked is reset.
pub(super) fn reboot(session: &Session, id: Uuid) -> Result<(), Fault> {
    let domain = found(session, id)?;
    if !domain.is_active()? {
        return Err(Fault::Refused(format!("domain {id} is not running")));
    }
    match domain.reboot(0) {
        Ok(()) => Ok(()),
        Err(_) => Ok(domain.reset()?),
    }
}

/// The guest is asked to power off; whether it does is seen by asking `is_active`.
pub(super) fn ask_to_stop(session: &Session, id: Uuid) -> Result<(), Fault> {
    if let Some(domain) = find(session, id)?
        && domain.is_active()?
    {
        // a guest that cannot be asked is destroyed by the caller when the time is over
        match domain.shutdown() {
            Err(error) if !session.connect.is_alive().unwrap_or(false) => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the domain runs; one that does not exist does not.
pub(super) fn is_active(session: &Session, id: Uuid) -> Result<bool, Fault> {
    match find(session, id)? {
        None => Ok(false),
        Some(domain) => {
            Ok(unless_missing(domain.is_active(), ErrorNumber::NoDomain)?.unwrap_or(false))
        }
    }
}

/// The domain does not run, whatever the guest says.
pub(super) fn destroy(session: &Session, id: Uuid) -> Result<(), Fault> {
    let Some(domain) = find(session, id)? else { return Ok(()) };
    match domain.destroy() {
        Ok(()) => Ok(()),
        Err(error) if is(&error, ErrorNumber::NoDomain) => Ok(()),
        Err(_) if !domain.is_active().unwrap_or(true) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The domain is not defined and does not run; what libvirt keeps about it goes with it.
pub(super) fn undefine(session: &Session, id: Uuid) -> Result<(), Fault> {
    destroy(session, id)?;
    let Some(domain) = find(session, id)? else { return Ok(()) };
    let all = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | sys::VIR_DOMAIN_UNDEFINE_NVRAM;
    let undefined = match domain.undefine_flags(all) {
        Err(error) if unsupported(&error) || is(&error, ErrorNumber::InvalidArg) => {
            domain.undefine()
        }
        other => other,
    };
    unless_missing(undefined, ErrorNumber::NoDomain)?;
    Ok(())
}

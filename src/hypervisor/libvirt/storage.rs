//! Pools and volumes.
//!
//! What is uploaded goes to a name of its own, `<name>.<uuid>.csgpu-part`, and gets its real name when it is whole: see
//! `upload.rs`. So a volume that is there is whole, whoever made it, and two servers cannot spoil each other's upload.

use super::{
    fault::{Fault, is, unless_missing, unsupported},
    line::Session,
    xml,
};
use crate::domain::machine::*;
use std::{fs::File, io::Read, time::Duration};
use virt::{
    error::ErrorNumber, storage_pool::StoragePool, storage_vol::StorageVol, stream::Stream,
};

/// An upload that does not get on for this long is given up.
const STALL: Duration = Duration::from_secs(60);

fn find_pool(session: &Session, name: &str) -> Result<Option<StoragePool>, Fault> {
    let found = session.connect.lookup_storage_pool_by_name(name);
    unless_missing(found, ErrorNumber::NoStoragePool)
}

/// The pool, active.
fn open_pool(session: &Session, name: &str) -> Result<StoragePool, Fault> {
    let pool = find_pool(session, name)?
        .ok_or_else(|| Fault::Refused(format!("there is no storage pool {name}")))?;
    activate(&pool)?;
    Ok(pool)
}

fn activate(pool: &StoragePool) -> Result<(), Fault> {
    if pool.is_active()? {
        return Ok(());
    }
    match pool.create(0) {
        Err(_) if pool.is_active().unwrap_or(false) => Ok(()),
        other => Ok(other?),
    }
}

fn find(pool: &StoragePool, name: &str) -> Result<Option<StorageVol>, Fault> {
    unless_missing(pool.lookup_storage_vol_by_name(name), ErrorNumber::NoStorageVolume)
}

/// The pool exists and is active; (capacity, available) in bytes.
pub(super) fn ensure_pool(session: &Session, new: &NewPool) -> Result<(Bytes, Bytes), Fault> {
    let pool = match find_pool(session, &new.name)? {
        Some(pool) => pool,
        None => session.connect.define_storage_pool_xml(&xml::pool(new), 0)?,
    };
    if !pool.is_active()? {
        pool.build(0)?; // makes the directory; one that is there is left as it is
        activate(&pool)?;
    }
    let _ = pool.set_autostart(true); // a pool that is down is activated when it is used
    let _ = pool.refresh(0); // refused while a volume is being written; the figures are then a little old
    let info = pool.info()?;
    Ok((info.capacity, info.available))
}

/// What a simulated pool is said to hold: libvirt calls each of them 100 GiB, and keeps nothing in them.
pub(super) const SIMULATED: (Bytes, Bytes) = (16 << 40, 16 << 40);

/// The pool is neither active nor defined; its files stay.
pub(super) fn ensure_no_pool(session: &Session, name: &str) -> Result<(), Fault> {
    let Some(pool) = find_pool(session, name)? else { return Ok(()) };
    if pool.is_active()? {
        unless_missing(pool.destroy(), ErrorNumber::NoStoragePool)?;
    }
    unless_missing(pool.undefine(), ErrorNumber::NoStoragePool)?;
    Ok(())
}

/// The volume exists.
pub(super) fn ensure(session: &Session, new: &NewVolume) -> Result<(), Fault> {
    let pool = open_pool(session, &new.volume.pool)?;
    if find(&pool, &new.volume.volume)?.is_some() {
        return Ok(());
    }
    let base = match &new.base {
        None => None,
        Some((name, format)) => {
            if find(&pool, name)?.is_none() {
                let _ = pool.refresh(0); // put there by somebody else since the pool was read
            }
            let base = find(&pool, name)?.ok_or_else(|| {
                Fault::Refused(format!("there is no volume {name} in pool {}", new.volume.pool))
            })?;
            Some((base.path()?, format.as_str()))
        }
    };
    let base = base.as_ref().map(|(path, format)| (path.as_str(), *format));
    create(&pool, &xml::volume(new, base))
}

fn create(pool: &StoragePool, text: &str) -> Result<(), Fault> {
    match StorageVol::create_xml(pool, text, 0) {
        Ok(_) => Ok(()),
        Err(error) if is(&error, ErrorNumber::StorageVolExist) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The volume does not exist.
pub(super) fn ensure_none(session: &Session, volume: &VolumeRef) -> Result<(), Fault> {
    let Some(pool) = find_pool(session, &volume.pool)? else { return Ok(()) };
    activate(&pool)?;
    delete(&pool, &volume.volume)
}

fn delete(pool: &StoragePool, name: &str) -> Result<(), Fault> {
    if let Some(volume) = find(pool, name)? {
        unless_missing(volume.delete(0), ErrorNumber::NoStorageVolume)?;
    }
    Ok(())
}

/// Whether the volume is there, also when it came since the pool was read.
pub(super) fn is_there(session: &Session, volume: &VolumeRef) -> Result<bool, Fault> {
    let pool = open_pool(session, &volume.pool)?;
    if find(&pool, &volume.volume)?.is_none() {
        // refused while a volume is being made
        let _ = pool.refresh(0);
    }
    Ok(find(&pool, &volume.volume)?.is_some())
}

/// Room for an upload: a plain file of the content's length, whatever its format, which libvirt finds out when it reads
/// the pool again. Its path on the host.
pub(super) fn make_room(session: &Session, part: &VolumeRef, length: u64) -> Result<String, Fault> {
    let pool = open_pool(session, &part.pool)?;
    let room =
        NewVolume { volume: part.clone(), format: "raw".to_owned(), capacity: length, base: None };
    Ok(StorageVol::create_xml(&pool, &xml::volume(&room, None), 0)?.path()?)
}

/// Writes the file into a volume that has room for it.
pub(super) fn fill(
    session: &Session,
    part: &VolumeRef,
    source: File,
    length: u64,
) -> Result<(), Fault> {
    let pool = open_pool(session, &part.pool)?;
    let volume = find(&pool, &part.volume)?
        .ok_or_else(|| Fault::Refused(format!("volume {} is gone", part.volume)))?;
    send(session, &volume, source, length).map_err(|fault| match fault {
        Fault::Virt(error) if unsupported(&error) => {
            Fault::Refused(format!("this host takes no uploads: {}", error.message()))
        }
        other => other,
    })
}

fn send(
    session: &Session,
    volume: &StorageVol,
    mut source: File,
    length: u64,
) -> Result<(), Fault> {
    let stream = Stream::new(&session.connect, 0)?;
    volume.upload(&stream, 0, length, 0)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                let _ = stream.abort();
                return Err(Fault::Strange(format!("cannot read what is uploaded: {error}")));
            }
        };
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let sent = usize::try_from(stream.send(rest)?).unwrap_or(0);
            if sent == 0 {
                let _ = stream.abort();
                return Err(Fault::Away("the upload was cut".to_owned()));
            }
            rest = &rest[sent.min(rest.len())..];
        }
        session.alive(STALL);
    }
    Ok(stream.finish()?)
}

//! `<pool>`: a directory of the host, or an NFS export mounted on one.

use super::writer::Xml;
use crate::domain::machine::NewPool;

/// The definition of a pool.
pub(in crate::hypervisor::libvirt) fn pool(pool: &NewPool) -> String {
    let kind = if pool.nfs.is_some() { "netfs" } else { "dir" };
    Xml::document("pool", &[("type", kind)], |x| {
        x.text("name", &[], &pool.name);
        if let Some((server, export)) = &pool.nfs {
            x.nest("source", &[], |x| {
                x.leaf("host", &[("name", server)]);
                x.leaf("dir", &[("path", export)]);
                x.leaf("format", &[("type", "nfs")]);
            });
        }
        x.nest("target", &[], |x| x.text("path", &[], &pool.path));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_has_its_document() {
        let dir = NewPool { name: "csgpu".into(), path: "/srv/csgpu".into(), nfs: None };
        super::super::golden("pool_dir.xml", &pool(&dir));
        let nfs = NewPool { nfs: Some(("nfs.example".into(), "/export/a".into())), ..dir };
        super::super::golden("pool_nfs.xml", &pool(&nfs));
    }
}

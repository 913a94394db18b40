//! The `template` object.

use super::words::without_password;
use crate::{
    command::{OwnerFields, prelude::*},
    commands::{
        annotation::view::{HasAnnotations, annotated, annotated_view},
        tag::view::{TagView, views as tag_views},
    },
    domain::{
        identity::shown_path,
        infra::{Hypervisor, ImageFormat, TemplateState},
    },
    store::{
        detail::{self, Details},
        tag,
        template::Named,
    },
};

/// A template, in one of its zones.
#[derive(Debug, View)]
#[view(object = "template")]
pub struct TemplateView {
    /// the ID of the template
    id: Id<id::Template>,
    /// the name of the template
    name: String,
    /// the description of the template
    display_text: String,
    /// whether everyone may use it
    is_public: bool,
    /// when it was registered
    created: Date,
    /// whether instances can be made of it
    is_ready: bool,
    /// whether instances get a password
    password_enabled: bool,
    /// the format of its file
    format: &'static str,
    /// whether it is shown first
    is_featured: bool,
    /// whether it serves all zones
    #[view(name = "crossZones")]
    cross_zones: bool,
    /// the ID of the OS type
    os_type_id: Id<id::OsType>,
    /// the name of the OS type
    os_type_name: String,
    #[view(group)]
    owner: OwnerFields,
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the name of the zone
    zone_name: Option<String>,
    /// how far it is, or why it cannot be used
    status: String,
    /// the size of its disk in bytes
    size: Option<i64>,
    /// the size of its file in bytes
    physical_size: Option<i64>,
    /// the type of the template
    template_type: String,
    /// what it runs on
    hypervisor: &'static str,
    /// the name of the domain
    domain: String,
    /// the path of the domain
    domain_path: String,
    /// the ID of the domain
    domain_id: Id<id::Domain>,
    /// whether its file may be given out
    is_extractable: bool,
    /// what its file hashes to
    checksum: Option<String>,
    /// the details of the template
    details: BTreeMap<String, String>,
    /// how far its file is, by image store
    #[view(name = "downloaddetails")]
    download_details: Vec<DownloadView>,
    /// the CPU architecture
    arch: String,
    /// the width of the processor
    bits: i32,
    /// whether instances get the keys of their key pairs
    ssh_key_enabled: bool,
    /// whether instances can grow while they run
    is_dynamically_scalable: bool,
    /// whether hosts fetch the file themselves
    direct_download: bool,
    /// whether it is deployed as it is
    deploy_as_is: bool,
    /// whether it is for container clusters
    for_cks: bool,
    /// whether it needs hardware virtualisation
    requires_hvm: bool,
    /// where its file comes from
    url: Option<String>,
    /// the tags of the template
    tags: Vec<TagView>,
    /// whether annotations exist
    has_annotations: HasAnnotations,
}

annotated_view!(TemplateView, id::Template);

/// How far a template's file is in one image store.
#[derive(Debug, View)]
#[view(object = "downloaddetail")]
pub struct DownloadView {
    /// the state of the file
    #[view(name = "downloadState")]
    download_state: &'static str,
    /// the image store
    datastore: &'static str,
    /// the kind of store
    #[view(name = "datastoreRole")]
    datastore_role: &'static str,
    /// how much of the file is there, in percent
    #[view(name = "downloadPercent")]
    download_percent: String,
}

impl TemplateView {
    /// A template with its details.
    pub fn new(named: Named, details: Details, tags: Vec<TagView>) -> Self {
        let Named { template, created, os_type, owner, domain, zone } = named;
        let is_ready = template.state == TemplateState::Ready;
        let (zone_id, zone_name) = zone.unzip();
        let download = DownloadView {
            download_state: match template.state {
                TemplateState::Downloading => "DOWNLOAD_IN_PROGRESS",
                TemplateState::Ready => "DOWNLOADED",
                TemplateState::Failed => "DOWNLOAD_ERROR",
            },
            datastore: "images",
            datastore_role: "Image",
            download_percent: template.percent.to_string(),
        };
        Self {
            id: template.id,
            name: template.name,
            display_text: template.display_text,
            is_public: template.is_public,
            created: Date(created),
            is_ready,
            password_enabled: false,
            format: ImageFormat::as_str(template.format),
            is_featured: template.is_featured,
            cross_zones: template.zone_id.is_none(),
            os_type_id: template.os_type_id,
            os_type_name: os_type,
            owner: owner.into(),
            zone_id,
            zone_name,
            status: template.status,
            size: is_ready.then_some(template.virtual_size),
            physical_size: is_ready.then_some(template.size),
            template_type: template.kind,
            hypervisor: Hypervisor::as_str(template.hypervisor),
            domain_path: shown_path(&domain.1),
            domain: domain.0,
            domain_id: template.domain_id,
            is_extractable: template.is_extractable,
            checksum: template.checksum,
            details,
            download_details: vec![download],
            arch: template.arch,
            bits: 64,
            ssh_key_enabled: true,
            is_dynamically_scalable: false,
            direct_download: false,
            deploy_as_is: false,
            for_cks: false,
            requires_hvm: true,
            url: template.url.as_deref().map(without_password),
            tags,
            has_annotations: HasAnnotations::default(),
        }
    }
}

/// The views of these templates. Three statements.
pub fn views(conn: &mut Conn, rows: Vec<Named>) -> Result<Vec<TemplateView>> {
    let ids: Vec<Id<id::Template>> = rows.iter().map(|row| row.template.id).collect();
    let details = detail::shown(conn, &ids)?;
    let tags = tag::of(conn, &ids)?; // a template has a row for each of its zones
    let view = |row: Named| {
        let details = details.get(&row.template.id).cloned().unwrap_or_default();
        let tags = tag_views(tags.get(&row.template.id).cloned());
        TemplateView::new(row, details, tags)
    };
    annotated(conn, rows.into_iter().map(view))
}

/// The view of one template. Error: not found.
pub fn one(conn: &mut Conn, id: Id<id::Template>) -> Result<TemplateView> {
    let named = crate::store::template::named(conn, id)?;
    let found = views(conn, vec![named])?.pop();
    found.ok_or_else(|| Error::NotFound { what: "template", id: id.to_string() })
}

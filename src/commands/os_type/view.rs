//! The `ostype` and `oscategory` objects.

use crate::{
    command::prelude::*,
    store::os_type::{OsCategory, OsType},
};

/// An operating system.
#[derive(Debug, View)]
#[view(object = "ostype")]
pub struct OsTypeView {
    /// the ID of the OS type
    id: Id<id::OsType>,
    /// the ID of the OS category
    os_category_id: Id<id::OsCategory>,
    /// the name of the OS category
    os_category_name: String,
    /// the name of the OS type
    name: String,
    /// the name of the OS type
    description: String,
    /// whether the OS type was added by an administrator
    is_user_defined: bool,
    /// whether the OS type is shown in forms
    for_display: bool,
}

impl From<(OsType, String)> for OsTypeView {
    fn from((os, category): (OsType, String)) -> Self {
        Self {
            id: os.id,
            os_category_id: os.category_id,
            os_category_name: category,
            description: os.name.clone(),
            name: os.name,
            is_user_defined: false,
            for_display: true,
        }
    }
}

/// A family of operating systems.
#[derive(Debug, View)]
#[view(object = "oscategory")]
pub struct OsCategoryView {
    /// the ID of the OS category
    id: Id<id::OsCategory>,
    /// the name of the OS category
    name: String,
    /// whether the OS category is shown first
    is_featured: bool,
}

impl From<OsCategory> for OsCategoryView {
    fn from(category: OsCategory) -> Self {
        Self { id: category.id, name: category.name, is_featured: false }
    }
}

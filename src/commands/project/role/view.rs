//! The `projectrole` and `projectrolepermission` objects.

use crate::{
    command::prelude::*,
    store::project_role::{ProjectRole, Rule},
};

/// A role of a project.
#[derive(Debug, View)]
#[view(object = "projectrole")]
pub struct ProjectRoleView {
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the ID of the role
    id: Id<id::ProjectRole>,
    /// the name of the role
    name: String,
    /// what the role is for
    description: Option<String>,
    /// whether others than members see the role
    is_public: bool,
}

impl From<ProjectRole> for ProjectRoleView {
    fn from(role: ProjectRole) -> Self {
        let ProjectRole { id, project_id, name, description } = role;
        Self { project_id, id, name, description, is_public: false }
    }
}

/// A rule of a role of a project.
#[derive(Debug, View)]
#[view(object = "projectrolepermission")]
pub struct ProjectRolePermissionView {
    /// the ID of the rule
    id: Id<id::ProjectRolePermission>,
    /// the ID of the role
    #[view(name = "projectroleid")]
    project_role_id: Id<id::ProjectRole>,
    /// the ID of the project
    project_id: Id<id::Project>,
    /// the name of the role
    #[view(name = "projectrolename")]
    project_role_name: String,
    /// the commands that the rule is about
    rule: String,
    /// allow or deny
    permission: &'static str,
    /// what the rule is for
    description: Option<String>,
}

impl ProjectRolePermissionView {
    /// A rule of the role of this name.
    pub fn new(project_id: Id<id::Project>, (rule, name): (Rule, String)) -> Self {
        Self {
            id: rule.id,
            project_role_id: rule.role_id,
            project_id,
            project_role_name: name,
            rule: rule.rule,
            permission: if rule.is_allowed { "allow" } else { "deny" },
            description: rule.description,
        }
    }
}

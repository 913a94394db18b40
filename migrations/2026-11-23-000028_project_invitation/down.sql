DROP TABLE `project_invitation`;

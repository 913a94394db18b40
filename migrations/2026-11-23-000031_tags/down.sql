DROP TABLE `tag`;

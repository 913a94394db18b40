DROP TABLE `vm_decision`;

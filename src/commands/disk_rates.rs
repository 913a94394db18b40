//! How fast the disks of an offering may be, as CloudStack's offerings say it. Here nothing limits them.

use crate::command::unmet::not_here;

not_here! {
    /// Of `createDiskOffering` and `createServiceOffering`.
    DiskRates {
        refused "bytesreadrate" long "the bytes read a second, which are not limited";
        unused "bytesreadratemax" long "the burst of bytesreadrate";
        unused "bytesreadratemaxlength" long "the seconds of the burst of bytesreadrate";
        refused "byteswriterate" long "the bytes written a second, which are not limited";
        unused "byteswriteratemax" long "the burst of byteswriterate";
        unused "byteswriteratemaxlength" long "the seconds of the burst of byteswriterate";
        refused "iopsreadrate" long "the reads a second, which are not limited";
        unused "iopsreadratemax" long "the burst of iopsreadrate";
        unused "iopsreadratemaxlength" long "the seconds of the burst of iopsreadrate";
        refused "iopswriterate" long "the writes a second, which are not limited";
        unused "iopswriteratemax" long "the burst of iopswriterate";
        unused "iopswriteratemaxlength" long "the seconds of the burst of iopswriterate";
        refused "miniops" long "the operations a second that are promised, which none are";
        refused "maxiops" long "the operations a second, which are not limited";
        refused "cachemode" string "how writes are cached, which offerings do not say";
    }
}

SUMMARY = "Sets the clock to what the cloud says"
DESCRIPTION = "Reads the file that the daemon writes, and believes no time that cannot be."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://LICENSE-MIT;md5=a7ef1fbb34c57d69efa986110b45d9a9 \
"

require conclave-workspace.inc

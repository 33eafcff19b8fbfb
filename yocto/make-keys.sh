#!/bin/sh
# Makes a set of keys to try things with: yocto/make-keys.sh FOLDER
#
# An organisation's own keys belong in a token or a safe, and each of these has another owner: whoever
# signs what boots need not be who signs updates. Nothing that is there already is written over.
set -eu
umask 077
folder=${1:?"a folder for the keys"}
mkdir -p "$folder"
cd "$folder"

# NAME, WHO, BITS: a key and a certificate that it signed itself.
self_signed() {
    [ -e "$1.key" ] || openssl req -x509 -newkey "rsa:$3" -noenc -sha256 -days 7300 \
        -subj "/O=Conclave, to try/CN=$2" -keyout "$1.key" -out "$1.crt"
}
# UEFI: the firmware's `db` takes this certificate, and the kernel image is signed by the key.
self_signed secure-boot "what boots (UEFI)" 2048
# Other boards: U-Boot holds this key, and the FIT is signed by it.
self_signed boot "what boots (U-Boot)" 4096
# Updates: a room holds the authority's certificate, and a bundle is signed by a key below it.
self_signed update-ca "updates: authority" 4096
if [ ! -e update.key ]; then
    openssl req -newkey rsa:4096 -noenc -sha256 -subj "/O=Conclave, to try/CN=updates" \
        -keyout update.key -out update.csr
    # Not for code signing alone: RAUC would refuse it.
    printf 'basicConstraints=CA:false\nkeyUsage=digitalSignature\nextendedKeyUsage=emailProtection\n' |
        openssl x509 -req -in update.csr -CA update-ca.crt -CAkey update-ca.key -CAcreateserial \
            -sha256 -days 3650 -extfile /dev/stdin -out update.crt
    rm update.csr
fi
ls -l

/* The bytes that tell formats of files, where more than one folder knows them. */
#pragma once

/* Compressed files and archives: RFC 1952, RFC 8878, "The .xz File Format", lz4_Frame_format; the
 * others by what their tools write. */
#define MAGIC_GZIP "\x1f\x8b\x08"
#define MAGIC_ZSTD "\x28\xb5\x2f\xfd"
#define MAGIC_XZ                                                                                   \
    "\xfd"                                                                                         \
    "7zXZ\0"
#define MAGIC_LZ4        "\x04\x22\x4d\x18"
#define MAGIC_LZ4_LEGACY "\x02\x21\x4c\x18"
#define MAGIC_LZOP       "\x89LZO\0\r\n\x1a\n"
#define MAGIC_LZIP       "LZIP\x01"
#define MAGIC_ZIP        "PK\x03\x04"
#define MAGIC_7Z         "7z\xbc\xaf\x27\x1c"

/* Disk images: qcow2 and QED: QEMU docs/interop; VMDK: VMware "Virtual Disk Format"; VHD: "Virtual
 * Hard Disk Image Format Specification"; VHDX: MS-VHDX. */
#define MAGIC_QCOW2       "QFI\xfb"
#define MAGIC_QED         "QED\0"
#define MAGIC_VMDK        "KDMV"
#define MAGIC_VMDK_ESX    "COWD"
#define MAGIC_VMDK_TEXT   "# Disk DescriptorFile"
#define MAGIC_VDI         "\x7f\x10\xda\xbe" /* at VDI_MAGIC_AT */
#define MAGIC_VHD         "conectix"
#define MAGIC_VHDX        "vhdxfile"
#define MAGIC_PARALLELS   "WithoutFreeSpace"
#define MAGIC_PARALLELS_X "WithouFreSpacExt"
#define VDI_MAGIC_AT      64

/* The header of an arm64 Image: Documentation/arch/arm64/booting.rst of Linux, section 4. */
#define MAGIC_IMAGE       "ARM\x64" /* at IMAGE_MAGIC_AT */
#define IMAGE_MAGIC_AT    56
#define IMAGE_SIZE_AT     16 /* how much memory it takes, 8 bytes */
#define IMAGE_HEADER_SIZE 64

/* libdbus-1 for Swift. Its type codes are character-literal casts, which Swift does not import: named again here. */
#ifndef BLUPOW_CDBUS_SHIM_H
#define BLUPOW_CDBUS_SHIM_H

#include <dbus/dbus.h>

static const int blupow_dbus_invalid = DBUS_TYPE_INVALID;
static const int blupow_dbus_byte = DBUS_TYPE_BYTE;
static const int blupow_dbus_boolean = DBUS_TYPE_BOOLEAN;
static const int blupow_dbus_int16 = DBUS_TYPE_INT16;
static const int blupow_dbus_uint16 = DBUS_TYPE_UINT16;
static const int blupow_dbus_int32 = DBUS_TYPE_INT32;
static const int blupow_dbus_uint32 = DBUS_TYPE_UINT32;
static const int blupow_dbus_int64 = DBUS_TYPE_INT64;
static const int blupow_dbus_uint64 = DBUS_TYPE_UINT64;
static const int blupow_dbus_double = DBUS_TYPE_DOUBLE;
static const int blupow_dbus_string = DBUS_TYPE_STRING;
static const int blupow_dbus_object_path = DBUS_TYPE_OBJECT_PATH;
static const int blupow_dbus_signature = DBUS_TYPE_SIGNATURE;
static const int blupow_dbus_unix_fd = DBUS_TYPE_UNIX_FD;
static const int blupow_dbus_array = DBUS_TYPE_ARRAY;
static const int blupow_dbus_variant = DBUS_TYPE_VARIANT;
static const int blupow_dbus_struct = DBUS_TYPE_STRUCT;
static const int blupow_dbus_dict_entry = DBUS_TYPE_DICT_ENTRY;

static const unsigned int blupow_dbus_watch_readable = DBUS_WATCH_READABLE;
static const unsigned int blupow_dbus_watch_writable = DBUS_WATCH_WRITABLE;
static const unsigned int blupow_dbus_watch_error = DBUS_WATCH_ERROR;
static const unsigned int blupow_dbus_watch_hangup = DBUS_WATCH_HANGUP;

#endif

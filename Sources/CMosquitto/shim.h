/* libmosquitto for Swift. */
#ifndef BLUPOW_CMOSQUITTO_SHIM_H
#define BLUPOW_CMOSQUITTO_SHIM_H

#include <mosquitto.h>
#include <mqtt_protocol.h>

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_PROTO_H
#define REGISTRY_PROTO_H

#include <stddef.h>

/*
 * The messages between bryo (storage/registry_client.c) and bryo-registry
 * (storage/registry/).  One JSON object per SOCK_SEQPACKET message, the
 * socket is descriptor 3 of the helper.
 *
 * Requests; they carry one descriptor where it is named:
 *   {"op":"open","host","repo","url","authfile","creds","cert_dir",
 *    "tls_verify","retry","delay_ms","push","stall"} -> reply
 *   {"op":"check"}, {"op":"has","digest"}           -> reply; no descriptor
 *   {"op":"manifest","ref"}        memfd  -> reply with "size" and "type"
 *   {"op":"small","digest","size"} memfd  -> reply with "size"
 *   {"op":"tags"}                  memfd  -> reply with "size"; the memfd
 *                                            holds {"tags":[...]}
 *   {"op":"search","term","limit"} memfd  -> reply with "size"
 *   {"op":"put","ref","type","size"} memfd -> reply
 *   {"op":"download","size"}       pipe   -> reply, once it is closed; after
 *                                            an "open" with "url" only
 *   {"op":"blob","digest","size","offset","key"} pipe -> events
 *   {"op":"upload","digest","size","from","key"} file -> events
 *
 * Answers:
 *   {"op":"reply", ...}                   one per request but "blob", in order
 *   {"op":"progress","key","done"}        any time
 *   {"op":"done","key","done","how"}      the last one for a key; "how" of
 *                                         an upload: sent, exists, mounted
 *   {"op":"failed","key","done","error"}  the last one for a key
 * A reply that has "error":{"code","kind","msg"} is a failure.
 *
 * The credentials travel in "open" and nowhere else.
 */

#define REG_PROTO_FD 3

/** Larger messages are an error on both sides. */
#define REG_PROTO_MAX (64u << 10)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_MANIFEST_MANIFEST_H
#define CMD_MANIFEST_MANIFEST_H

#include <stdbool.h>

#include "util/err.h"

struct list_note;
struct pull_opts;

/** struct reach - how to reach a registry */
struct reach {
	char *authfile;
	char *cert_dir;
	char *creds;
	bool insecure;
	int tls_verify;
};

#define REACH_OPTS(st, field) \
	OPT_STR(0, "authfile", st, field.authfile, "path", \
		"File with the credentials"), \
	OPT_STR(0, "cert-dir", st, field.cert_dir, "path", \
		"Directory with certificates and keys"), \
	OPT_STR(0, "creds", st, field.creds, "[username[:password]]", \
		"Credentials for the registry"), \
	OPT_BOOL(0, "insecure", st, field.insecure, \
		 "Accept plain HTTP and bad certificates"), \
	OPT_TRI(0, "tls-verify", st, field.tls_verify, \
		"Demand HTTPS and verify certificates")

/** reach_opts() - what is checked of it, as options of a pull */
int reach_opts(const struct reach *reach, struct pull_opts *ret,
	       struct err *err);

/** struct entry_args - what add and annotate say about an entry */
struct entry_args {
	char **annotations;
	char *arch;
	char **features;
	char *os;
	char **os_features;
	char *os_version;
	char *variant;
};

/* verb: "Set " or "Override " */
#define ENTRY_OPTS(st, field, verb) \
	OPT_STRV(0, "annotation", st, field.annotations, "KEY=VALUE", \
		 "Set an annotation"), \
	OPT_STR(0, "arch", st, field.arch, "ARCH", verb "the architecture"), \
	OPT_LIST(0, "features", st, field.features, "string", \
		 verb "the features"), \
	OPT_STR(0, "os", st, field.os, "OS", verb "the system"), \
	OPT_LIST(0, "os-features", st, field.os_features, "string", \
		 verb "the features of the system"), \
	OPT_STR(0, "os-version", st, field.os_version, "version", \
		verb "the version of the system"), \
	OPT_STR(0, "variant", st, field.variant, "VARIANT", \
		verb "the variant of the architecture")

/** entry_note() - the same for the store; borrows all of it */
struct list_note entry_note(const struct entry_args *entry);

/** annotations_check() - each is KEY=VALUE */
int annotations_check(char *const *annotations, struct err *err);

#endif

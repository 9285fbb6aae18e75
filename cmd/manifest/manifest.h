/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_MANIFEST_MANIFEST_H
#define CMD_MANIFEST_MANIFEST_H

#include <stdbool.h>

#include "util/err.h"

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

/** annotations_check() - each is KEY=VALUE */
int annotations_check(char *const *annotations, struct err *err);

#endif

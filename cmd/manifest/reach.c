/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/image/pullopts.h"
#include "cmd/manifest/manifest.h"
#include "storage/image/list.h"
#include "storage/store.h"

int reach_opts(const struct reach *reach, struct pull_opts *ret,
	       struct err *err)
{
	if (reach->insecure && reach->tls_verify == 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--insecure and --tls-verify cannot be used "
			       "together");
	*ret = (struct pull_opts){
		.authfile = reach->authfile,
		.creds = reach->creds,
		.cert_dir = reach->cert_dir,
		.tls_verify = reach->insecure ? 0 : reach->tls_verify,
		.retry = -1,
	};
	return authfile_check(reach->authfile, err);
}

struct list_note entry_note(const struct entry_args *entry)
{
	return (struct list_note){
		.arch = entry->arch,
		.os = entry->os,
		.variant = entry->variant,
		.os_version = entry->os_version,
		.features = entry->features,
		.os_features = entry->os_features,
		.annotations = entry->annotations,
	};
}

int annotations_check(char *const *annotations, struct err *err)
{
	for (; annotations && *annotations; annotations++)
		if (!strchr(*annotations, '=') || **annotations == '=')
			return err_set(err, ERR_USAGE, EINVAL,
				       "no value given for annotation \"%s\"",
				       *annotations);
	return 0;
}

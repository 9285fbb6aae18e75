/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

struct cmd;

/* One per file below cmd/GROUP/; the table is in commands.c. */

/* containers */
extern const struct cmd cmd_container_attach;
extern const struct cmd cmd_container_boot;
extern const struct cmd cmd_container_boot_install;
extern const struct cmd cmd_container_boot_status;
extern const struct cmd cmd_container_boot_uninstall;
extern const struct cmd cmd_container_commit;
extern const struct cmd cmd_container_cp;
extern const struct cmd cmd_container_create;
extern const struct cmd cmd_container_diff;
extern const struct cmd cmd_container_exec;
extern const struct cmd cmd_container_exists;
extern const struct cmd cmd_container_export;
extern const struct cmd cmd_healthcheck_run;
extern const struct cmd cmd_healthcheck_timer;
extern const struct cmd cmd_container_init;
extern const struct cmd cmd_container_exec_died;
extern const struct cmd cmd_container_resume;
extern const struct cmd cmd_container_helper;
extern const struct cmd cmd_container_inspect;
extern const struct cmd cmd_container_kill;
extern const struct cmd cmd_container_logs;
extern const struct cmd cmd_container_monitor;
extern const struct cmd cmd_container_port;
extern const struct cmd cmd_container_mount;
extern const struct cmd cmd_container_pause;
extern const struct cmd cmd_container_prune;
extern const struct cmd cmd_container_ps;
extern const struct cmd cmd_container_rename;
extern const struct cmd cmd_container_restart;
extern const struct cmd cmd_container_rm;
extern const struct cmd cmd_container_run;
extern const struct cmd cmd_container_session;
extern const struct cmd cmd_container_start;
extern const struct cmd cmd_container_stats;
extern const struct cmd cmd_container_stop;
extern const struct cmd cmd_container_top;
extern const struct cmd cmd_container_unmount;
extern const struct cmd cmd_container_unpause;
extern const struct cmd cmd_container_update;
extern const struct cmd cmd_container_wait;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_inspect;

/* images */
extern const struct cmd cmd_image_diff;
extern const struct cmd cmd_image_exists;
extern const struct cmd cmd_image_history;
extern const struct cmd cmd_image_import;
extern const struct cmd cmd_image_inspect;
extern const struct cmd cmd_image_load;
extern const struct cmd cmd_image_ls;
extern const struct cmd cmd_image_mount;
extern const struct cmd cmd_image_prune;
extern const struct cmd cmd_image_pull;
extern const struct cmd cmd_image_push;
extern const struct cmd cmd_registry_login;
extern const struct cmd cmd_registry_logout;
extern const struct cmd cmd_registry_search;
extern const struct cmd cmd_image_rm;
extern const struct cmd cmd_image_save;
extern const struct cmd cmd_image_tag;
extern const struct cmd cmd_image_tree;
extern const struct cmd cmd_image_unmount;
extern const struct cmd cmd_image_untag;

/* manifest lists */
extern const struct cmd cmd_manifest_add;
extern const struct cmd cmd_manifest_annotate;
extern const struct cmd cmd_manifest_create;
extern const struct cmd cmd_manifest_exists;
extern const struct cmd cmd_manifest_inspect;
extern const struct cmd cmd_manifest_push;
extern const struct cmd cmd_manifest_remove;
extern const struct cmd cmd_manifest_rm;

/* volumes */
extern const struct cmd cmd_secret_create;
extern const struct cmd cmd_secret_exists;
extern const struct cmd cmd_secret_inspect;
extern const struct cmd cmd_secret_ls;
extern const struct cmd cmd_secret_rm;
extern const struct cmd cmd_volume_create;
extern const struct cmd cmd_volume_exists;
extern const struct cmd cmd_volume_export;
extern const struct cmd cmd_volume_import;
extern const struct cmd cmd_volume_inspect;
extern const struct cmd cmd_volume_ls;
extern const struct cmd cmd_volume_mount;
extern const struct cmd cmd_volume_prune;
extern const struct cmd cmd_volume_rm;
extern const struct cmd cmd_volume_unmount;

/* the engine */
extern const struct cmd cmd_system_check;
extern const struct cmd cmd_system_complete;
extern const struct cmd cmd_system_completion;
extern const struct cmd cmd_system_df;
extern const struct cmd cmd_system_doctor;
extern const struct cmd cmd_system_dump;
extern const struct cmd cmd_system_events;
extern const struct cmd cmd_system_fault_points;
extern const struct cmd cmd_system_info;
extern const struct cmd cmd_system_migrate;
extern const struct cmd cmd_system_prune;
extern const struct cmd cmd_system_reset;
extern const struct cmd cmd_system_unshare;
extern const struct cmd cmd_system_version;

#endif

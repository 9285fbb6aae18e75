/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LOG_FORMAT_H
#define MONITOR_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One record of a log file, in the two formats, in both directions.
 *
 *   k8s-file   2026-11-20T13:27:47.288368766+00:00 stdout F text
 *   json-file  {"log":"text\n","stream":"stdout","time":"2026-...Z"}
 *              with "attrs":{"k":"v"} before the time, should there be any
 *
 * A record is one line of the file.  It holds a whole line of output (tag F,
 * or a \n in "log"), or a piece of one that later records of the same stream
 * continue (tag P, or no \n).
 */
enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/**
 * struct log_rec - a record that was read
 * @text:    without the newline; borrowed, not terminated
 * @partial: the line goes on in the stream's next record
 * @attrs:   the text of the JSON object "attrs", or NULL; borrowed
 */
struct log_rec {
	enum log_stream stream;
	int64_t time_ns;
	const char *text;
	size_t len;
	bool partial;
	const char *attrs;
	size_t n_attrs;
};

/* Longest text of one record; longer lines are written in pieces.  A record
 * of one byte may take six in JSON. */
#define LOG_PIECE_K8S 16384
#define LOG_PIECE_JSON 4096
#define LOG_OVERHEAD 128
#define LOG_RECORD_MAX (LOG_PIECE_JSON * 6 + LOG_OVERHEAD)

/* "2026-11-20T13:27:47.288368766" and a NUL */
#define LOG_TIME_LEN 29

/** log_time_text() - always with nine digits, UTC, no zone */
void log_time_text(int64_t ns, char ret[LOG_TIME_LEN + 1]);

/** log_time_parse() - that, or any RFC 3339 time; -EINVAL */
int log_time_parse(const char *s, size_t len, int64_t *ret_ns);

/**
 * log_json_put() - append one json-file record
 * @out:  room for len * 6 + strlen(attrs) + LOG_OVERHEAD bytes
 * @time: log_time_text()
 * @attrs: text of a JSON object, "" = none
 *
 * What is not UTF-8 becomes U+FFFD, as docker writes it.
 * Return: bytes written
 */
size_t log_json_put(char *out, enum log_stream stream, const char *time,
		    const char *attrs, const char *text, size_t len,
		    bool partial);

/** log_utf8_cut() - bytes at the end that begin a character which is not
 *  complete; 0..3 */
size_t log_utf8_cut(const char *s, size_t len);

/** log_utf8_len() - length that the first byte of a character promises */
size_t log_utf8_len(unsigned char first);

/**
 * log_rec_parse() - either format
 * @line: without its newline; JSON texts are unescaped in place
 *
 * Return: 0, or -EINVAL
 */
int log_rec_parse(char *line, size_t len, struct log_rec *ret);

#endif

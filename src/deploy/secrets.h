/*
 * Secrets in a deployment: which are required, putting them into .env, and keeping them out of the
 * log.
 */
#ifndef HK_DEPLOY_SECRETS_H
#define HK_DEPLOY_SECRETS_H

#include <deploy/deploy.h>
#include <store/vault.h>

/* Whether the deployment writes the vault over .env: asked for, or [secrets] inject. */
bool hk_secrets_are_injected(const struct hk_deploy *d);

/*
 * Opens the vault for the deployment, if there is one. HK_E_SECRET_MISSING names what [secrets]
 * required has and neither the vault (when it is injected) nor .env; HK_E_VAULT_FAILED when it is
 * to be injected and cannot be read.
 */
int hk_secrets_begin(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/*
 * Adds the names of required that are neither in .env nor, with a vault that is not NULL, in it.
 */
int hk_secrets_find_missing(const struct hk_project *p, const struct hk_vault *v,
			    const struct hk_strlist *required, struct hk_strlist *ret,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * Appends a line of output with every secret of 8 characters or more, and every such line of one,
 * replaced by asterisks: of the vault, and what .env had under its names when the deployment began.
 */
void hk_secrets_mask(const struct hk_deploy *d, const char *line, size_t len, struct hk_buf *out);

/* The home's .env, which may be missing: as it is, and replaced in one step (0600). */
int hk_secrets_read_dotenv(const struct hk_project *p, struct hk_buf *ret,
			   struct hk_error *err) HK_MUST_CHECK;
int hk_secrets_write_dotenv(const struct hk_project *p, const struct hk_buf *text,
			    struct hk_error *err) HK_MUST_CHECK;

#endif

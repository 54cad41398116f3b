/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of the routes; one file a resource (res_*.c). Each answers its request exactly once,
 * now or later.
 */
#ifndef JETON_API_HANDLERS_H
#define JETON_API_HANDLERS_H

struct jt_request;

/* res_tokenize.c, res_detokenize.c */
void jt_handle_tokenize(struct jt_request *r);
void jt_handle_detokenize(struct jt_request *r);

/* res_fields.c, res_clients.c */
void jt_handle_fields_list(struct jt_request *r);
void jt_handle_field_add(struct jt_request *r);
void jt_handle_clients_list(struct jt_request *r);
void jt_handle_client_add(struct jt_request *r);
void jt_handle_client_revoke(struct jt_request *r);

/* res_generations.c, res_retirements.c */
void jt_handle_generations_list(struct jt_request *r);
void jt_handle_generation_get(struct jt_request *r);
void jt_handle_generation_create(struct jt_request *r);
void jt_handle_generation_activate(struct jt_request *r);
void jt_handle_generation_abandon(struct jt_request *r);
void jt_handle_retirement_start(struct jt_request *r);
void jt_handle_retirement_get(struct jt_request *r);

/* res_audit.c */
void jt_handle_audit_search(struct jt_request *r);

/* res_node.c */
void jt_handle_node_accept_ids(struct jt_request *r);
void jt_handle_node_accept_sets(struct jt_request *r);

/* res_status.c */
void jt_handle_status(struct jt_request *r);
void jt_handle_livez(struct jt_request *r);
void jt_handle_readyz(struct jt_request *r);

#endif

import { defineErrors } from './define.ts';

/** Codes of the workers: vault, memory, classify. */
export const workerErrors = defineErrors({
  'worker.outcome_unknown': {
    status: 502,
    exit: 1,
    title: 'It is not known whether the action happened.',
    hint: 'Look at the other side before trying again.',
  },
  'vault.no_secret': {
    status: 404,
    exit: 5,
    title: 'There is no secret of that name.',
    hint: 'List them with `caponier secret list`.',
  },
  'vault.host_not_allowed': {
    status: 403,
    exit: 5,
    title: 'The secret may not be sent to that host.',
    hint: 'The owner names the hosts with `caponier secret put --host`.',
  },
  'vault.upstream_failed': {
    status: 502,
    exit: 3,
    title: 'The call to the outside failed.',
    hint: 'Check the address; the secret was not shown to the agent.',
  },
  'vault.bad_call': {
    status: 400,
    exit: 2,
    title: 'The call is not well formed.',
    hint: 'Give method, https address, and a place for the secret.',
  },
  'memory.no_entry': {
    status: 404,
    exit: 5,
    title: 'There is no such entry.',
    hint: 'Search with `caponier memory search`.',
  },
  'memory.version_conflict': {
    status: 409,
    exit: 5,
    title: 'The entry changed in the meantime.',
    hint: 'Read it again, then write.',
  },
  'memory.bad_query': { status: 400, exit: 2, title: 'The search is not understood.', hint: 'Use plain words.' },
  'memory.namespace_closed': {
    status: 403,
    exit: 5,
    title: 'This namespace is closed to agents.',
    hint: 'Agents cannot read their own rules.',
  },
  'classify.too_large': {
    status: 413,
    exit: 5,
    title: 'The text is too large to classify.',
    hint: 'Send it in parts.',
  },
});

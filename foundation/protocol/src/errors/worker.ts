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
  'classify.busy': { status: 503, exit: 3, title: 'Too many texts are waiting.', hint: 'Try again shortly.' },
  'vault.no_placeholder': {
    status: 400,
    exit: 2,
    title: 'The call names no place for the secret.',
    hint: 'Write {{secret}} in a header, the query or the body, and name that place.',
  },
  'vault.private_address': {
    status: 403,
    exit: 5,
    title: 'The host is at a private address.',
    hint: 'The owner can allow private addresses for this secret, or name the address itself.',
  },
  'vault.bad_secret': {
    status: 400,
    exit: 2,
    title: 'The secret cannot be kept like that.',
    hint: 'Give a name, a value of at most 64 KiB and the hosts it may be sent to.',
  },
  'vault.locked': {
    status: 500,
    exit: 1,
    title: 'The secrets cannot be opened with this master key.',
    hint: 'Start the vault with the key file it was made with.',
  },
  'memory.bad_entry': {
    status: 400,
    exit: 2,
    title: 'The entry cannot be kept like that.',
    hint: 'Give a text of at most 64 KiB under namespace/key.',
  },
  'memory.no_suggestion': {
    status: 404,
    exit: 5,
    title: 'There is no such suggestion.',
    hint: 'List them with `caponier memory suggestions`.',
  },
  'memory.full': {
    status: 507,
    exit: 5,
    title: 'The memory of this owner is full.',
    hint: 'Delete entries, or answer the open suggestions.',
  },
  'worker.owner_only': {
    status: 403,
    exit: 5,
    title: 'Only the owner may do this.',
    hint: 'Do it yourself on a controller; an agent can suggest it.',
  },
  'worker.busy': { status: 503, exit: 3, title: 'The worker has too much under way.', hint: 'Try again shortly.' },
  'classify.bad_text': { status: 400, exit: 2, title: 'There is no text to classify.', hint: 'Give a text.' },
});

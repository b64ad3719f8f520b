import { defineErrors } from './define.ts';

/** Codes of storage. */
export const storeErrors = defineErrors({
  'store.full': { status: 507, exit: 1, title: 'The storage is full.', hint: 'Free space, or raise the limit.' },
  'store.unavailable': {
    status: 503,
    exit: 1,
    title: 'The storage does not answer.',
    hint: 'Look at the log of the service.',
  },
  'store.damaged': { status: 500, exit: 1, title: 'The storage is damaged.', hint: 'Restore from a backup.' },
  'store.too_new': {
    status: 500,
    exit: 1,
    title: 'The storage was written by a newer version.',
    hint: 'Update Caponier on this machine.',
  },
  'store.not_durable': {
    status: 500,
    exit: 1,
    title: 'The storage would not keep what it acknowledges.',
    hint: 'Use a file system that honours fsync.',
  },
});

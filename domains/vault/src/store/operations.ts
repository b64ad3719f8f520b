/** The operations of the storage thread: those of the ledger and the event chain, and the secrets' own. */
export {
  appendEvent,
  checkEvents,
  eventHead,
  finishUse,
  intendUse,
  openIntents,
  publishedEvents,
  readEvents,
  redactEvent,
  unpublishedEvents,
  useCounts,
} from '@caponier/store/operations';
export { deleteSecret, getSecret, listSecrets, putSecret } from './secrets.ts';

/** Everything the relay does to its database, as the storage thread loads it. */
export {
  ackMail,
  dropSlot,
  isAllowed,
  judgeContact,
  mailAfter,
  makeSlot,
  ownerOfSlot,
  takeMail,
} from './mail.ts';
export { forgetOld, keepOwner, ownerStatements } from './owners.ts';
export { fetchPrekeys, offerPrekeys, oneTimeLeft } from './prekeys.ts';

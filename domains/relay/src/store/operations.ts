/** Everything the relay does to its database, as the storage thread loads it. */
export { isAllowed, judgeContact } from './contacts.ts';
export { answers, fullness, keepRates, keptRates, registerDevice } from './door.ts';
export { figures } from './figures.ts';
export { ackMail, mailAfter, takeMail, tidyMail } from './mail.ts';
export { forgetOld, keepOwner, ownerStatements } from './owners.ts';
export { fetchPrekeys, offerPrekeys, oneTimeLeft } from './prekeys.ts';
export { dropSlot, makeSlot, ownerOfSlot } from './slots.ts';
